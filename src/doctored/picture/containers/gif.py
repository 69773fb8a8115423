"""GIF files: blocks (GIF89a), XMP and Content Credentials in application extensions."""

from doctored.picture.containers.draft import MAX_PARTS, Draft, decode_comment

SCREEN_BYTES = 13
HAS_TABLE = 0x80
EXTENSION, IMAGE, TRAILER = 0x21, 0x2C, 0x3B
COMMENT, APPLICATION = 0xFE, 0xFF
XMP_BYTES_AFTER = 258  # XMP part 3, 1.1.2: a tail that brings any reader of sub-blocks to the end
MAX_SUB_BLOCKS = 1_000_000


def read(data: bytes, draft: Draft) -> None:
    position = SCREEN_BYTES + _table_bytes(data[10])
    frames, budget = 0, MAX_SUB_BLOCKS
    for _ in range(MAX_PARTS):
        draft.pictures = max(1, frames)
        if not budget:
            break
        kind = data[position] if position < len(data) else None
        if kind == TRAILER:
            draft.end = position + 1
            return
        if kind == IMAGE:
            frames += 1
            start = position + 11 + _table_bytes(data[position + 9])
            position, budget = _skip_sub_blocks(data, start, budget)
        elif kind == EXTENSION:
            label, start = data[position + 1], position + 2
            position, budget = _skip_sub_blocks(data, start, budget)
            _read_extension(label, data[start:position], draft)
        elif kind is None:
            draft.complain("the file ends before its trailer")
            return
        else:
            draft.complain("there are bytes between two blocks that belong to neither")
            return
    draft.complain("there are more blocks than are looked at; the rest was not read")


def _table_bytes(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & HAS_TABLE else 0


def _skip_sub_blocks(data: bytes, position: int, budget: int) -> tuple[int, int]:
    """The place after a row of sub-blocks, and how many more may be walked through."""
    while budget and (size := data[position]):
        position += size + 1
        budget -= 1
    return position + 1, budget


def _read_extension(label: int, blocks: bytes, draft: Draft) -> None:
    if label == COMMENT:
        draft.add_text(b"comment", *decode_comment(_join(blocks)))
    elif label == APPLICATION and blocks[:1] == b"\x0b":
        application = blocks[1:12]
        if application == b"XMP DataXMP" and draft.xmp is None:
            draft.xmp = blocks[12:-XMP_BYTES_AFTER]
        elif application.startswith(b"C2PA_GIF"):
            draft.has_manifest = True


def _join(blocks: bytes) -> bytes:
    parts, position = [], 0
    while position < len(blocks) and (size := blocks[position]):
        parts.append(blocks[position + 1 : position + 1 + size])
        position += size + 1
    return b"".join(parts)
