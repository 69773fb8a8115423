"""What happens to pictures on their way through the world: seeded, pure distortions of pixels."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from doctored.errors import UsageError
from doctored.picture.decode import decode
from doctored.picture.encode import encode_jpeg, encode_webp
from doctored.picture.limits import Limits
from doctored.spelling import suggest

if TYPE_CHECKING:
    from numpy.random import Generator  # late, for it takes 14 ms that a scan has no use for

Pixels = NDArray[np.uint8]
Distort = Callable[[Pixels, float, "Generator"], Pixels]
MAX_SIDE = Limits().max_side


@dataclass(frozen=True, slots=True)
class Distortion:
    """One way to distort: `strength` lies in [`lowest`, `highest`]."""

    name: str
    lowest: float
    highest: float
    distort: Distort


DISTORTIONS: dict[str, Distortion] = {}


def distort(pixels: Pixels, chain: Sequence[tuple[str, float]], seed: int) -> Pixels:
    """Distort uint8 pixels [H, W, 3] by each (name, strength) of `chain` in turn; returns the same kind.

    | name | strength | what it does |
    |---|---|---|
    | `jpeg` | quality, 1 to 100 | Pillow's JPEG, 4:2:0, there and back |
    | `webp` | quality, 0 to 100 | Pillow's lossy WebP, there and back |
    | `resize` | factor, 0.01 to 8 | scales both sides, Pillow's bicubic |
    | `rescale` | factor, 0.01 to 8 | as `resize`, then back to the size before |
    | `blur` | sigma in pixels, 0 to 100 | Pillow's Gaussian blur |
    | `noise` | sigma in grey levels, 0 to 255 | adds normal noise, each value by itself |
    | `crop` | fraction of each side to keep, 0.01 to 1 | cuts a box out, at a place that `seed` chooses |
    | `brightness` | factor, 0 to 8 | multiplies every value |

    Values are rounded and clipped to 0–255; a side is never less than one pixel. Pure: the same pixels,
    chain and seed give the same result, and `pixels` is left alone. Raises `UsageError` for an unknown
    name, a strength out of its range, or other pixels.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise UsageError(f"these pixels are {pixels.dtype} {list(pixels.shape)}; give uint8 [H, W, 3]")
    steps = [(_find(name), strength) for name, strength in chain]
    for step, strength in steps:
        if not step.lowest <= strength <= step.highest:
            raise UsageError(
                f"the strength {strength} of {step.name} is out of range; "
                f"give {step.lowest:g} to {step.highest:g}"
            )
    rng = np.random.default_rng(seed)
    for step, strength in steps:
        pixels = step.distort(pixels, strength, rng)
    return pixels.copy() if not steps else pixels


def distortion(name: str, lowest: float, highest: float) -> Callable[[Distort], Distort]:
    """Register a distortion under its name."""

    def register(function: Distort) -> Distort:
        if name in DISTORTIONS:
            raise ValueError(f"two distortions are called {name}")
        DISTORTIONS[name] = Distortion(name, lowest, highest, function)
        return function

    return register


def _find(name: str) -> Distortion:
    if name not in DISTORTIONS:
        raise UsageError(f"no distortion is called {name!r}; {suggest(name, DISTORTIONS)}")
    return DISTORTIONS[name]


def _scaled(pixels: Pixels, width: int, height: int) -> Pixels:
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC))


def _rounded(values: NDArray[np.floating]) -> Pixels:
    clipped: Pixels = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return clipped


@distortion("jpeg", 1, 100)
def _jpeg(pixels: Pixels, quality: float, rng: "Generator") -> Pixels:
    return decode(encode_jpeg(pixels, round(quality))).pixels


@distortion("webp", 0, 100)
def _webp(pixels: Pixels, quality: float, rng: "Generator") -> Pixels:
    return decode(encode_webp(pixels, round(quality))).pixels


@distortion("resize", 0.01, 8)
def _resize(pixels: Pixels, factor: float, rng: "Generator") -> Pixels:
    height, width = (min(max(1, round(side * factor)), MAX_SIDE) for side in pixels.shape[:2])
    return _scaled(pixels, width, height)


@distortion("rescale", 0.01, 8)
def _rescale(pixels: Pixels, factor: float, rng: "Generator") -> Pixels:
    height, width = pixels.shape[:2]
    return _scaled(_resize(pixels, factor, rng), width, height)


@distortion("blur", 0, 100)
def _blur(pixels: Pixels, sigma: float, rng: "Generator") -> Pixels:
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(sigma)))


@distortion("noise", 0, 255)
def _noise(pixels: Pixels, sigma: float, rng: "Generator") -> Pixels:
    return _rounded(pixels + rng.normal(0.0, sigma, pixels.shape))


@distortion("crop", 0.01, 1)
def _crop(pixels: Pixels, fraction: float, rng: "Generator") -> Pixels:
    height, width = (max(1, round(side * fraction)) for side in pixels.shape[:2])
    top = int(rng.integers(pixels.shape[0] - height + 1))
    left = int(rng.integers(pixels.shape[1] - width + 1))
    return pixels[top : top + height, left : left + width].copy()


@distortion("brightness", 0, 8)
def _brightness(pixels: Pixels, factor: float, rng: "Generator") -> Pixels:
    return _rounded(pixels * float(factor))
