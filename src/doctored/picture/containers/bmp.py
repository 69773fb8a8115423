"""BMP files: their own length, where it can be true."""

import struct

from doctored.picture.containers.draft import Draft

HEADER_BYTES, CORE_HEADER_BYTES = 14, 12
UNPACKED = (0, 3, 6)  # BI_RGB, BI_BITFIELDS, BI_ALPHABITFIELDS


def read(data: bytes, draft: Draft) -> None:
    own = int.from_bytes(data[2:6], "little")
    # Some writers leave 0 or count only the pixels, and nobody minds.
    if _end_of_pixels(data) <= own <= len(data):
        draft.end = own


def _end_of_pixels(data: bytes) -> int:
    pixels, header = struct.unpack_from("<II", data, 10)
    if header == CORE_HEADER_BYTES:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        size, packing = 0, UNPACKED[0]
    else:
        width, height, _, bits, packing, size = struct.unpack_from("<iiHHII", data, 18)
    if packing in UNPACKED:
        size = (width * bits + 31) // 32 * 4 * abs(height)
    return int(max(HEADER_BYTES, pixels + size))
