"""PNG files: chunks (W3C PNG, third edition), and what ImageMagick hides in texts."""

import re
import zlib

from doctored.picture.containers.draft import MAX_PARTS, Draft
from doctored.picture.containers.photoshop import read_iptc

SIGNATURE_BYTES = 8
# An ordinary large PNG has more chunks of pixels than we look at of all others.
MAX_PIXEL_CHUNKS = 20 * MAX_PARTS
XMP_KEYWORD = b"XML:com.adobe.xmp"
RAW_PROFILE = re.compile(rb"Raw profile type (exif|APP1|xmp|iptc|8bim)")
RAW_PROFILE_TEXT = re.compile(rb"\s*[ -~]{1,80}\n\s*\d+\s+([0-9A-Fa-f\s]*)")
XMP_PREFIX = b"http://ns.adobe.com/xap/1.0/\0"


def read(data: bytes, draft: Draft) -> None:
    position, parts, pixel_chunks = SIGNATURE_BYTES, 0, 0
    while parts < MAX_PARTS and pixel_chunks < MAX_PIXEL_CHUNKS:
        header = data[position : position + 8]
        if len(header) < 8:
            draft.complain("the file ends before its end chunk")
            return
        size, kind = int.from_bytes(header[:4], "big"), header[4:]
        start, position = position + 8, position + 12 + size
        if position > len(data):
            draft.complain("a chunk's length runs past the end of the file")
            return
        if kind in (b"IDAT", b"fdAT"):
            pixel_chunks += 1
            continue
        parts += 1
        if kind == b"IEND":
            draft.end = position
            return
        _read_chunk(kind, data, start, size, draft)
    draft.complain("there are more chunks than are looked at; the rest was not read")


def _read_chunk(kind: bytes, data: bytes, start: int, size: int, draft: Draft) -> None:
    if kind == b"eXIf":
        draft.add_exif(data[start : start + size])
    elif kind == b"caBX":
        draft.has_manifest = True
    elif kind == b"acTL" and size >= 4:
        draft.pictures = max(1, int.from_bytes(data[start : start + 4], "big"))
    elif kind in (b"tEXt", b"zTXt", b"iTXt"):
        keyword, _, text = data[start : start + size].partition(b"\0")
        encoding = "latin-1"
        if kind == b"zTXt":
            text = _inflate(text[1:], draft)
        elif kind == b"iTXt":
            encoding = "utf-8"
            is_packed = text[:1] == b"\1"
            # A language and the keyword in that language come first.
            text = text[2:].partition(b"\0")[2].partition(b"\0")[2]
            text = _inflate(text, draft) if is_packed else text
        _keep_text(keyword, text, encoding, draft)


def _inflate(packed: bytes, draft: Draft) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(packed, draft.text_bytes_left + 1)
    except zlib.error:
        draft.complain("a compressed text cannot be unpacked")
        return b""
    if not unpacker.eof and len(text) <= draft.text_bytes_left:
        draft.complain("a compressed text is cut short")
    return text


def _keep_text(keyword: bytes, text: bytes, encoding: str, draft: Draft) -> None:
    if keyword == XMP_KEYWORD:
        if len(text) > draft.text_bytes_left:
            draft.complain("the texts together are longer than is read")
            text = text[: draft.text_bytes_left]
        draft.text_bytes_left -= len(text)
        if draft.xmp is None:
            draft.xmp = text
        return
    if profile := RAW_PROFILE.fullmatch(keyword):
        _keep_profile(profile[1], text, draft)
        return
    draft.add_text(keyword, text, encoding)


def _keep_profile(kind: bytes, text: bytes, draft: Draft) -> None:
    """ImageMagick's way of old: a name, a length, and the bytes in hexadecimal."""
    written = RAW_PROFILE_TEXT.match(text)
    draft.text_bytes_left -= min(len(text), draft.text_bytes_left)
    try:
        block = bytes.fromhex(written[1].decode("ascii")) if written else b""
    except ValueError:
        block = b""
    if not block:
        draft.complain("a raw profile among the texts cannot be read")
    elif kind == b"iptc" or kind == b"8bim":
        draft.iptc = draft.iptc or read_iptc(block) or (block if block[:1] == b"\x1c" else None)
    elif kind == b"xmp" or block.startswith(XMP_PREFIX):
        draft.xmp = draft.xmp or block.removeprefix(XMP_PREFIX)
    else:
        draft.add_exif(block)
