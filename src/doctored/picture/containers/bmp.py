"""BMP files: their own length, where it can be true."""

from doctored.picture.containers.draft import Draft

HEADER_BYTES = 14


def read(data: bytes, draft: Draft) -> None:
    own = int.from_bytes(data[2:6], "little")
    pixels = int.from_bytes(data[10:14], "little")
    # Some writers leave 0, and nobody minds.
    if max(HEADER_BYTES, pixels) < own <= len(data):
        draft.end = own
