"""About thirty numbers of a picture's pixels that need no training: what a careless detector would learn.

If these alone tell the classes apart, then brightness, sharpness or an old compression may be all that a
network learns. Everything is computed for many small pictures at once, in float32.
"""

import numpy as np
from numpy.typing import NDArray

NAMES = (
    "mean_red", "mean_green", "mean_blue",
    "deviation_red", "deviation_green", "deviation_blue",
    "skew_red", "skew_green", "skew_blue",
    "saturation", "saturation_deviation", "correlation_red_green", "correlation_green_blue",
    "clipped_dark", "clipped_bright",
    "gradient", "gradient_deviation", "flat_share", "blockiness_8",
    "residual", "residual_kurtosis", "residual_colour", "residual_correlation", "noise",
    "spectrum_slope", "spectrum_high", "spectrum_corner", "spectrum_tilt",
)  # fmt: skip
MIN_SIDE = 16
MAX_SIDE = 256
_PIXELS_AT_ONCE = 1 << 16
_TINY = np.float32(1e-6)

Floats = NDArray[np.float32]


def window(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The middle of [H, W, 3], at most 256 pixels a side, that begins on the 8×8 grid."""
    slices = []
    for length in pixels.shape[:2]:
        side = min(length, MAX_SIDE)
        start = (length - side) // 2 // 8 * 8
        slices.append(slice(start, start + side))
    return pixels[slices[0], slices[1]]


def measure_pixels(pixels: NDArray[np.uint8]) -> Floats:
    """The statistics of uint8 [B, H, W, 3] as float32 [B, len(NAMES)]; NaN below 16 pixels a side."""
    count, height, width = pixels.shape[:3]
    if min(height, width) < MIN_SIDE:
        return np.full((count, len(NAMES)), np.nan, np.float32)
    step = max(1, _PIXELS_AT_ONCE // (height * width))
    parts = [_measure(pixels[start : start + step]) for start in range(0, count, step)]
    return np.concatenate(parts) if parts else np.empty((0, len(NAMES)), np.float32)


def sum_channels(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sums and sums of squares of each channel of uint8 [B, H, W, 3]: int64 [B, 3] each, exact."""
    flat = pixels.reshape(len(pixels), -1, 3)
    sums = np.zeros((len(flat), 3), np.int64)
    squares = np.zeros((len(flat), 3), np.int64)
    step = max(1, (1 << 20) // max(1, len(flat)))  # float64 holds whole numbers up to 2^53: 10^11 pixels
    for start in range(0, flat.shape[1], step):
        block = flat[:, start : start + step].astype(np.float64)
        sums += block.sum(axis=1).astype(np.int64)
        products = block.transpose(0, 2, 1) @ block
        squares += np.diagonal(products, axis1=1, axis2=2).astype(np.int64)
    return sums, squares


def _measure(pixels: NDArray[np.uint8]) -> Floats:
    planes = np.ascontiguousarray(pixels.transpose(3, 0, 1, 2)).astype(np.float32)
    luma = 0.299 * planes[0] + 0.587 * planes[1] + 0.114 * planes[2]
    columns = [*_colour(planes), *_gradients(luma), *_residuals(luma, planes), *_spectrum(luma)]
    return np.stack(columns, axis=1).astype(np.float32)


def _mean(values: Floats) -> Floats:
    mean: Floats = values.reshape(len(values), -1).mean(axis=1)
    return mean


def _colour(planes: Floats) -> list[Floats]:
    flat = planes.reshape(3, planes.shape[1], -1)
    means = flat.mean(axis=2)
    centred = flat - means[..., np.newaxis]
    squared = centred * centred
    deviations = np.sqrt(squared.mean(axis=2))
    skews = (squared * centred).mean(axis=2) / (deviations**3 + _TINY)
    highest, lowest = flat.max(axis=0), flat.min(axis=0)
    saturation = (highest - lowest) / (highest + 1)
    correlations = [
        (centred[a] * centred[b]).mean(axis=1) / (deviations[a] * deviations[b] + _TINY)
        for a, b in ((0, 1), (1, 2))
    ]
    dark, bright = (highest <= 2).mean(axis=1), (lowest >= 253).mean(axis=1)
    spread = saturation.std(axis=1)
    return [*means, *deviations, *skews, saturation.mean(axis=1), spread, *correlations, dark, bright]


def _gradients(luma: Floats) -> list[Floats]:
    across = np.abs(np.diff(luma, axis=2))
    down = np.abs(np.diff(luma, axis=1))
    mean = (_mean(across) + _mean(down)) / 2
    deviation = np.sqrt(_mean(np.square(across - mean[:, None, None])))
    flat = _mean((across < 0.5).astype(np.float32))
    at_edges = across[:, :, 7::8].mean(axis=(1, 2)) + down[:, 7::8].mean(axis=(1, 2))
    beside = across[:, :, 3::8].mean(axis=(1, 2)) + down[:, 3::8].mean(axis=(1, 2))
    return [mean, deviation, flat, np.log((at_edges + 0.1) / (beside + 0.1))]


def _residuals(luma: Floats, planes: Floats) -> list[Floats]:
    """What a pixel is beyond the plane through its neighbours: second differences in both directions."""
    residual = _high_pass(luma)
    squared = residual * residual
    energy = _mean(squared)
    kurtosis = _mean(squared * squared) / (energy * energy + _TINY)
    neighbours = _mean(residual[:, :, 1:] * residual[:, :, :-1]) / (energy + _TINY)
    colour = _mean(np.abs(_high_pass(planes[0] - planes[2])))
    rows, columns = luma.shape[1] // 2 * 2, luma.shape[2] // 2 * 2
    even = luma[:, :rows, :columns]
    diagonal = (even[:, ::2, ::2] - even[:, ::2, 1::2] - even[:, 1::2, ::2] + even[:, 1::2, 1::2]) / 2
    # Donoho & Johnstone (1994): the median of the finest diagonal wavelet coefficients is mostly noise.
    noise = np.median(np.abs(diagonal).reshape(len(luma), -1), axis=1) / 0.6745
    return [np.log(energy + 0.01), np.log(kurtosis + 1), colour, neighbours, noise]


def _high_pass(plane: Floats) -> Floats:
    rows = plane[:, 2:] - 2 * plane[:, 1:-1] + plane[:, :-2]
    high: Floats = (rows[:, :, 2:] - 2 * rows[:, :, 1:-1] + rows[:, :, :-2]) / 4
    return high


_rings: dict[tuple[int, int], tuple[NDArray[np.float32], Floats]] = {}


def _spectrum(luma: Floats) -> list[Floats]:
    height, width = luma.shape[1:]
    if (height, width) not in _rings:
        if len(_rings) > 64:
            _rings.clear()
        _rings[height, width] = _draw_rings(height, width)
    rings, frequencies = _rings[height, width]
    taper = np.outer(np.hanning(height), np.hanning(width)).astype(np.float32)
    centred = (luma - _mean(luma)[:, None, None]) * taper
    transformed = np.fft.rfft2(centred, axes=(1, 2))
    power = (transformed.real**2 + transformed.imag**2).astype(np.float32).reshape(len(luma), -1)
    profile = np.log(power @ rings + 1.0)
    x = frequencies - frequencies.mean()
    slope = (profile * x).sum(axis=1) / (x * x).sum()
    high = profile[:, -2:].mean(axis=1) - profile[:, 1:4].mean(axis=1)
    grid = power.reshape(len(luma), height, -1)
    middle, last = height // 2, grid.shape[2] - 1
    corner = np.log(grid[:, middle - 1 : middle + 2, last - 1 :].mean(axis=(1, 2)) + 1.0) - profile[:, -1]
    along = grid[:, 0:2, last // 2 :].mean(axis=(1, 2))
    upward = grid[:, middle // 2 : middle, 0:2].mean(axis=(1, 2))
    return [slope, high, corner, np.log((along + 1.0) / (upward + 1.0))]


def _draw_rings(height: int, width: int) -> tuple[NDArray[np.float32], Floats]:
    """Eight rings, 0.04 to 0.5 cycles a pixel: weights [frequencies, 8] and log frequencies [8]."""
    down, across = np.fft.fftfreq(height), np.fft.rfftfreq(width)
    radius = np.hypot(down[:, None], across[None]).ravel()
    edges = np.geomspace(0.04, 0.5, 9)
    weights = np.zeros((radius.size, 8), np.float32)
    for ring in range(8):
        inside = (radius >= edges[ring]) & (radius < edges[ring + 1])
        weights[inside, ring] = 1 / max(1, int(inside.sum()))
    return weights, np.log(np.sqrt(edges[1:] * edges[:-1])).astype(np.float32)
