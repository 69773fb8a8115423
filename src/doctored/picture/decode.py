"""Bytes to pixels: the one place in the package where images are opened.

Foreign bytes meet a decoder here and nowhere else, so this is where limits are checked, and where whatever
Pillow may raise becomes a `PictureError`. The bytes themselves say which format is named to Pillow; no other
plugin ever sees them.
"""

import logging
import os
import re
import threading
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib import import_module
from io import BytesIO
from types import TracebackType
from typing import Any, BinaryIO, TypeVar, cast

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from doctored.errors import PictureError, PictureErrorCode
from doctored.picture import formats, refusals
from doctored.picture.limits import Limits
from doctored.picture.picture import UPRIGHT, Picture, Pixels
from doctored.picture.source import read_bytes
from doctored.picture.tags import read_orientation

DEFAULT_LIMITS = Limits()
Decoded = TypeVar("Decoded", Picture, Pixels)

PLUGINS = {
    formats.JPEG: "PIL.JpegImagePlugin",
    formats.PNG: "PIL.PngImagePlugin",
    formats.WEBP: "PIL.WebPImagePlugin",
    formats.TIFF: "PIL.TiffImagePlugin",
    formats.GIF: "PIL.GifImagePlugin",
    formats.BMP: "PIL.BmpImagePlugin",
    formats.AVIF: "PIL.AvifImagePlugin",
    formats.HEIF: "pillow_heif",
}
# TIFF 6.0 tags and values
SUBFILE_TYPE, WIDTH, LENGTH, BITS, PHOTOMETRIC, ORIENTATION = 254, 256, 257, 258, 262, 274
STRIPS, TILES, TILE_WIDTH, TILE_LENGTH = (273, 279), (324, 325), 322, 323
WHITE_IS_ZERO = 0
# Where a PNG's header gives its bits a channel (PNG 3, 11.2.1)
PNG_BIT_DEPTH = 24
STRIP_PIXELS = 2**21

# Without a handler of its own, what Pillow logs about a broken file would go to stderr.
logging.getLogger("PIL").addHandler(logging.NullHandler())


def decode(
    source: str | os.PathLike[str] | bytes | BinaryIO,
    limits: Limits = DEFAULT_LIMITS,
    name: str | None = None,
) -> Picture:
    """The picture in a file, in bytes or in a binary stream (read from where it stands). `name` (or a path
    that ends in it) is what the file is called, where the source is no path.

    Reads JPEG (of several pictures in one file, the first), PNG, WebP, TIFF (first page), GIF and other
    animations (first frame), BMP, AVIF and, with the extra `heif`, HEIC. Alpha is laid over white, palettes
    are expanded, CMYK, YCbCr and LAB converted as Pillow does; of 16 bits a channel the upper 8 are kept;
    values are not colour-managed. 32-bit integers and floats have no agreed range: `unsupported`.

    Every limit but the clock is checked before pixels exist (metadata that a PNG has after its pixels, when
    it is read). This function keeps no clock, because a call into a decoder cannot be interrupted from
    inside: run it where it can be killed. Damage that leaves a file decodable (a flipped bit in a JPEG)
    cannot be noticed.

    Raises `PictureError` for whatever is wrong with the picture, and nothing else for it.
    """
    data = read_bytes(source, limits.max_bytes)
    try:
        picture = _past_pillow_limit(lambda: _decode(data, limits), limits.max_pixels)
    except Image.DecompressionBombError as error:
        raise refusals.too_many_pixels("its parts are too large", limits) from error
    if name is None and isinstance(source, str | os.PathLike):
        name = os.fspath(source)
    picture.name = os.path.basename(name) if name else None  # noqa: PTH119 - a Path costs more than the call
    return picture


def _decode(data: bytes, limits: Limits) -> Picture:
    image_format = formats.recognize_format(data)
    if image_format is None:
        raise refusals.not_a_picture(data)
    stream = BytesIO(data)
    with _PillowWarningsOff():
        try:
            image = _open(stream, image_format)
            mode = image.mode
            stored_size = _require_header(image, image_format, stream, limits)
            if image_format == formats.TIFF:
                _require_sound_tiff(image, data, limits)
                # Pillow turns a TIFF upright by itself, by this very reading.
                orientation = _valid_orientation(image.getexif().get(ORIENTATION))
                image.load()
                upright = _to_rgb(image, data)
            else:
                image.load()
                # A PNG may give its metadata after its pixels.
                _require_metadata(image, 0, limits)
                exif = image.info.get("exif")
                orientation = read_orientation(exif) if isinstance(exif, bytes) else 1
                upright = _to_rgb(image, data)
                if orientation != 1:
                    upright = upright.transpose(UPRIGHT[orientation])
            pixels = _to_array(upright, 3)
        except (PictureError, Image.DecompressionBombError):
            raise
        except Exception as error:
            raise refusals.translate(error, image_format, data, stream) from error
    # A text in a PNG, or a TIFF's tag of the wrong kind, may come by the same name.
    profile = image.info.get("icc_profile")
    has_own_luma = image_format == formats.JPEG and mode in ("L", "RGB")
    return Picture(
        pixels=pixels,
        data=data,
        image_format=image_format,
        mode=mode,
        stored_size=stored_size,
        orientation=orientation,
        profile=profile if isinstance(profile, bytes) else None,
        read_luma=_decode_jpeg_luma if has_own_luma else None,
    )


def _decode_jpeg_luma(data: bytes) -> Pixels:
    # The picture has been decoded once, so its size is known to be allowed.
    return _past_pillow_limit(lambda: _decode_y(data), None)


def _decode_y(data: bytes) -> Pixels:
    stream = BytesIO(data)
    with _PillowWarningsOff():
        try:
            image = _open(stream, formats.JPEG)
            image.draft("L", None)
            image.load()
            return _to_array(image, 1)[..., 0]
        except Image.DecompressionBombError:
            raise
        except Exception as error:
            raise refusals.translate(error, formats.JPEG, data, stream) from error


def _open(stream: BytesIO, image_format: str) -> ImageFile:
    """Read the header; raises whatever the format's plugin does."""
    _load_plugin(image_format)
    try:
        return Image.open(stream, formats=(image_format,))
    except UnidentifiedImageError:
        # Which keeps to itself what the plugin said: ask again, this time the plugin.
        plugin = Image.OPEN[image_format][0]
        stream.seek(0)
        return plugin(stream, "")


@cache
def _load_plugin(image_format: str) -> None:
    """Import this plugin alone; asked for one that it does not know, Pillow would import all of them."""
    try:
        module = import_module(PLUGINS[image_format])
    except ImportError as error:
        raise refusals.missing_plugin(image_format) from error
    if not getattr(module, "SUPPORTED", True):
        raise refusals.missing_plugin(image_format)
    if image_format == formats.HEIF:
        module.register_heif_opener()


class _PillowWarningsOff:
    """Pillow warns about broken files; here they are refused or decoded, and stderr is not the place.

    Adds one filter and takes that same one away again, so that threads may do it at once, which
    `warnings.catch_warnings` does not allow; and it costs less than a microsecond.
    """

    __slots__ = ("_filters",)

    FILTER = ("ignore", None, Warning, re.compile(r"PIL\.|pillow_heif"), 0)

    def __enter__(self) -> None:
        self._filters = cast(list[Any], warnings.filters)
        self._filters.insert(0, self.FILTER)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(ValueError):  # gone when someone reset all filters meanwhile
            self._filters.remove(self.FILTER)


_PILLOW_LIMIT = threading.Lock()


def _past_pillow_limit(decode_once: Callable[[], Decoded], max_pixels: int | None) -> Decoded:
    """Pillow's own limit is one for the whole process: touched only for a picture that it refuses."""
    try:
        return decode_once()
    except Image.DecompressionBombError:
        with _PILLOW_LIMIT:
            before = Image.MAX_IMAGE_PIXELS
            Image.MAX_IMAGE_PIXELS = max_pixels
            try:
                return decode_once()
            finally:
                Image.MAX_IMAGE_PIXELS = before


def _require_header(image: ImageFile, image_format: str, stream: BytesIO, limits: Limits) -> tuple[int, int]:
    """Check what the header promises; return the stored (width, height)."""
    width, height = image.size
    if image_format == formats.TIFF:
        tags = _tags(image)
        width, height = tags[WIDTH], tags[LENGTH]
    if width * height > limits.max_pixels or max(width, height) > limits.max_side:
        raise refusals.too_many_pixels(f"the picture is {width:,}×{height:,}", limits)
    # Up to the pixels, such a file holds hardly anything but metadata.
    before_pixels = stream.tell() if image_format in formats.READ_IN_ORDER else 0
    _require_metadata(image, before_pixels, limits)
    return width, height


def _require_metadata(image: ImageFile, before_pixels: int, limits: Limits) -> None:
    known = sum(len(value) for value in image.info.values() if isinstance(value, bytes | str))
    if max(known, before_pixels) > limits.max_metadata_bytes:
        raise refusals.too_much_metadata()


def _require_sound_tiff(image: ImageFile, data: bytes, limits: Limits) -> None:
    tags = _tags(image)
    if tags.get(SUBFILE_TYPE, 0) & 1:
        raise PictureError(
            PictureErrorCode.UNSUPPORTED,
            "this TIFF begins with a thumbnail, as a camera's raw file does; export the picture as JPEG",
        )
    # A tile is decoded whole, however little of it belongs to the picture.
    if tags.get(TILE_WIDTH, 0) * tags.get(TILE_LENGTH, 0) > limits.max_pixels:
        raise refusals.too_many_pixels("its tiles are too large", limits)
    if image.info["compression"] == "raw":
        return
    # libtiff fills in what some compressions lack, and says nothing.
    for offsets, counts in (STRIPS, TILES):
        parts = zip(tags.get(offsets, ()), tags.get(counts, ()), strict=False)
        if any(offset + count > len(data) for offset, count in parts):
            raise refusals.truncated(formats.TIFF)


def _tags(image: ImageFile) -> dict[int, Any]:
    return cast(dict[int, Any], image.tag_v2)  # type: ignore[attr-defined]


def _valid_orientation(value: object) -> int:
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _to_rgb(image: ImageFile, data: bytes) -> Image.Image:
    """The loaded image in RGB, alpha over white; the same object where it is that already."""
    if image.mode.startswith("I;16"):
        return _to_8_bits(image).convert("RGB")
    if image.mode in ("I", "F"):
        raise PictureError(
            PictureErrorCode.UNSUPPORTED,
            "pixels of 32 bits have no agreed range from black to white; export it with 8 or 16 bits",
        )
    key = image.info.get("transparency")
    if isinstance(key, str) or (isinstance(key, tuple) and data[PNG_BIT_DEPTH] == 16):
        # A PNG's text of that name is no key, and one of 16 bits is not found in the 8 that Pillow keeps.
        del image.info["transparency"]
    if image.has_transparency_data:
        # Pillow knows the way from premultiplied grey to RGBA only in two steps.
        straight = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
        canvas = Image.new("RGB", image.size, (255, 255, 255))
        canvas.paste(straight, (0, 0), straight)
        return canvas
    return image if image.mode == "RGB" else image.convert("RGB")


def _to_8_bits(image: ImageFile) -> Image.Image:
    """The upper 8 of 16 bits, as Pillow keeps them of colours; its own conversion of grey would clip."""
    values = np.asarray(image)
    bits = 16
    if image.format == formats.TIFF:
        bits = _tags(image)[BITS][0]
    grey = (values >> (bits - 8)).astype(np.uint8)
    if image.format == formats.TIFF and _tags(image).get(PHOTOMETRIC) == WHITE_IS_ZERO:
        grey = 255 - grey
    if (key := image.info.get("transparency")) is not None:
        grey[values == key] = 255
    return Image.fromarray(grey)


def _to_array(image: Image.Image, channels: int) -> Pixels:
    """uint8 [h, w, channels], read-only."""
    width, height = image.size
    rows = max(1, STRIP_PIXELS // width)
    if rows >= height:
        return np.frombuffer(image.tobytes(), np.uint8).reshape(height, width, channels)
    # All at once, Pillow would hold the bytes of a large picture twice.
    pixels = np.empty((height, width, channels), np.uint8)
    for top in range(0, height, rows):
        strip = image.crop((0, top, width, min(top + rows, height)))
        pixels[top : top + rows] = np.frombuffer(strip.tobytes(), np.uint8).reshape(-1, width, channels)
    pixels.flags.writeable = False
    return pixels
