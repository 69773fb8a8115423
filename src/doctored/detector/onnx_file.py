"""What can be known of an ONNX file without opening it: its card, and whether it keeps to the format.

onnxruntime reads external data relative to the current folder even when it is given bytes, and it runs
operators of its own domains. Both are refused here, before it sees the file. An ONNX file is a protocol
buffer; its wire format (protobuf.dev, "Encoding") is walked in place, and no part of it is copied but the
card. The field numbers are those of onnx.proto.
"""

from collections.abc import Iterator
from typing import NamedTuple

from doctored.detector.card import MAX_CARD_BYTES, METADATA_KEY
from doctored.errors import DetectorError

MAX_FILE_BYTES = 100 << 20
MAX_METADATA_BYTES = 2 * MAX_CARD_BYTES
MAX_FIELDS = 1_000_000
MAX_DEPTH = 32

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_NODE_DOMAIN, _TENSOR_EXTERNAL_DATA, _TENSOR_LOCATION, _METADATA = 7, 13, 14, 14

# message → {field number: the message in it}; what is not named here holds nothing that matters.
_CHILDREN = {
    "model": {7: "graph", 14: "metadata", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
    "metadata": {},
}


class _Field(NamedTuple):
    number: int
    wire_type: int
    value: int  # of a varint
    start: int  # of bytes
    end: int


def read_card_text(file: bytes) -> str:
    """The JSON text under the metadata key `doctored`; DetectorError for a file that breaks the format.

    Refused: more than 100 MB, anything that is not a protocol buffer, external data, operators outside
    ONNX's own domain, metadata above 2 MiB, no card.
    """
    if len(file) > MAX_FILE_BYTES:
        raise not_a_detector(f"it is larger than {MAX_FILE_BYTES >> 20} MiB")
    metadata_bytes, card = 0, None
    view = memoryview(file)
    for message, field in _walk(view):
        if message == "tensor" and field.number == _TENSOR_EXTERNAL_DATA:
            raise not_a_detector("its weights are in another file (external data)")
        if message == "tensor" and field.number == _TENSOR_LOCATION and field.value:
            raise not_a_detector("its weights are in another file (external data)")
        if message == "node" and field.number == _NODE_DOMAIN and field.wire_type == _BYTES:
            domain = bytes(view[field.start : min(field.end, field.start + 64)])
            if domain not in (b"", b"ai.onnx"):
                name = ascii(domain.decode("utf-8", "replace"))
                raise not_a_detector(f"it uses operators of {name}, not only standard ones")
        if message == "model" and field.number == _METADATA and field.wire_type == _BYTES:
            metadata_bytes += field.end - field.start
            if metadata_bytes > MAX_METADATA_BYTES:
                raise not_a_detector(f"its metadata is larger than {MAX_METADATA_BYTES >> 20} MiB")
            key, value = _read_entry(view, field)
            if key == METADATA_KEY.encode():
                if card is not None:
                    raise not_a_detector("it has two cards")
                card = value
    if card is None:
        raise not_a_detector(f"it has no card (metadata key '{METADATA_KEY}')")
    try:
        return card.decode("utf-8")
    except UnicodeDecodeError as error:
        raise not_a_detector("its card is not UTF-8") from error


def _walk(view: memoryview) -> Iterator[tuple[str, _Field]]:
    """Every field of every message named in `_CHILDREN`, with the name of the message it stands in."""
    waiting = [("model", 0, len(view), 0)]
    seen = 0
    while waiting:
        message, start, end, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise not_a_detector("its graphs are nested too deeply")
        children = _CHILDREN[message]
        for field in _fields(view, start, end):
            seen += 1
            if seen > MAX_FIELDS:
                raise not_a_detector("it has too many parts")
            yield message, field
            if field.wire_type == _BYTES and field.number in children:
                waiting.append((children[field.number], field.start, field.end, depth + 1))


def _fields(view: memoryview, position: int, end: int) -> Iterator[_Field]:
    while position < end:
        tag, position = _read_varint(view, position, end)
        number, wire_type = tag >> 3, tag & 7
        value, start = 0, position
        if wire_type == _VARINT:
            value, position = _read_varint(view, position, end)
        elif wire_type == _BYTES:
            length, start = _read_varint(view, position, end)
            position = start + length
        elif wire_type in (_FIXED32, _FIXED64):
            position += 4 if wire_type == _FIXED32 else 8
        else:
            raise not_a_detector("it is not an ONNX file")
        if not number or tag >= 1 << 32 or position > end:
            raise not_a_detector("it is not an ONNX file, or it is cut short")
        yield _Field(number, wire_type, value, start, position)


def _read_varint(view: memoryview, position: int, end: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= end:
            break
        byte = view[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise not_a_detector("it is not an ONNX file, or it is cut short")


def _read_entry(view: memoryview, entry: _Field) -> tuple[bytes, bytes]:
    """Key and value of one metadata entry."""
    parts = {1: b"", 2: b""}
    for field in _fields(view, entry.start, entry.end):
        if field.number in parts and field.wire_type == _BYTES:
            parts[field.number] = bytes(view[field.start : field.end])
    return parts[1], parts[2]


def not_a_detector(because: str) -> DetectorError:
    return DetectorError(
        f"the file is not a detector: {because}; docs/detector-file.md tells what one must look like"
    )
