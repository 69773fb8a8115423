"""IPTC IIM datasets (IIM 4.2), as Photoshop keeps them in a JPEG: who wrote what about a picture."""

from collections.abc import Mapping

MAX_DATASETS = 10_000
MAX_VALUES = 100
MAX_VALUE_BYTES = 2**16
TAG_MARKER = 0x1C
EXTENDED = 0x8000
CHARACTER_SET = (1, 90)
UTF8_ESCAPE = b"\x1b%G"

NAMES = {
    (2, 5): "ObjectName",
    (2, 40): "SpecialInstructions",
    (2, 55): "DateCreated",
    (2, 60): "TimeCreated",
    (2, 62): "DigitalCreationDate",
    (2, 65): "OriginatingProgram",
    (2, 70): "ProgramVersion",
    (2, 80): "By-line",
    (2, 110): "Credit",
    (2, 115): "Source",
    (2, 116): "CopyrightNotice",
    (2, 120): "Caption-Abstract",
    (2, 122): "Writer-Editor",
}

Datasets = Mapping[str, tuple[str, ...]]


def read_iptc(block: bytes) -> Datasets:
    """The known datasets by their IIM names, each with its values in order; {} where there are none.

    Reading ends where the bytes stop being datasets.
    """
    found: dict[str, list[str]] = {}
    is_utf8 = False
    place = 0
    for _ in range(MAX_DATASETS):
        if place + 5 > len(block) or block[place] != TAG_MARKER:
            break
        key = (block[place + 1], block[place + 2])
        size = int.from_bytes(block[place + 3 : place + 5], "big")
        place += 5
        if size & EXTENDED:  # then it says how many bytes the length itself has
            width = size & ~EXTENDED
            if width > 8:
                break
            size = int.from_bytes(block[place : place + width], "big")
            place += width
        value = block[place : place + min(size, MAX_VALUE_BYTES)]
        place += size
        if key == CHARACTER_SET:
            is_utf8 = value.startswith(UTF8_ESCAPE)
        elif (name := NAMES.get(key)) and len(values := found.setdefault(name, [])) < MAX_VALUES:
            values.append(_decode(value, is_utf8))
    return {name: tuple(values) for name, values in found.items()}


def _decode(value: bytes, is_utf8: bool) -> str:
    if is_utf8:
        return value.decode("utf-8", "replace").strip("\0 ")
    try:  # much that is UTF-8 does not say so
        return value.decode("utf-8").strip("\0 ")
    except UnicodeDecodeError:
        return value.decode("latin-1").strip("\0 ")
