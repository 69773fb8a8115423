"""Whether an embedded thumbnail shows the picture it lies in."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from doctored.errors import PictureError
from doctored.picture import Limits, decode

if TYPE_CHECKING:
    from doctored.picture import Picture

LIMITS = Limits(max_bytes=2**20, max_pixels=2**21, max_side=4096, max_metadata_bytes=2**16)
SIDE = 48
# Cells of a picture are averages of some 16 samples each: enough against aliasing, and quick at any size.
SAMPLES = 4 * SIDE
# Below this deviation, of 255, there is too little to compare.
MIN_DEVIATION = 6.0
BAR_LEVEL = 24
SCALES = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6)
ALIKE = 0.9

# What of real pictures' thumbnails fell below, and what of other pictures' did: see docs/checks.md.
UNLIKE = 0.7

Grey = NDArray[np.float32]


def measure_likeness(picture: "Picture", thumbnail: bytes) -> float | None:
    """How alike a thumbnail and the picture are: the best correlation of their luma, -1 to 1.

    Tried are all eight orientations, with and without black edges (the bars that fill a thumbnail of another
    shape), and each as a part of the other, down to 0.6 of its side (a crop). Correlation does not see a
    change of brightness or contrast. None where either cannot be compared: no picture, or one of hardly any
    contrast.
    """
    try:
        small = decode(thumbnail, LIMITS).pixels
    except PictureError:
        return None
    inner, outer = _grey(small), _grey(picture.pixels)
    if min(inner.shape) < 16 or inner.std() < MIN_DEVIATION or outer.std() < MIN_DEVIATION:
        return None
    views = [inner]
    if (trimmed := _without_bars(inner)).size < inner.size and min(trimmed.shape) >= 16:
        views.append(trimmed)
    square = _fit(outer, SIDE, SIDE)
    best = max(_correlation(square, _fit(turn, SIDE, SIDE)) for view in views for turn in _turns(view))
    for view in views:
        for field, other in ((outer, view), (view, outer)):
            if best < ALIKE:
                best = max(best, _search(field, other))
    return best


def _turns(view: Grey) -> list[Grey]:
    """The eight orientations: four that keep the shape, then four that turn it on its side."""
    kept = [view, view[::-1], view[:, ::-1], view[::-1, ::-1]]
    return kept + [turn.T for turn in kept]


def _grey(pixels: NDArray[np.uint8]) -> Grey:
    """Rec. 601 luma of every so many pixels, float32 [h, w]."""
    step = max(1, min(pixels.shape[:2]) // SAMPLES)
    sampled = pixels[step // 2 :: step, step // 2 :: step].astype(np.float32)
    return sampled @ np.array([0.299, 0.587, 0.114], np.float32)


def _without_bars(grey: Grey) -> Grey:
    """Without the black rows or columns at its edges."""
    rows = np.flatnonzero(grey.mean(axis=1) > BAR_LEVEL)
    columns = np.flatnonzero(grey.mean(axis=0) > BAR_LEVEL)
    if not rows.size or not columns.size:
        return grey
    return grey[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _fit(grey: Grey, height: int, width: int) -> Grey:
    """Averages over a grid of that size, float32 [height, width]."""
    rows = np.linspace(0, grey.shape[0], height + 1).astype(int)
    columns = np.linspace(0, grey.shape[1], width + 1).astype(int)
    sums = np.zeros((grey.shape[0] + 1, grey.shape[1] + 1))
    sums[1:, 1:] = grey.cumsum(axis=0, dtype=np.float64).cumsum(axis=1)
    tops, bottoms = rows[:-1], np.maximum(rows[1:], rows[:-1] + 1)
    lefts, rights = columns[:-1], np.maximum(columns[1:], columns[:-1] + 1)
    total = sums[bottoms][:, rights] - sums[tops][:, rights] - sums[bottoms][:, lefts] + sums[tops][:, lefts]
    fitted: Grey = (total / np.outer(bottoms - tops, rights - lefts)).astype(np.float32)
    return fitted


def _correlation(one: Grey, other: Grey) -> float:
    first, second = one - one.mean(), other - other.mean()
    norm = float(np.sqrt((first * first).sum() * (second * second).sum()))
    return float((first * second).sum()) / norm if norm > 0 else 0.0


def _search(outer: Grey, inner: Grey) -> float:
    """The best correlation of `inner`, turned in any way, with any part of `outer` of its shape, down to 0.6
    of outer's side."""
    scale = SIDE / max(outer.shape)
    field = _fit(outer, max(8, round(outer.shape[0] * scale)), max(8, round(outer.shape[1] * scale)))
    turns = _turns(inner)
    best = -1.0
    for turned in (turns[:4], turns[4:]):
        aspect = turned[0].shape[0] / turned[0].shape[1]
        largest = min(field.shape[1], field.shape[0] / aspect)
        for share in SCALES:
            width = int(largest * share)
            height = min(field.shape[0], round(width * aspect))
            if min(width, height) < 12:
                break
            best = max(best, _match(field, [_fit(turn, height, width) for turn in turned]))
    return best


def _match(field: Grey, templates: list[Grey]) -> float:
    """The best correlation of any of the templates, all of one shape, with any window of the field."""
    size = templates[0].size
    windows = np.lib.stride_tricks.sliding_window_view(field, templates[0].shape).reshape(-1, size)
    windows = windows - windows.mean(axis=1, keepdims=True)
    # What is nearly flat is like nothing, whatever the noise in it says.
    norms = np.sqrt(np.maximum(np.einsum("ij,ij->i", windows, windows), MIN_DEVIATION**2 * size))
    stacked = np.stack([template.ravel() - template.mean() for template in templates], axis=1)
    stacked /= np.maximum(np.sqrt((stacked * stacked).sum(axis=0)), MIN_DEVIATION)
    return float(((windows @ stacked) / norms[:, None]).max())
