"""AVIF and HEIC files: boxes and items (ISO/IEC 14496-12 and 23008-12)."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from doctored.picture.containers.draft import MAX_PARTS, Draft, OtherPicture

MANIFEST_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
MOTION_PHOTO = b"mpvd"  # Android's Motion Photo 1.0
XMP_TYPES = (b"application/rdf+xml",)
IN_FILE, IN_ITEM_DATA = 0, 1
MAX_ITEM_BYTES = 32 * 2**20
IMAGE_TYPES = frozenset((b"hvc1", b"av01", b"grid", b"iovl", b"iden", b"jpeg", b"avc1", b"tmap", b"vvc1"))
AUXILIARY = {
    b"urn:com:apple:photo:2020:aux:hdrgainmap": "gain map",
    b"urn:mpeg:hevc:2015:auxid:2": "depth map",
    b"urn:mpeg:mpegB:cicp:systems:auxiliary:depth": "depth map",
    b"urn:com:apple:photo:2018:aux:portraiteffectsmatte": "portrait matte",
}


class Box(NamedTuple):
    kind: bytes
    start: int
    end: int


class Item(NamedTuple):
    kind: bytes
    content_type: bytes
    is_hidden: bool


class Budget:
    """How many more boxes, items and references of this file may be looked at."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_PARTS

    def take(self) -> bool:
        self.left -= 1
        return self.left >= 0


def read(data: bytes, draft: Draft) -> None:
    budget = Budget()
    draft.end = 0
    for box in _boxes(data, 0, len(data), budget, draft):
        # What follows the last box is no box, and no part of the file.
        draft.end = box.end
        if box.kind == b"meta" and box.end - box.start > 4:
            _read_meta(data, box, budget, draft)
        elif box.kind == b"moov":
            _count_frames(data, box, budget, draft)
        elif box.kind == MOTION_PHOTO:
            draft.others.append(OtherPicture("video", box.start, box.end - box.start))
        elif box.kind == b"uuid" and data[box.start : box.start + 16] == MANIFEST_UUID:
            draft.has_manifest = True
    if budget.left < 0:
        draft.end = len(data)
        draft.complain(f"there are more than {MAX_PARTS:,} boxes and items; the rest was not read")


def _boxes(data: bytes, position: int, end: int, budget: Budget, draft: Draft) -> Iterator[Box]:
    while position + 8 <= end and budget.take():
        size = int.from_bytes(data[position : position + 4], "big")
        kind = data[position + 4 : position + 8]
        start = position + 8
        if size == 1:
            size = int.from_bytes(data[start : start + 8], "big")
            start += 8
        elif size == 0:
            size = end - position
        if not all(0x20 <= byte < 0x7F for byte in kind):
            return
        if size < start - position or position + size > end:
            draft.complain("a box's length runs past the end of the file")
            return
        position += size
        yield Box(kind, start, position)


def _count_frames(data: bytes, movie: Box, budget: Budget, draft: Draft) -> None:
    """A sequence's frames, as the first track's table of samples counts them (ISO/IEC 14496-12, 8.7.3)."""
    box = movie
    for kind in (b"trak", b"mdia", b"minf", b"stbl", b"stsz"):
        inside = (each for each in _boxes(data, box.start, box.end, budget, draft) if each.kind == kind)
        found = next(inside, None)
        if found is None:
            return
        box = found
    frames = int.from_bytes(data[box.start + 8 : min(box.start + 12, box.end)], "big")
    if frames > 1:
        draft.pictures = max(draft.pictures, frames)
        draft.others.append(OtherPicture("frames"))


def _read_meta(data: bytes, meta: Box, budget: Budget, draft: Draft) -> None:
    # Version and flags come before the boxes in it.
    inside = {box.kind: box for box in _boxes(data, meta.start + 4, meta.end, budget, draft)}
    items = dict(_items(data, inside[b"iinf"], budget, draft)) if b"iinf" in inside else {}
    places = dict(_places(data, inside, budget, draft)) if b"iloc" in inside else {}
    for identifier, item in items.items():
        if item.kind == b"Exif" and draft.exif is None:
            block = _content(data, places.get(identifier, ()), draft)
            # The block begins after so many bytes, usually those of "Exif\0\0" (ISO/IEC 23008-12, A.2.1).
            draft.add_exif(block[4 + int.from_bytes(block[:4], "big") :])
        elif item.kind == b"mime" and item.content_type in XMP_TYPES and draft.xmp is None:
            draft.xmp = _content(data, places.get(identifier, ()), draft)
    _count_pictures(data, inside, items, budget, draft)


def _items(data: bytes, box: Box, budget: Budget, draft: Draft) -> Iterator[tuple[int, Item]]:
    """Box `iinf`: every item's identifier and type."""
    first = box.start + (6 if data[box.start] == 0 else 8)
    for entry in _boxes(data, first, box.end, budget, draft):
        version = data[entry.start]
        if entry.kind != b"infe" or version < 2:
            continue
        wide = 4 if version >= 3 else 2
        identifier = int.from_bytes(data[entry.start + 4 : entry.start + 4 + wide], "big")
        kind_at = entry.start + 4 + wide + 2
        kind = data[kind_at : kind_at + 4]
        content_type = b""
        if kind == b"mime":
            names = data[kind_at + 4 : entry.end].split(b"\0", 2)
            content_type = names[1] if len(names) > 1 else b""
        yield identifier, Item(kind, content_type, bool(data[entry.start + 3] & 1))


def _places(
    data: bytes, inside: dict[bytes, Box], budget: Budget, draft: Draft
) -> Iterator[tuple[int, tuple[tuple[int, int], ...]]]:
    """Box `iloc`: where in the file each item's pieces lie, as (start, size)."""
    box = inside[b"iloc"]
    version = data[box.start]
    sizes = data[box.start + 4 : box.start + 6]
    offset_bytes, length_bytes, base_bytes = sizes[0] >> 4, sizes[0] & 15, sizes[1] >> 4
    index_bytes = sizes[1] & 15 if version in (1, 2) else 0
    wide = 4 if version == 2 else 2
    position = box.start + 6

    def take(size: int) -> int:
        nonlocal position
        position += size
        if position > box.end:
            raise IndexError
        return int.from_bytes(data[position - size : position], "big")

    for _ in range(take(wide)):
        identifier = take(wide)
        method = take(2) & 15 if version in (1, 2) else IN_FILE
        take(2)
        base = take(base_bytes)
        if method == IN_ITEM_DATA and b"idat" in inside:
            base += inside[b"idat"].start
        pieces = []
        for _ in range(take(2)):
            if not budget.take():
                return
            take(index_bytes)
            pieces.append((base + take(offset_bytes), take(length_bytes)))
        if not budget.take():
            return
        if method in (IN_FILE, IN_ITEM_DATA):
            yield identifier, tuple(pieces)


def _content(data: bytes, pieces: tuple[tuple[int, int], ...], draft: Draft) -> bytes:
    parts, left = [], MAX_ITEM_BYTES
    for start, size in pieces:
        # No size means to the end of the file.
        part = data[start : start + min(size or len(data), left)]
        if start + size > len(data):
            draft.complain("an item lies past the end of the file")
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _count_pictures(
    data: bytes, inside: dict[bytes, Box], items: dict[int, Item], budget: Budget, draft: Draft
) -> None:
    """Count the items that are pictures of their own: no tiles, no thumbnails, nothing auxiliary."""
    images = {identifier for identifier, item in items.items() if item.kind in IMAGE_TYPES}
    parts: set[int] = set()
    if b"iref" in inside:
        for kind, source, targets in _references(data, inside[b"iref"], budget, draft):
            if kind == b"dimg":
                parts.update(targets)
            elif kind in (b"thmb", b"auxl"):
                parts.add(source)
                if kind == b"thmb":
                    draft.others.append(OtherPicture("preview"))
    hidden = {identifier for identifier in images if items[identifier].is_hidden}
    draft.pictures = max(draft.pictures, len(images - parts - hidden))
    if b"iprp" in inside:
        properties = data[inside[b"iprp"].start : inside[b"iprp"].end]
        kinds = {kind for name, kind in AUXILIARY.items() if name in properties}
        draft.others.extend(OtherPicture(kind) for kind in sorted(kinds))
    if any(item.kind == b"tmap" for item in items.values()):
        draft.others.append(OtherPicture("gain map"))


def _references(
    data: bytes, box: Box, budget: Budget, draft: Draft
) -> Iterator[tuple[bytes, int, tuple[int, ...]]]:
    """Box `iref`: (kind, from item, to items)."""
    wide = ">I" if data[box.start] else ">H"
    for reference in _boxes(data, box.start + 4, box.end, budget, draft):
        (source,) = struct.unpack_from(wide, data, reference.start)
        first = reference.start + struct.calcsize(wide)
        count = min(int.from_bytes(data[first : first + 2], "big"), max(0, budget.left))
        budget.left -= count
        targets = data[first + 2 : min(first + 2 + count * struct.calcsize(wide), reference.end)]
        if len(targets) == count * struct.calcsize(wide):
            yield reference.kind, source, tuple(value for (value,) in struct.iter_unpack(wide, targets))
