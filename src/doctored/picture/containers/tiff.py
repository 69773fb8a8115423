"""TIFF files: the directories of their pages (TIFF 6.0 and BigTIFF). The tags themselves are read elsewhere:
such a file is an Exif block. Nothing in it says where it ends."""

import struct

from doctored.picture.containers.draft import MAX_PARTS, Draft, OtherPicture
from doctored.picture.containers.photoshop import read_iptc

XMP, IPTC, PHOTOSHOP, MANIFEST, SUBFILE_TYPE = 700, 33723, 34377, 52545, 254
WANTED = frozenset((XMP, IPTC, PHOTOSHOP, MANIFEST, SUBFILE_TYPE))
TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 7: 1, 13: 4, 16: 8, 18: 8}
MAX_TAGS = 1000
IS_REDUCED = 1


def read(data: bytes, draft: Draft) -> None:
    order = "<" if data.startswith(b"II") else ">"
    is_big = 43 in data[2:4]
    place_format = f"{order}Q" if is_big else f"{order}I"
    (directory,) = struct.unpack_from(place_format, data, 8 if is_big else 4)
    seen: set[int] = set()
    while directory and len(seen) < MAX_PARTS:
        if directory in seen:
            draft.complain("the pages lead in a circle")
            return
        seen.add(directory)
        try:
            directory = _read_directory(data, order, is_big, directory, draft, is_first=len(seen) == 1)
        except (struct.error, OverflowError):
            draft.complain("a page's directory lies past the end of the file")
            return
        draft.pictures = len(seen)
    if directory:
        draft.complain("there are more pages than are looked at; the rest was not read")


def _read_directory(
    data: bytes, order: str, is_big: bool, directory: int, draft: Draft, *, is_first: bool
) -> int:
    """Look at one page; return where the next one's directory is, 0 after the last."""
    count_format, entry = (f"{order}Q", f"{order}HHQQ") if is_big else (f"{order}H", f"{order}HHII")
    (tags,) = struct.unpack_from(count_format, data, directory)
    first = directory + struct.calcsize(count_format)
    size = struct.calcsize(entry)
    inline = size - struct.calcsize(entry[:-1])
    if tags > MAX_TAGS:
        draft.complain(f"a page has more than {MAX_TAGS:,} tags; the rest was not read")
    for index in range(min(tags, MAX_TAGS)):
        place = first + index * size
        tag, kind, count, offset = struct.unpack_from(entry, data, place)
        if tag not in WANTED:
            continue
        value_bytes = count * TYPE_BYTES.get(kind, 0)
        start = place + size - inline if value_bytes <= inline else offset
        value = data[start : start + value_bytes]
        if len(value) < value_bytes:
            draft.complain("a tag's value lies past the end of the file")
        if is_first:
            _keep(tag, value, draft)
        elif tag == SUBFILE_TYPE and int.from_bytes(value, "little" if order == "<" else "big") & IS_REDUCED:
            draft.others.append(OtherPicture("preview"))
    (following,) = struct.unpack_from(f"{order}Q" if is_big else f"{order}I", data, first + tags * size)
    return int(following)


def _keep(tag: int, value: bytes, draft: Draft) -> None:
    if tag == MANIFEST:
        draft.has_manifest = True
    elif tag == XMP:
        draft.xmp = value
    elif tag == IPTC:
        draft.iptc = value
    elif tag == PHOTOSHOP and draft.iptc is None:
        draft.iptc = read_iptc(value)
