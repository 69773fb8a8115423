"""The index of several JPEGs in one file (CIPA DC-007, Multi-Picture Format)."""

import struct
from operator import itemgetter

from doctored.picture.containers.draft import Draft, OtherPicture
from doctored.picture.containers.markers import find_end

ENTRIES_TAG = 0xB002
ENTRY_BYTES = 16
MAX_PICTURES = 1000
MAX_TAGS = 100
# The low 24 bits of an entry's attribute (CIPA DC-007, 5.2.3.3.1); 0x050000 came with its 2021 edition.
KINDS = {
    0x000000: "unspecified",
    0x010001: "preview",
    0x010002: "preview",
    0x010003: "preview",
    0x010004: "preview",
    0x010005: "preview",
    0x020001: "part of a panorama",
    0x020002: "stereo view",
    0x020003: "multi-angle view",
    0x030000: "full picture",
    0x040000: "original",
    0x050000: "gain map",
}


def read_index(data: bytes, start: int, index: bytes, draft: Draft) -> None:
    """Count the pictures that an index names, note the further ones, and move the file's end past them.

    `start`: where in the file the index (from its byte-order mark) lies, for its offsets count from there.
    """
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(index[:4])
    try:
        if order is None:
            raise struct.error
        entries = _entries(index, order)
    except struct.error:
        draft.complain("the index of the file's pictures cannot be read")
        return
    draft.pictures = max(1, len(entries))
    # By their places, and each only past the one before: so that no byte is walked over twice.
    for attribute, offset in sorted(entries[1:], key=itemgetter(1)):
        begin = start + offset
        if begin < draft.end or data[begin : begin + 2] != b"\xff\xd8":
            draft.complain("the index names a picture that is not where it says")
            continue
        # Sizes are not believed: Pillow up to 12 writes wrong ones from the third picture on.
        draft.end = find_end(data, begin)
        kind = KINDS.get(attribute & 0xFFFFFF, "unspecified")
        draft.others.append(OtherPicture(kind, begin, draft.end - begin))


def _entries(index: bytes, order: str) -> list[tuple[int, int]]:
    """(attribute, offset) of each picture; that of the first is 0."""
    (directory,) = struct.unpack_from(f"{order}I", index, 4)
    (tags,) = struct.unpack_from(f"{order}H", index, directory)
    for number in range(min(tags, MAX_TAGS)):
        tag, _, count, place = struct.unpack_from(f"{order}HHII", index, directory + 2 + 12 * number)
        if tag == ENTRIES_TAG:
            entries = index[
                place : place + min(count, MAX_PICTURES * ENTRY_BYTES) // ENTRY_BYTES * ENTRY_BYTES
            ]
            return [(entry[0], entry[2]) for entry in struct.iter_unpack(f"{order}IIII", entries)]
    return []
