"""Which of the supported formats some bytes are in, told from the bytes alone; names are no evidence."""

import struct

JPEG, PNG, WEBP, TIFF, GIF, BMP, AVIF, HEIF = (
    "JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "HEIF"
)  # fmt: skip
SUPPORTED = "JPEG, PNG, WebP, TIFF, GIF, BMP, AVIF or HEIC"

# Read by Pillow from front to back, so that its position says how far it came.
READ_IN_ORDER = frozenset((JPEG, PNG, GIF, BMP))

SIGNATURES = {
    b"\xff\xd8\xff": JPEG,
    b"\x89PNG\r\n\x1a\n": PNG,
    b"GIF87a": GIF,
    b"GIF89a": GIF,
    b"II*\x00": TIFF,
    b"MM\x00*": TIFF,
    b"II+\x00": TIFF,
    b"MM\x00+": TIFF,
}
# Pictures, but of formats that nothing here reads: worth a better answer than "not a picture".
FOREIGN_SIGNATURES = {
    b"\xff\x0a": "JPEG XL",
    b"\x00\x00\x00\x0cJXL \r\n\x87\n": "JPEG XL",
    b"\x00\x00\x00\x0cjP  \r\n\x87\n": "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"8BPS": "Photoshop",
    b"\x00\x00\x01\x00": "ICO",
}
# "BM" alone begins many a text, so the length of the header that follows must be one of the format's.
BMP_HEADER_BYTES = (12, 40, 52, 56, 64, 108, 124)
AVIF_BRANDS = frozenset((b"avif", b"avis"))
HEIF_BRANDS = frozenset(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
)
MAX_BOXES = 10_000
MAX_TAGS = 1000
TIFF_TYPE_BYTES = dict(enumerate((1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8), start=1)) | {
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}


def recognize_format(data: bytes) -> str | None:
    """The format's name, as Pillow spells it, or None."""
    for signature, name in SIGNATURES.items():
        if data.startswith(signature):
            return name
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return WEBP
    if data.startswith(b"BM") and int.from_bytes(data[14:18], "little") in BMP_HEADER_BYTES:
        return BMP
    if data[4:8] == b"ftyp":
        brands = _brands(data)
        if brands & AVIF_BRANDS:
            return AVIF
        if brands & HEIF_BRANDS:
            return HEIF
    return None


def recognize_foreign_format(data: bytes) -> str | None:
    """The name of a picture format that is not supported, or None."""
    return next((name for start, name in FOREIGN_SIGNATURES.items() if data.startswith(start)), None)


def _brands(data: bytes) -> frozenset[bytes]:
    """All brands of an ISO base media file (ISO/IEC 14496-12, box `ftyp`)."""
    end = min(int.from_bytes(data[:4], "big"), 256)
    return frozenset((data[8:12], *(data[start : start + 4] for start in range(16, end, 4))))


def promised_bytes(data: bytes, image_format: str) -> int:
    """How long the file would be by its own account; 0 where its format does not say."""
    if image_format == WEBP:
        return 8 + int.from_bytes(data[4:8], "little")
    if image_format == TIFF:
        return _end_of_directory(data)
    if image_format in (AVIF, HEIF):
        return _end_of_boxes(data)
    return 0


def _end_of_directory(data: bytes) -> int:
    """Where a TIFF's first directory and the values of its tags end (TIFF 6.0 and BigTIFF)."""
    order = "<" if data.startswith(b"II") else ">"
    is_big = 43 in data[2:4]
    entry, start = (f"{order}HHQQ", f"{order}Q") if is_big else (f"{order}HHII", f"{order}I")
    inline, count_format = (8, f"{order}Q") if is_big else (4, f"{order}H")
    try:
        (directory,) = struct.unpack_from(start, data, 8 if is_big else 4)
        (tags,) = struct.unpack_from(count_format, data, directory)
        first = directory + struct.calcsize(count_format)
        size = struct.calcsize(entry)
        end: int = first + tags * size
        for index in range(min(tags, MAX_TAGS)):
            _, kind, count, offset = struct.unpack_from(entry, data, first + index * size)
            value = count * TIFF_TYPE_BYTES.get(kind, 0)
            end = max(end, offset + value if value > inline else 0)
    except (struct.error, OverflowError):  # a place beyond the end, or beyond what an index can be
        return len(data) + 1
    return end


def _end_of_boxes(data: bytes) -> int:
    position = 0
    for _ in range(MAX_BOXES):
        if position + 8 > len(data):
            break
        (size,) = struct.unpack_from(">I", data, position)
        if size == 1 and position + 16 <= len(data):
            (size,) = struct.unpack_from(">Q", data, position + 8)
        if size < 8:  # zero means to the end of the file, and less is no box
            return len(data)
        position += size
    return position if position >= len(data) else len(data) + 1
