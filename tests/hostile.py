"""Hostile files, made on the spot: small valid pictures of every format and mode, ways to break them, and
the odd things that lie about in folders.

Everything is made from numbers here; nothing is a file of someone else's.
"""

import os
import struct
import sys
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from io import BytesIO
from pathlib import Path
from types import MappingProxyType

import numpy as np
from PIL import Image, PngImagePlugin

WIDTH, HEIGHT = 21, 14


def scene(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Smooth, colourful and unlike itself in every direction: uint8 [height, width, 3]."""
    y, x = np.mgrid[0:height, 0:width]
    red = 255 * x / max(1, width - 1)
    green = 255 * y / max(1, height - 1)
    blue = 127 + 127 * np.sin(x / 3 + y / 5)
    return np.stack([red, green, blue], axis=-1).astype(np.uint8)


def save(image: Image.Image | np.ndarray, image_format: str, **options: object) -> bytes:
    stream = BytesIO()
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    picture.save(stream, image_format, **options)
    return stream.getvalue()


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def raw_png(
    width: int, height: int, depth: int, color: int, rows: bytes, *, before: bytes = b"", after: bytes = b""
) -> bytes:
    """A PNG of given IHDR fields; `rows` with their filter bytes, `before` and `after` its IDAT chunks."""
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            png_chunk(b"IHDR", header),
            before,
            png_chunk(b"IDAT", zlib.compress(rows)),
            after,
            png_chunk(b"IEND", b""),
        )
    )


def png_16(values: np.ndarray, *, before: bytes = b"") -> bytes:
    """A PNG of uint16 [h, w] (grey), [h, w, 2], [h, w, 3] or [h, w, 4]; Pillow itself cannot write these."""
    bands = values.reshape(*values.shape[:2], -1)
    color = {1: 0, 2: 4, 3: 2, 4: 6}[bands.shape[2]]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in bands)
    return raw_png(bands.shape[1], bands.shape[0], 16, color, rows, before=before)


def raw_tiff(tags: dict[int, int | tuple[int, ...]], data: bytes, order: str = "<") -> bytes:
    """A TIFF of one directory: LONG tags as given, `data` as its only strip at byte 8."""
    tags = {273: 8, 279: len(data), **tags}
    longs, entries = b"", b""
    directory = 8 + len(data)
    values_start = directory + 2 + 12 * len(tags) + 4
    for tag, value in sorted(tags.items()):
        values = value if isinstance(value, tuple) else (value,)
        packed = struct.pack(f"{order}{len(values)}I", *values)
        place = packed if len(values) == 1 else struct.pack(f"{order}I", values_start + len(longs))
        longs += packed if len(values) > 1 else b""
        entries += struct.pack(f"{order}HHI", tag, 4, len(values)) + place
    magic = b"II*\0" if order == "<" else b"MM\0*"
    head = magic + struct.pack(f"{order}I", directory)
    count = struct.pack(f"{order}H", len(tags))
    return head + data + count + entries + bytes(4) + longs


def exif(orientation: int, order: str = "<") -> bytes:
    """An Exif block with one tag, in either byte order."""
    magic = b"II*\0" if order == "<" else b"MM\0*"
    entry = struct.pack(f"{order}HHIHH", 0x0112, 3, 1, orientation, 0)
    return b"Exif\0\0" + magic + struct.pack(f"{order}IH", 8, 1) + entry + struct.pack(f"{order}I", 0)


def icc_profile(name: str, version: int = 4) -> bytes:
    """The frame of an ICC profile: enough of it to be read by name."""
    if version == 4:
        text = name.encode("utf-16-be")
        tag = b"mluc" + struct.pack(">IIIHHII", 0, 1, 12, 0x656E, 0x5553, len(text), 28) + text
    else:
        text = name.encode("ascii") + b"\0"
        tag = b"desc" + struct.pack(">II", 0, len(text)) + text + bytes(78)
    body = bytes(128) + struct.pack(">I4sII", 1, b"desc", 144, len(tag)) + tag
    return struct.pack(">I", len(body)) + body[4:]


def bmp_rle8(rows: list[list[tuple[int, int]]], width: int) -> bytes:
    """A run-length coded BMP: rows from the bottom up, each a list of (count, palette index)."""
    data = b"".join(b"".join(bytes(run) for run in row) + b"\0\0" for row in rows) + b"\0\1"
    palette = b"".join(bytes((i, 255 - i, 7, 0)) for i in range(256))
    start = 14 + 40 + len(palette)
    info = struct.pack("<IiiHHIIiiII", 40, width, len(rows), 1, 8, 1, len(data), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + info + palette + data


def _animation(image_format: str) -> bytes:
    frames = [Image.fromarray(np.roll(scene(), shift, axis=1)) for shift in (0, 5, 9)]
    return save(frames[0], image_format, save_all=True, append_images=frames[1:], duration=40)


def _transparent_palette() -> Image.Image:
    palette = Image.fromarray(scene()).quantize(8)
    palette.info["transparency"] = bytes((0, 128, 255, 255, 40, 255, 255, 200))
    return palette


def _text_png() -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("parameters", "a cat", zip=True)
    text.add_itxt("XML:com.adobe.xmp", "<x/>", zip=True)
    return save(scene(), "PNG", pnginfo=text, exif=exif(6), icc_profile=icc_profile("Display P3"))


def _rgba() -> np.ndarray:
    alpha = np.linspace(0, 255, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH, 1).astype(np.uint8)
    return np.concatenate([scene(), alpha], axis=-1)


@cache
def seeds() -> Mapping[str, bytes]:
    """Small valid pictures of every format and mode that is read, by name; HEIC where it can be written."""
    rgb = Image.fromarray(scene())
    grey_16 = np.linspace(0, 65535, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH).astype(np.uint16)
    rgb_16 = np.stack([grey_16, grey_16.T.reshape(HEIGHT, WIDTH), 65535 - grey_16], axis=-1)
    made = {
        "jpeg": save(rgb, "JPEG", quality=80),
        "jpeg_progressive": save(rgb, "JPEG", progressive=True, subsampling="4:4:4"),
        "jpeg_grey": save(rgb.convert("L"), "JPEG"),
        "jpeg_cmyk": save(rgb.convert("CMYK"), "JPEG"),
        "jpeg_exif": save(rgb, "JPEG", exif=exif(8), icc_profile=icc_profile("Adobe RGB (1998)", 2)),
        "jpeg_restarts": save(rgb, "JPEG", restart_marker_blocks=1),
        "mpo": _animation("MPO"),
        "png": save(rgb, "PNG"),
        "png_rgba": save(_rgba(), "PNG"),
        "png_la": save(Image.fromarray(_rgba()).convert("LA"), "PNG"),
        "png_palette": save(rgb.quantize(16), "PNG"),
        "png_palette_alpha": save(_transparent_palette(), "PNG"),
        "png_1_bit": save(rgb.convert("1"), "PNG"),
        "png_16_grey": save(grey_16, "PNG"),
        "png_16_rgb": png_16(rgb_16),
        "png_16_rgba": png_16(np.concatenate([rgb_16, grey_16[..., None]], axis=-1)),
        "png_color_key": save(rgb, "PNG", transparency=(0, 0, 127)),
        "png_text": _text_png(),
        "png_animated": _animation("PNG"),
        "webp": save(rgb, "WEBP", quality=70),
        "webp_lossless": save(_rgba(), "WEBP", lossless=True, exact=True),
        "webp_exif": save(rgb, "WEBP", exif=exif(3)[6:], icc_profile=icc_profile("Display P3")),
        "webp_animated": _animation("WEBP"),
        "tiff": save(rgb, "TIFF"),
        "tiff_lzw": save(rgb, "TIFF", compression="tiff_lzw"),
        "tiff_deflate": save(rgb, "TIFF", compression="tiff_adobe_deflate", tiffinfo={274: 6}),
        "tiff_jpeg": save(rgb, "TIFF", compression="jpeg"),
        "tiff_group4": save(rgb.convert("1"), "TIFF", compression="group4"),
        "tiff_packbits": save(rgb.convert("L"), "TIFF", compression="packbits"),
        "tiff_big": save(rgb, "TIFF", big_tiff=True),
        "tiff_pages": _animation("TIFF"),
        "gif": save(rgb, "GIF"),
        "gif_transparent": save(_transparent_palette(), "GIF", transparency=3),
        "gif_interlaced": save(rgb.convert("L"), "GIF", interlace=1),
        "gif_animated": _animation("GIF"),
        "bmp": save(rgb, "BMP"),
        "bmp_palette": save(rgb.quantize(16), "BMP"),
        "bmp_1_bit": save(rgb.convert("1"), "BMP"),
        "bmp_rle": bmp_rle8([[(9, 3), (12, 200)], [(21, 77)], [(1, 0), (20, 255)]], WIDTH),
        "avif": save(rgb, "AVIF", quality=60),
        "avif_rgba": save(_rgba(), "AVIF", quality=90, exif=exif(5)),
    }  # fmt: skip
    for mode in ("1", "L", "LA", "P", "PA", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB"):
        made[f"tiff_{mode.lower()}"] = save(rgb.convert(mode), "TIFF")
    made["tiff_16"] = save(grey_16, "TIFF")
    made["tiff_float"] = save(Image.fromarray(grey_16.astype(np.float32)), "TIFF")
    try:
        from pillow_heif import from_pillow
    except ImportError:
        return MappingProxyType(made)
    heic = BytesIO()
    from_pillow(rgb).save(heic, quality=60)
    return MappingProxyType(made | {"heic": heic.getvalue()})


def mutate(data: bytes, rng: np.random.Generator) -> bytes:
    """`data` with one to four pieces of damage."""
    for _ in range(int(rng.integers(1, 5))):
        if data:
            data = MUTATIONS[int(rng.integers(len(MUTATIONS)))](data, rng)
    return data


def _flip_bits(data: bytes, rng: np.random.Generator) -> bytes:
    flipped = bytearray(data)
    for place in rng.integers(len(data), size=int(rng.integers(1, 9))):
        flipped[place] ^= 1 << int(rng.integers(8))
    return bytes(flipped)


def _overwrite(data: bytes, rng: np.random.Generator) -> bytes:
    start, size = int(rng.integers(len(data))), int(rng.integers(1, 17))
    filler = (b"\0", b"\xff", b"\x7f", rng.bytes(1))[int(rng.integers(4))]
    return (data[:start] + filler * size + data[start + size :])[: len(data)]


def _truncate(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: int(rng.integers(len(data)))]


def _extend(data: bytes, rng: np.random.Generator) -> bytes:
    return data + rng.bytes(int(rng.integers(1, 200)))


def _remove(data: bytes, rng: np.random.Generator) -> bytes:
    start, size = int(rng.integers(len(data))), int(rng.integers(1, 64))
    return data[:start] + data[start + size :]


def _splice(data: bytes, rng: np.random.Generator) -> bytes:
    """Copy a piece over to another place, as a part written twice or in the wrong order is."""
    start, place = (int(value) for value in rng.integers(len(data), size=2))
    return data[:place] + data[start : start + int(rng.integers(1, 256))] + data[place:]


def _edit_length(data: bytes, rng: np.random.Generator) -> bytes:
    """Put a telling number where a length, a size or an offset may be, most often near the start."""
    numbers = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, len(data), 60_000)
    number = numbers[int(rng.integers(len(numbers)))]
    width = (1, 2, 4)[int(rng.integers(3))]
    order = ("little", "big")[int(rng.integers(2))]
    reach = len(data) if rng.random() < 0.3 else min(len(data), 128)
    place = int(rng.integers(reach))
    edited = (number % 2 ** (8 * width)).to_bytes(width, order)  # type: ignore[arg-type]
    return (data[:place] + edited + data[place + width :])[: len(data)]


def _duplicate_chunk(data: bytes, rng: np.random.Generator) -> bytes:
    """Repeat a chunk, segment or box: from one marker's place to the next."""
    marker = (
        b"\xff\xe1",
        b"\xff\xdb",
        b"\xff\xda",
        b"IDAT",
        b"tEXt",
        b"eXIf",
        b"VP8",
        b"!\xf9",
        b"mdat",
        b"iloc",
    )
    places = [data.find(each) for each in marker if each in data]
    if not places:
        return _splice(data, rng)
    start = places[int(rng.integers(len(places)))]
    end = start + int(rng.integers(4, 300))
    return data[:end] + data[start:end] * int(rng.integers(1, 4)) + data[end:]


MUTATIONS: tuple[Callable[[bytes, np.random.Generator], bytes], ...] = (
    _flip_bits, _overwrite, _truncate, _extend, _remove, _splice, _edit_length, _duplicate_chunk
)  # fmt: skip


def huge_png_header(width: int = 60_000, height: int = 60_000) -> bytes:
    """A hundred bytes that promise any number of pixels."""
    return raw_png(width, height, 8, 2, bytes(100))


@cache
def png_bomb(side: int = 15_000) -> bytes:
    """White pixels in number, a few hundred kilobytes on disk: side² × 3 bytes once unpacked."""
    rows = (b"\0" + b"\xff" * (side * 3)) * 500
    # After a full flush the packer has forgotten everything, so the same rows are the same bytes again.
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    segment = packer.compress(rows) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = 1
    for _ in range(side // 500):
        checksum = zlib.adler32(rows, checksum)
    packed = b"\x78\xda" + segment * (side // 500) + b"\x03\0" + struct.pack(">I", checksum)
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", packed) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


@cache
def png_text_bomb(megabytes: int = 20, chunks: int = 1, *, late: bool = False) -> bytes:
    """A tiny picture beside compressed text that unpacks to `chunks` × `megabytes`."""
    text = b"k\0\0" + zlib.compress(bytes(megabytes << 20), 9)
    bomb = png_chunk(b"zTXt", text) * chunks
    return raw_png(1, 1, 8, 0, b"\0\0", **{"after" if late else "before": bomb})


def gif_bomb(side: int = 65_535) -> bytes:
    """A GIF whose frame is as large as the format allows, in a screen of one pixel."""
    frame = b"," + struct.pack("<HHHHB", 0, 0, side, side, 0)
    return b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0) + frame + b"\x02\x02\x4c\x01\x00;"


def special_cases(folder: Path) -> dict[str, Path]:
    """Write into `folder` what a scan may come upon, by name; what this system cannot make is left out."""
    jpeg = save(scene(), "JPEG")
    contents = {
        "empty.jpg": b"",
        "truncated.jpg": jpeg[: len(jpeg) * 2 // 3],
        "random.png": np.random.default_rng(0).bytes(4096),
        "wrong_extension.png": jpeg,
        "zero_by_zero.png": raw_png(0, 0, 8, 2, b""),
        "one_by_one.png": save(scene(1, 1), "PNG"),
        "huge_header.png": huge_png_header(),
        "bomb.png": png_bomb(),
        "text_bomb.png": png_text_bomb(),
        "bomb.gif": gif_bomb(),
        "unreadable.jpg": jpeg,
    }
    paths = {name: folder / name for name in contents}
    for name, data in contents.items():
        paths[name].write_bytes(data)
    paths["unreadable.jpg"].chmod(0)
    if hasattr(os, "mkfifo"):
        paths["fifo.jpg"] = folder / "fifo.jpg"
        os.mkfifo(paths["fifo.jpg"])
    try:
        for link, target in (("loop.jpg", "loop.jpg"), ("directory_loop", ".")):
            paths[link] = folder / link
            paths[link].symlink_to(target)
    except OSError:  # Windows lets only some users make links
        paths.pop("loop.jpg", None)
        paths.pop("directory_loop", None)
    if sys.platform == "linux":
        paths["non_utf8.jpg"] = folder / os.fsdecode(b"caf\xe9.jpg")
        paths["non_utf8.jpg"].write_bytes(jpeg)
    return paths
