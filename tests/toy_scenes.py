"""Pictures with a photo's spectrum, and their JPEGs."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def make_scene(width: int = 320, height: int = 256, seed: int = 0) -> Image.Image:
    """Coloured noise whose amplitude falls as 1/f, as it does in photos (Field 1987)."""
    rng = np.random.default_rng(seed)
    down, across = np.meshgrid(np.fft.fftfreq(height), np.fft.fftfreq(width), indexing="ij")
    falling = 1 / np.maximum(np.hypot(down, across), 1 / max(width, height))
    planes = [_noise(rng, falling) for _ in range(3)]
    grey = planes[0]
    mixed = np.stack([grey + 0.15 * plane for plane in planes], axis=-1)
    return Image.fromarray(np.clip(128 + 28 * mixed, 16, 239).astype(np.uint8))


def _noise(rng: np.random.Generator, falling: NDArray[np.float64]) -> NDArray[np.float64]:
    spectrum = np.fft.fft2(rng.standard_normal(falling.shape)) * falling
    plane = np.fft.ifft2(spectrum).real
    return (plane - plane.mean()) / max(plane.std(), 1e-9)


def to_jpeg(picture: Image.Image, quality: int, **options: object) -> bytes:
    stream = BytesIO()
    picture.save(stream, "JPEG", quality=quality, **options)
    return stream.getvalue()


def save(picture: Image.Image, quality: int, **options: object) -> Image.Image:
    """What decoding gives back."""
    return Image.open(BytesIO(to_jpeg(picture, quality, **options))).convert("RGB")
