"""The two tags in a picture's metadata that decoding needs: which way is up, and the profile's name.

Read here, not by Pillow: its Exif reader copies every tag's value, and tags may share one place in the
file, so that two megabytes of Exif can ask for gigabytes.
"""

import struct

ORIENTATION_TAG = 0x0112
TIFF_INTEGERS = {3: "H", 4: "I"}
MAX_TAGS = 1000
MAX_NAME_CHARACTERS = 100
UNNAMED = "unnamed profile"


def read_orientation(exif: bytes) -> int:
    """The orientation, 1 to 8, that an Exif block gives (TIFF 6.0, tag 274); 1 where it gives none."""
    tiff = exif.removeprefix(b"Exif\x00\x00")
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(tiff[:4])
    if order is None:
        return 1
    try:
        (directory,) = struct.unpack_from(f"{order}I", tiff, 4)
        (tags,) = struct.unpack_from(f"{order}H", tiff, directory)
        for index in range(min(tags, MAX_TAGS)):
            entry = directory + 2 + 12 * index
            tag, kind = struct.unpack_from(f"{order}HH", tiff, entry)
            if tag == ORIENTATION_TAG and kind in TIFF_INTEGERS:
                (value,) = struct.unpack_from(order + TIFF_INTEGERS[kind], tiff, entry + 8)
                return value if 1 <= value <= 8 else 1
    except struct.error:
        return 1
    return 1


def read_profile_name(profile: bytes) -> str:
    """The description of an ICC profile (ICC.1:2022, tag `desc`), printable and at most 100 characters.

    `unnamed profile` where it has none that can be read.
    """
    try:
        name = _read_description(profile)
    except struct.error:
        name = ""
    printable = "".join(character for character in name if character.isprintable()).strip()
    return printable[:MAX_NAME_CHARACTERS] or UNNAMED


def _read_description(profile: bytes) -> str:
    (tags,) = struct.unpack_from(">I", profile, 128)
    for index in range(min(tags, MAX_TAGS)):
        signature, start, size = struct.unpack_from(">4sII", profile, 132 + 12 * index)
        if signature != b"desc":
            continue
        element = profile[start : start + size]
        if element[:4] == b"mluc":
            length, offset = struct.unpack_from(">II", element, 20)
            return element[offset : offset + length].decode("utf-16-be", "replace")
        if element[:4] == b"desc":
            (length,) = struct.unpack_from(">I", element, 8)
            return element[12 : 12 + length].decode("ascii", "replace").rstrip("\x00")
    return ""
