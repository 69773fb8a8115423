"""Pictures like a camera's, of any size, made from the demo's photos: what benchmarks of time work on."""

import struct
from io import BytesIO

import numpy as np
from PIL import Image, ImageOps

from doctored.demo.photos import find_photos

QUALITY, SUBSAMPLING = 90, "4:2:0"
# Without it enlarged photos compress to a third of what cameras write, and decode as much faster.
SENSOR_NOISE = 3.0
THUMBNAIL = (160, 120)
# Exif 3.0 types
ASCII, SHORT, LONG, RATIONAL = 2, 3, 4, 5
EXIF_IFD, THUMBNAIL_OFFSET, THUMBNAIL_BYTES = 0x8769, 0x0201, 0x0202
Tags = dict[int, tuple[int, bytes]]


def make_pictures(width: int, height: int, count: int) -> list[bytes]:
    """JPEGs of that size, quality 90, 4:2:0, with a camera's Exif and a thumbnail of the picture itself."""
    rng = np.random.default_rng(0)
    made = []
    for path in list(find_photos().values())[:count]:
        with Image.open(path) as photo:
            enlarged = ImageOps.fit(photo.convert("RGB"), (width, height), Image.Resampling.BICUBIC)
        noise = rng.normal(0, SENSOR_NOISE, (height, width, 1)).astype(np.float32)
        pixels = np.clip(np.asarray(enlarged, np.float32) + noise, 0, 255).astype(np.uint8)
        exif = camera_exif(width, height, _jpeg(enlarged.resize(THUMBNAIL), b""))
        made.append(_jpeg(Image.fromarray(pixels), exif))
    return made


def _jpeg(image: Image.Image, exif: bytes) -> bytes:
    stream = BytesIO()
    image.save(stream, "JPEG", quality=QUALITY, subsampling=SUBSAMPLING, exif=exif)
    return stream.getvalue()


def camera_exif(width: int, height: int, thumbnail: bytes) -> bytes:
    """An Exif block as a camera writes it: make, model, times, exposure; a thumbnail in its second IFD."""
    moment = (ASCII, b"2026:05:17 11:42:03\0")
    main: Tags = {
        0x010F: (ASCII, b"Example\0"),
        0x0110: (ASCII, b"Example One\0"),
        0x0112: (SHORT, struct.pack("<H", 1)),
        0x011A: (RATIONAL, struct.pack("<II", 72, 1)),
        0x011B: (RATIONAL, struct.pack("<II", 72, 1)),
        0x0128: (SHORT, struct.pack("<H", 2)),
        0x0131: (ASCII, b"Firmware 1.2\0"),
        0x0132: moment,
    }
    details: Tags = {
        0x829A: (RATIONAL, struct.pack("<II", 1, 250)),
        0x829D: (RATIONAL, struct.pack("<II", 28, 10)),
        0x8827: (SHORT, struct.pack("<H", 200)),
        0x9003: moment,
        0x9004: moment,
        0x920A: (RATIONAL, struct.pack("<II", 24, 1)),
        0xA002: (LONG, struct.pack("<I", width)),
        0xA003: (LONG, struct.pack("<I", height)),
    }
    small: Tags = {
        0x0103: (SHORT, struct.pack("<H", 6)),
        THUMBNAIL_OFFSET: (LONG, bytes(4)),
        THUMBNAIL_BYTES: (LONG, struct.pack("<I", len(thumbnail))),
    }
    main[EXIF_IFD] = (LONG, bytes(4))
    details_at = 8 + len(_directory(main, 8, 0))
    small_at = details_at + len(_directory(details, details_at, 0))
    main[EXIF_IFD] = (LONG, struct.pack("<I", details_at))
    small[THUMBNAIL_OFFSET] = (LONG, struct.pack("<I", small_at + len(_directory(small, small_at, 0))))
    directories = _directory(main, 8, small_at) + _directory(details, details_at, 0)
    return b"Exif\0\0II*\0" + struct.pack("<I", 8) + directories + _directory(small, small_at, 0) + thumbnail


def _directory(tags: Tags, start: int, following: int) -> bytes:
    """A TIFF directory that lies at `start`, its long values right behind it."""
    sizes = {ASCII: 1, SHORT: 2, LONG: 4, RATIONAL: 8}
    values_at = start + 2 + 12 * len(tags) + 4
    entries, values = b"", b""
    for tag, (kind, value) in sorted(tags.items()):
        entries += struct.pack("<HHI", tag, kind, len(value) // sizes[kind])
        if len(value) <= 4:
            entries += value.ljust(4, b"\0")
        else:
            entries += struct.pack("<I", values_at + len(values))
            values += value + b"\0" * (len(value) % 2)
    return struct.pack("<H", len(tags)) + entries + struct.pack("<I", following) + values
