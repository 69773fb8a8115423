"""Photoshop's image resources, of which one holds the IPTC datasets (Adobe Photoshop File Formats, 2019)."""

import struct

from doctored.picture.containers.draft import MAX_PARTS

IPTC_RESOURCE = 0x0404


def read_iptc(resources: bytes) -> bytes | None:
    """The IPTC-IIM datasets in a row of image resources; None where there are none."""
    position = 0
    for _ in range(MAX_PARTS):
        if resources[position : position + 4] != b"8BIM" or position + 7 > len(resources):
            return None
        (resource,) = struct.unpack_from(">H", resources, position + 4)
        # A Pascal string and its length byte, padded to an even number together.
        position += 6 + (resources[position + 6] // 2 + 1) * 2
        size = int.from_bytes(resources[position : position + 4], "big")
        position += 4
        if resource == IPTC_RESOURCE:
            return resources[position : position + size]
        position += size + size % 2
    return None
