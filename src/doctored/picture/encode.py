"""Pixels to bytes."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from doctored.errors import UsageError

CHROMA_SUBSAMPLING = "4:2:0"


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """A PNG of uint8 pixels [H, W, 3] (RGB) or [H, W, 4] (RGBA, straight alpha); lossless.

    Raises `UsageError` for any other array.
    """
    return _encode(_to_image(pixels, channels=(3, 4)), "PNG")


def encode_jpeg(pixels: NDArray[np.uint8], quality: int = 90) -> bytes:
    """A baseline JPEG of uint8 pixels [H, W, 3], 4:2:0; `quality` 1 to 100 is libjpeg's.

    Raises `UsageError` for another array or quality.
    """
    _require_quality(quality, lowest=1)
    return _encode(_to_image(pixels), "JPEG", quality=quality, subsampling=CHROMA_SUBSAMPLING)


def encode_webp(pixels: NDArray[np.uint8], quality: int = 80) -> bytes:
    """A lossy WebP of uint8 pixels [H, W, 3]; `quality` 0 to 100 is libwebp's.

    Raises `UsageError` for another array or quality.
    """
    # Pillow would import all of its plugins to find this one.
    import PIL.WebPImagePlugin  # noqa: F401

    _require_quality(quality, lowest=0)
    return _encode(_to_image(pixels), "WEBP", quality=quality)


def _require_quality(quality: int, lowest: int) -> None:
    if not lowest <= quality <= 100:
        raise UsageError(f"a quality of {quality} makes no sense; give {lowest} to 100")


def _to_image(pixels: NDArray[np.uint8], channels: tuple[int, ...] = (3,)) -> Image.Image:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in channels or not pixels.size:
        wanted = " or ".join(f"[H, W, {count}]" for count in channels)
        raise UsageError(f"these pixels are {pixels.dtype} {list(pixels.shape)}; give uint8 {wanted}")
    return Image.fromarray(pixels)


def _encode(image: Image.Image, image_format: str, **options: object) -> bytes:
    stream = BytesIO()
    image.save(stream, image_format, **options)
    return stream.getvalue()
