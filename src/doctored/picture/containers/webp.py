"""WebP files: RIFF chunks (RFC 9649)."""

from doctored.picture.containers.draft import MAX_PARTS, Draft

HEADER_BYTES = 12


def read(data: bytes, draft: Draft) -> None:
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        draft.complain("the file ends before its own length")
    draft.end = end = min(end, len(data))
    position, frames = HEADER_BYTES, 0
    for _ in range(MAX_PARTS):
        if position + 8 > end:
            draft.pictures = max(1, frames)
            return
        kind = data[position : position + 4]
        size = int.from_bytes(data[position + 4 : position + 8], "little")
        start, position = position + 8, position + 8 + size + size % 2
        if start + size > end:
            draft.complain("a chunk's length runs past the end of the file")
        if kind == b"EXIF":
            draft.add_exif(data[start : min(start + size, end)])
        elif kind == b"XMP " and draft.xmp is None:
            draft.xmp = data[start : min(start + size, end)]
        elif kind == b"C2PA":
            draft.has_manifest = True
        elif kind == b"ANMF":
            frames += 1
    draft.pictures = max(1, frames)
    draft.complain(f"there are more than {MAX_PARTS:,} chunks; the rest was not read")
