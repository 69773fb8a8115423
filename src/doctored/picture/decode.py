"""Bytes to pixels: the one place in the package where images are opened.

Foreign bytes meet a decoder here and nowhere else, so this is where limits are checked, and where whatever
Pillow may raise becomes a `PictureError`. Pillow's plugin classes are called by name instead of
`Image.open`: only the plugin of the format that the bytes begin with ever sees them, the plugin's own reason
for refusing is kept, and Pillow's global pixel limit does not stand in for ours.
"""

import logging
import os
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from io import BytesIO
from types import TracebackType
from typing import Any, BinaryIO, cast

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile

from doctored.errors import PictureError, PictureErrorCode
from doctored.picture import formats
from doctored.picture.limits import Limits
from doctored.picture.tags import read_orientation
from doctored.picture.picture import UPRIGHT, Picture, Pixels
from doctored.picture.source import read_bytes

DEFAULT_LIMITS = Limits()

PLUGINS = {
    formats.JPEG: ("PIL.JpegImagePlugin", "JpegImageFile"),
    formats.PNG: ("PIL.PngImagePlugin", "PngImageFile"),
    formats.WEBP: ("PIL.WebPImagePlugin", "WebPImageFile"),
    formats.TIFF: ("PIL.TiffImagePlugin", "TiffImageFile"),
    formats.GIF: ("PIL.GifImagePlugin", "GifImageFile"),
    formats.BMP: ("PIL.BmpImagePlugin", "BmpImageFile"),
    formats.AVIF: ("PIL.AvifImagePlugin", "AvifImageFile"),
    formats.HEIF: ("pillow_heif", "HeifImageFile"),
}
# Formats whose plugin reads the file in order, so that its position says how far it came.
READ_IN_ORDER = frozenset((formats.JPEG, formats.PNG, formats.GIF, formats.BMP))

PNG_BIT_DEPTH = 24
# TIFF 6.0 tags and values
SUBFILE_TYPE, WIDTH, LENGTH, BITS, PHOTOMETRIC, ORIENTATION = 254, 256, 257, 258, 262, 274
STRIPS, TILES, TILE_WIDTH, TILE_LENGTH = (273, 279), (324, 325), 322, 323

WHITE_IS_ZERO = 0

# How Pillow, libtiff, libavif and libheif put it.
TRUNCATED_WORDS = (
    "file is truncated",
    "truncated file read",
    "truncated data",
    "not enough image data",
    "end of file",
    "end of data",
)
UNSUPPORTED_WORDS = ("unsupported", "not supported", "not yet", "cannot handle", "unknown pixel mode")

# Without a handler of its own, what Pillow logs about a broken file would go to stderr.
logging.getLogger("PIL").addHandler(logging.NullHandler())


def decode(source: str | os.PathLike[str] | bytes | BinaryIO, limits: Limits = DEFAULT_LIMITS) -> Picture:
    """The picture in a file, in bytes or in a binary stream (read from where it stands).

    Reads JPEG (of several pictures in one file, the first), PNG, WebP, TIFF (first page), GIF and other
    animations (first frame), BMP, AVIF and, with the extra `heif`, HEIC. Alpha is laid over white, palettes
    are expanded, CMYK, YCbCr and LAB converted as Pillow does; of 16 bits a channel the upper 8 are kept;
    values are not colour-managed. 32-bit integers and floats have no agreed range: `unsupported`.

    Every limit but the clock is checked before pixels exist; this function keeps no clock, because a call
    into a decoder cannot be interrupted from inside: run it where it can be killed. Damage that leaves a
    file decodable (a flipped bit in a JPEG) cannot be noticed.

    Raises `PictureError` for whatever is wrong with the picture, and nothing else for it.
    """
    data = read_bytes(source, limits.max_bytes)
    try:
        return _decode(data, limits)
    except Image.DecompressionBombError:
        # Some plugins ask Pillow's global limit, which may lie below ours.
        with _pillow_limit(limits.max_pixels):
            try:
                return _decode(data, limits)
            except Image.DecompressionBombError as error:
                raise _too_many_pixels("its parts are", limits) from error


def _decode(data: bytes, limits: Limits) -> Picture:
    image_format = formats.recognize_format(data)
    if image_format is None:
        raise _not_a_picture(data)
    plugin = _plugin(image_format)
    stream = BytesIO(data)
    with _PillowWarningsOff():
        try:
            image = plugin(stream)
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
                orientation = read_orientation(exif) if exif else 1
                upright = _to_rgb(image, data)
                if orientation != 1:
                    upright = upright.transpose(UPRIGHT[orientation])
            pixels = _to_array(upright).reshape(upright.height, upright.width, 3)
        except (PictureError, Image.DecompressionBombError):
            raise
        except Exception as error:
            raise _translate(error, image_format, data, stream) from error
    has_own_luma = image_format == formats.JPEG and mode in ("L", "RGB")
    return Picture(
        pixels=pixels,
        data=data,
        image_format=image_format,
        mode=mode,
        stored_size=stored_size,
        orientation=orientation,
        profile=image.info.get("icc_profile"),
        read_luma=_decode_jpeg_luma if has_own_luma else None,
    )


def _decode_jpeg_luma(data: bytes) -> Pixels:
    stream = BytesIO(data)
    with _PillowWarningsOff():
        try:
            image = _plugin(formats.JPEG)(stream)
            image.draft("L", None)
            image.load()
            return _to_array(image).reshape(image.height, image.width)
        except Exception as error:
            raise _translate(error, formats.JPEG, data, stream) from error


@cache
def _plugin(image_format: str) -> Callable[[BytesIO], ImageFile]:
    module_name, class_name = PLUGINS[image_format]
    try:
        module = import_module(module_name)
    except ImportError as error:
        raise _missing_plugin(image_format) from error
    if not getattr(module, "SUPPORTED", True):
        raise _missing_plugin(image_format)
    return cast(Callable[[BytesIO], ImageFile], getattr(module, class_name))


def _missing_plugin(image_format: str) -> PictureError:
    if image_format == formats.HEIF:
        advice = "HEIC needs the extra 'heif': pip install 'doctored[heif]'"
    else:
        advice = f"this Pillow was built without {image_format}; install Pillow's own wheel"
    return PictureError(PictureErrorCode.UNSUPPORTED, advice)


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
        # Absent when someone reset all filters meanwhile.
        if self.FILTER in self._filters:
            self._filters.remove(self.FILTER)


_PILLOW_LIMIT = threading.Lock()


@contextmanager
def _pillow_limit(max_pixels: int) -> Iterator[None]:
    with _PILLOW_LIMIT:
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = max_pixels
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def _require_header(image: ImageFile, image_format: str, stream: BytesIO, limits: Limits) -> tuple[int, int]:
    """Check what the header promises; return the stored (width, height)."""
    width, height = image.size
    if image_format == formats.TIFF:
        tags = _tags(image)
        width, height = tags[WIDTH], tags[LENGTH]
    if width * height > limits.max_pixels or max(width, height) > limits.max_side:
        raise _too_many_pixels(f"the picture is {width:,}×{height:,}", limits)
    # Up to the pixels, such a file holds hardly anything but metadata.
    before_pixels = stream.tell() if image_format in READ_IN_ORDER else 0
    _require_metadata(image, before_pixels, limits)
    return width, height


def _require_metadata(image: ImageFile, before_pixels: int, limits: Limits) -> None:
    known = sum(len(value) for value in image.info.values() if isinstance(value, bytes | str))
    if max(known, before_pixels) > limits.max_metadata_bytes:
        raise _too_much_metadata()


def _require_sound_tiff(image: ImageFile, data: bytes, limits: Limits) -> None:
    tags = _tags(image)
    if tags.get(SUBFILE_TYPE, 0) & 1:
        raise PictureError(
            PictureErrorCode.UNSUPPORTED,
            "this TIFF begins with a thumbnail, as a camera's raw file does; export the picture as JPEG",
        )
    # A tile is decoded whole, however little of it belongs to the picture.
    if tags.get(TILE_WIDTH, 0) * tags.get(TILE_LENGTH, 0) > limits.max_pixels:
        raise _too_many_pixels("its tiles are", limits)
    if image.info["compression"] == "raw":
        return
    # libtiff fills in what some compressions lack, and says nothing.
    for offsets, counts in (STRIPS, TILES):
        parts = zip(tags.get(offsets, ()), tags.get(counts, ()), strict=False)
        if any(offset + count > len(data) for offset, count in parts):
            raise _truncated(formats.TIFF)


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
    if image.format == formats.PNG and data[PNG_BIT_DEPTH] == 16:
        # A colour key of 16 bits cannot be found in the 8 bits that Pillow keeps of each channel.
        image.info.pop("transparency", None)
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


def _to_array(image: Image.Image) -> Pixels:
    return np.frombuffer(image.tobytes(), np.uint8)


def _translate(error: Exception, image_format: str, data: bytes, stream: BytesIO) -> PictureError:
    """What an exception of Pillow's, of any kind, means for the picture."""
    text = str(error).lower()
    if isinstance(error, MemoryError) or "out of memory" in text:
        return PictureError(
            PictureErrorCode.TOO_LARGE,
            "decoding this picture needs more memory than there is; give a smaller picture",
        )
    if "max_text" in text:
        return _too_much_metadata()
    if isinstance(error, ImportError) or any(words in text for words in UNSUPPORTED_WORDS):
        return PictureError(
            PictureErrorCode.UNSUPPORTED,
            f"this kind of {image_format} is not supported; export it as an ordinary JPEG or PNG",
        )
    ran_out = image_format in READ_IN_ORDER and not isinstance(error, OSError) and stream.tell() >= len(data)
    if (
        ran_out
        or any(words in text for words in TRUNCATED_WORDS)
        or formats.promised_bytes(data, image_format) > len(data)
    ):
        return _truncated(image_format)
    return PictureError(
        PictureErrorCode.UNREADABLE,
        f"this {image_format} is damaged and cannot be decoded; fetch or export the file again",
    )


def _truncated(image_format: str) -> PictureError:
    return PictureError(
        PictureErrorCode.TRUNCATED,
        f"this {image_format} ends before its picture does; fetch the whole file again",
    )


def _not_a_picture(data: bytes) -> PictureError:
    if foreign := formats.recognize_foreign_format(data):
        return PictureError(
            PictureErrorCode.UNSUPPORTED, f"{foreign} files are not supported; export it as JPEG or PNG"
        )
    return PictureError(
        PictureErrorCode.NOT_A_PICTURE,
        f"this is no {formats.SUPPORTED} file, whatever its name; check that it is a picture",
    )


def _too_many_pixels(what: str, limits: Limits) -> PictureError:
    return PictureError(
        PictureErrorCode.TOO_MANY_PIXELS,
        f"{what} over the limit of {limits.max_pixels:,} pixels and {limits.max_side:,} a side; "
        "raise the limit or give a smaller picture",
    )


def _too_much_metadata() -> PictureError:
    return PictureError(
        PictureErrorCode.TOO_LARGE,
        "the metadata beside the picture is over its limit; raise the limit or strip the file's metadata",
    )
