"""EXIF (CIPA DC-008-2023, Exif 3.0) in its TIFF block (TIFF 6.0): the tags that checks use, and a thumbnail.

Not read by Pillow: its reader copies every tag's value, and tags may share one place in the file, so that a
small block can ask for gigabytes. Here only known tags are read, each once, and all of them together are
bounded.
"""

import struct
from collections.abc import Iterator, Mapping
from typing import NamedTuple

Value = str | int | float | tuple[float, ...] | None

MAX_TAGS = 1000
MAX_TEXT_BYTES = 2**20
MAX_VALUE_BYTES = 4 * 2**20
MAX_NUMBERS = 8
MAX_THUMBNAIL_BYTES = 2**20

EXIF_POINTER, GPS_POINTER = 0x8769, 0x8825
THUMBNAIL_OFFSET, THUMBNAIL_LENGTH = 0x0201, 0x0202
USER_COMMENT, MAKER_NOTE = 0x9286, 0x927C

MAIN_TAGS = {
    0x000B: "ProcessingSoftware",
    0x010E: "ImageDescription",
    0x010F: "Make",
    0x0110: "Model",
    0x0112: "Orientation",
    0x0131: "Software",
    0x0132: "DateTime",
    0x013B: "Artist",
    0x8298: "Copyright",
    0x9C9B: "XPTitle",
    0x9C9C: "XPComment",
    0x9C9D: "XPAuthor",
    0x9C9E: "XPKeywords",
    0x9C9F: "XPSubject",
    EXIF_POINTER: "",
    GPS_POINTER: "",
}
CAMERA_TAGS = {
    0x829A: "ExposureTime",
    0x829D: "FNumber",
    0x8827: "ISO",
    0x9003: "DateTimeOriginal",
    0x9004: "DateTimeDigitized",
    0x9010: "OffsetTime",
    0x9011: "OffsetTimeOriginal",
    0x9012: "OffsetTimeDigitized",
    0x9209: "Flash",
    0x920A: "FocalLength",
    MAKER_NOTE: "MakerNote",
    USER_COMMENT: "UserComment",
    0xA002: "PixelXDimension",
    0xA003: "PixelYDimension",
    0xA405: "FocalLengthIn35mmFilm",
    0xA433: "LensMake",
    0xA434: "LensModel",
    0xA436: "ImageTitle",
    0xA437: "Photographer",
    0xA438: "ImageEditor",
    0xA439: "CameraFirmware",
    0xA43A: "RAWDevelopingSoftware",
    0xA43B: "ImageEditingSoftware",
    0xA43C: "MetadataEditingSoftware",
}
GPS_TAGS = {
    0x01: "LatitudeRef",
    0x02: "Latitude",
    0x03: "LongitudeRef",
    0x04: "Longitude",
    0x05: "AltitudeRef",
    0x06: "Altitude",
    0x07: "TimeStamp",
    0x1D: "DateStamp",
}
THUMBNAIL_TAGS = {0x0112: "Orientation", THUMBNAIL_OFFSET: "offset", THUMBNAIL_LENGTH: "length"}

BYTE, ASCII, UNDEFINED, UTF8 = 1, 2, 7, 129
NUMBERS = {BYTE: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I", 16: "Q", 17: "q"}
RATIONALS = {5: "II", 10: "ii"}
COMMENT_CODES = {
    b"ASCII\0\0\0": "ascii",
    b"UNICODE\0": "utf-16",
    b"JIS\0\0\0\0\0": "iso2022_jp",
    b"\0\0\0\0\0\0\0\0": "utf-8",
}


class Exif(NamedTuple):
    """The tags by their Exif names; texts without their NULs, numbers as numbers, a rational of zero as None.

    `MakerNote` is how many bytes it has. `thumbnail` is IFD1's JPEG, `problems` what was wrong, in words.
    """

    tags: Mapping[str, Value]
    gps: Mapping[str, Value]
    thumbnail: bytes | None
    problems: tuple[str, ...]


EMPTY = Exif({}, {}, None, ())


def read_exif(block: bytes) -> Exif:
    """Read a TIFF block (classic or BigTIFF, either byte order), which may be a whole TIFF file."""
    reader = _Reader(block)
    tags: dict[str, Value] = {}
    gps: dict[str, Value] = {}
    thumbnail: dict[str, Value] = {}
    try:
        first = reader.open()
        pointers, second = reader.read_directory(first, MAIN_TAGS, tags)
        if EXIF_POINTER in pointers:
            reader.read_directory(pointers[EXIF_POINTER], CAMERA_TAGS, tags)
        if GPS_POINTER in pointers:
            reader.read_directory(pointers[GPS_POINTER], GPS_TAGS, gps)
        if second:
            reader.read_directory(second, THUMBNAIL_TAGS, thumbnail)
    except struct.error:
        reader.complain("it ends in the middle of a directory")
    return Exif(tags, gps, reader.cut_thumbnail(thumbnail), tuple(reader.problems))


class _Reader:
    def __init__(self, block: bytes) -> None:
        self._block = block
        self._order = "<"
        self._is_big = False
        self._seen: set[int] = set()
        self._budget = MAX_VALUE_BYTES
        self.problems: list[str] = []

    def complain(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)

    def open(self) -> int:
        """Where the first directory is. Raises struct.error where there can be none."""
        orders = {b"II*\0": "<", b"MM\0*": ">", b"II+\0": "<", b"MM\0+": ">"}
        if (order := orders.get(self._block[:4])) is None:
            self.complain("it does not begin as a TIFF block does")
            return 0
        self._order, self._is_big = order, 0x2B in self._block[2:4]
        if self._is_big:
            return int(struct.unpack_from(f"{order}Q", self._block, 8)[0])
        return int(struct.unpack_from(f"{order}I", self._block, 4)[0])

    def read_directory(
        self, start: int, known: Mapping[int, str], into: dict[str, Value]
    ) -> tuple[dict[int, int], int]:
        """Fill `into`; return the directory's pointers by their tags, and where the next directory is."""
        pointers: dict[int, int] = {}
        if not start:
            return pointers, 0
        if start in self._seen:
            self.complain("a directory points back to one that was read")
            return pointers, 0
        self._seen.add(start)
        if start >= len(self._block):
            self.complain("a directory lies behind the end")
            return pointers, 0
        count_format, entry_format, next_format = ("Q", "HHQQ", "Q") if self._is_big else ("H", "HHII", "I")
        (count,) = struct.unpack_from(self._order + count_format, self._block, start)
        first = start + struct.calcsize("=" + count_format)
        size = struct.calcsize("=" + entry_format)
        if count > MAX_TAGS:
            self.complain("a directory has more tags than any real one")
        for tag, kind, number, inline in self._entries(first, size, min(count, MAX_TAGS), entry_format):
            name = known.get(tag)
            if name is None:
                continue
            if not name:
                pointers.setdefault(tag, self._unsigned(kind, inline))
            elif name not in into:
                into[name] = self._value(tag, kind, number, inline)
        behind = first + count * size
        if behind + struct.calcsize("=" + next_format) > len(self._block):
            return pointers, 0
        (following,) = struct.unpack_from(self._order + next_format, self._block, behind)
        return pointers, following

    def _entries(self, first: int, size: int, count: int, entry_format: str) -> Iterator[tuple[int, ...]]:
        """(tag, type, number of values, place of its value field) of every entry that is there."""
        for index in range(count):
            place = first + index * size
            if place + size > len(self._block):
                self.complain("a directory runs past the end")
                return
            tag, kind, number, _ = struct.unpack_from(self._order + entry_format, self._block, place)
            yield tag, kind, number, place + size - (8 if self._is_big else 4)

    def _unsigned(self, kind: int, place: int) -> int:
        code = NUMBERS.get(kind, "I")
        return int(struct.unpack_from(self._order + (code if code in "HIQ" else "I"), self._block, place)[0])

    def _value(self, tag: int, kind: int, number: int, inline: int) -> Value:
        unit = self._unit(kind)
        size = unit * number
        place = inline
        if size > (8 if self._is_big else 4):
            (place,) = struct.unpack_from(self._order + ("Q" if self._is_big else "I"), self._block, inline)
        if tag == MAKER_NOTE:
            return size
        if place + size > len(self._block):
            self.complain("a value runs past the end")
        is_text = kind in (ASCII, UNDEFINED, UTF8) or (kind == BYTE and number > MAX_NUMBERS)
        size = min(size, MAX_TEXT_BYTES if is_text else unit * MAX_NUMBERS, self._budget)
        raw = self._block[place : place + size]
        self._budget -= len(raw)
        if is_text or tag == USER_COMMENT:
            return self._text(tag, raw)
        return self._numbers(kind, unit, raw)

    @staticmethod
    def _unit(kind: int) -> int:
        if kind in NUMBERS:
            return struct.calcsize("=" + NUMBERS[kind])
        return 8 if kind in RATIONALS else 1

    def _text(self, tag: int, raw: bytes) -> str:
        if tag == USER_COMMENT:
            return self._comment(raw)
        if 0x9C9B <= tag <= 0x9C9F:
            return raw.decode("utf-16-le", "replace").partition("\0")[0].strip()
        return _plain(raw)

    def _comment(self, raw: bytes) -> str:
        """A UserComment (Exif 3.0, 4.6.6): 8 bytes that name its characters, then the text.

        UNICODE is UTF-16 in the block's byte order by the book, but in one order whatever the block's in
        much that is written: the bytes decide, where they can.
        """
        code = COMMENT_CODES.get(raw[:8])
        if code is None:
            return _plain(raw)
        body = raw[8:]
        if code == "utf-16":
            if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
                return body.decode("utf-16", "replace").rstrip("\0 ")
            high, low = body[0:4096:2].count(0), body[1:4096:2].count(0)
            order = self._order if high == low else ">" if high > low else "<"
            return body.decode("utf-16-be" if order == ">" else "utf-16-le", "replace").rstrip("\0 ")
        if code == "iso2022_jp":
            return body.decode(code, "replace").rstrip("\0 ")
        return _plain(body)

    def _numbers(self, kind: int, unit: int, raw: bytes) -> Value:
        code = NUMBERS.get(kind) or RATIONALS.get(kind)
        if code is None:
            return None
        whole = len(raw) // unit * unit
        values = []
        for parts in struct.iter_unpack(self._order + code, raw[:whole]):
            if len(parts) == 1:
                values.append(parts[0])
            elif parts[1]:
                values.append(parts[0] / parts[1])
        if not values or any(value != value or abs(value) == float("inf") for value in values):
            return None
        return values[0] if len(values) == 1 else tuple(values)

    def cut_thumbnail(self, tags: Mapping[str, Value]) -> bytes | None:
        offset, length = tags.get("offset"), tags.get("length")
        if not isinstance(offset, int) or not isinstance(length, int) or length <= 0:
            return None
        if offset < 0 or offset + length > len(self._block):
            self.complain("the thumbnail runs past the end")
        thumbnail = self._block[offset : offset + min(length, MAX_THUMBNAIL_BYTES)] if offset >= 0 else b""
        return thumbnail if thumbnail.startswith(b"\xff\xd8") else None


def _plain(raw: bytes) -> str:
    """Text up to its first NUL: UTF-8 where it is that, else Latin-1, as most that is not ASCII is."""
    text = raw.partition(b"\0")[0]
    try:
        return text.decode("utf-8").strip()
    except UnicodeDecodeError:
        return text.decode("latin-1").strip()
