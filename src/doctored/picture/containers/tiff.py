"""TIFF files: the directories of their pages (TIFF 6.0 and BigTIFF). The tags themselves are read elsewhere:
such a file is an Exif block. Nothing in it says where it ends."""

import struct

from doctored.picture.containers.draft import MAX_PARTS, Draft, OtherPicture
from doctored.picture.containers.photoshop import read_iptc

XMP, IPTC, PHOTOSHOP, MANIFEST, SUBFILE_TYPE = 700, 33723, 34377, 52545, 254
WANTED = frozenset((XMP, IPTC, PHOTOSHOP, MANIFEST, SUBFILE_TYPE))
TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 7: 1, 13: 4, 16: 8, 18: 8}
MAX_TAGS = 1000
MAX_ALL_TAGS = 100_000
IS_REDUCED = 1


def read(data: bytes, draft: Draft) -> None:
    order = "<" if data.startswith(b"II") else ">"
    is_big = 43 in data[2:4]
    place_format = f"{order}Q" if is_big else f"{order}I"
    (directory,) = struct.unpack_from(place_format, data, 8 if is_big else 4)
    seen: set[int] = set()
    tags_left = MAX_ALL_TAGS
    while directory and len(seen) < MAX_PARTS and tags_left > 0:
        if directory in seen:
            draft.complain("the pages lead in a circle")
            return
        seen.add(directory)
        try:
            count, tags, following = _entries(data, order, is_big, directory, draft)
        except (struct.error, OverflowError):
            draft.complain("a page's directory lies past the end of the file")
            return
        draft.pictures = len(seen)
        tags_left -= count
        for tag, (start, size) in tags.items():
            if len(seen) == 1:
                _keep(tag, data[start : start + size], draft)
            elif tag == SUBFILE_TYPE and _is_reduced(data[start : start + min(size, 4)], order):
                draft.others.append(OtherPicture("preview"))
        directory = following
    if directory:
        draft.complain("there are more pages than are looked at; the rest was not read")


def _is_reduced(subfile_type: bytes, order: str) -> bool:
    return bool(int.from_bytes(subfile_type, "little" if order == "<" else "big") & IS_REDUCED)


def _entries(
    data: bytes, order: str, is_big: bool, directory: int, draft: Draft
) -> tuple[int, dict[int, tuple[int, int]], int]:
    """How many tags a page has, where the wanted ones' values lie, (start, size) by tag, and where the next
    directory is, 0 after the last."""
    count_format, entry = (f"{order}Q", f"{order}HHQQ") if is_big else (f"{order}H", f"{order}HHII")
    inline = 8 if is_big else 4
    (count,) = struct.unpack_from(count_format, data, directory)
    first = directory + struct.calcsize(count_format)
    size = struct.calcsize(entry)
    if count > MAX_TAGS:
        draft.complain(f"a page has more than {MAX_TAGS:,} tags; the rest was not read")
    found: dict[int, tuple[int, int]] = {}
    for index in range(min(count, MAX_TAGS)):
        place = first + index * size
        tag, kind, values, offset = struct.unpack_from(entry, data, place)
        if tag in WANTED and tag not in found:
            value_bytes = values * TYPE_BYTES.get(kind, 0)
            start = place + size - inline if value_bytes <= inline else offset
            if start + value_bytes > len(data):
                draft.complain("a tag's value lies past the end of the file")
            found[tag] = (start, value_bytes)
    place = first + count * size
    # Some writers leave the place of the next directory out after the last.
    following = int.from_bytes(data[place : place + inline], "little" if order == "<" else "big")
    return count, found, following


def _keep(tag: int, value: bytes, draft: Draft) -> None:
    if tag == MANIFEST:
        draft.has_manifest = True
    elif tag == XMP:
        draft.xmp = value
    elif tag == IPTC:
        draft.iptc = value
    elif tag == PHOTOSHOP and draft.iptc is None:
        draft.iptc = read_iptc(value)
