"""Saved before on another 8×8 grid: cropped, pasted, or turned since then.

Of a picture that was a JPEG with its grid at (dy, dx), the DCT coefficients on that grid still lie near the
multiples of the first steps, on none of the other 63 (Bianchi & Piva 2012, non-aligned double compression).
How near is the mean cosine of their phase, over coefficients that are not near zero anyway, for every shift
and every standard table; a shift stands out by how far it lies above the median of the others, in standard
deviations of that mean for random phases.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from doctored.picture.jpeg_history.blocks import BLOCK, DCT, MODES, REC_601
from doctored.picture.jpeg_history.tables import standard_table

WINDOW = 71
"""Pixels a side: 64 positions a side, so 64 blocks on each of the 64 grids."""
SPACING = 80
MOST_WINDOWS = 3  # a side
LARGEST = 127
BINS = LARGEST + 1
QUALITIES = tuple(range(32, 97, 3))
SHIFTS = BLOCK * BLOCK


class ShiftedGrid(NamedTuple):
    """The likeliest earlier grid in a window, or in all windows together.

    `box`: x, y, width, height in stored pixels. `score`: in standard deviations. `shift`: where the earlier
    grid begins (down, across). `quality`: of the saving on it. `strongest_expected`, `strongest_score`: what
    the earlier grid of the strongest window would score here, were it here, and what it does score.
    """

    box: tuple[int, int, int, int]
    score: float
    shift: tuple[int, int]
    quality: int
    strongest_expected: float
    strongest_score: float


def find_shifted_grids(
    stored: NDArray[np.uint8], luma_table: Sequence[int]
) -> tuple[ShiftedGrid, list[ShiftedGrid]]:
    """What all windows of a picture's pixels [H, W, 3], as stored, show together, and what each shows alone.

    At most nine windows, evenly spread, no two overlapping; both sides of the picture are at least `SPACING`.
    `luma_table` is the file's own: what was saved with finer steps before, it wiped out.
    """
    boxes = _windows(*stored.shape[:2])
    histograms = np.stack([_histograms(stored[y : y + WINDOW, x : x + WINDOW]) for x, y, _, _ in boxes])
    sums = histograms.reshape(len(boxes) * SHIFTS, -1) @ _phases()
    cosines, counts = np.split(sums.reshape(len(boxes), SHIFTS, -1), 2, axis=2)
    cosines = np.concatenate([cosines.sum(axis=0, keepdims=True), cosines])
    counts = np.concatenate([counts.sum(axis=0, keepdims=True), counts])
    excess = _stand_out(cosines / np.maximum(counts, 1))
    own = sum(luma_table[BLOCK * v + u] for v, u in MODES)
    excess[:, :, _steps().sum(axis=0) <= own] = -1
    deviations = np.sqrt(2 * counts)
    scores = excess * deviations
    strongest = np.unravel_index(int(scores[1:].argmax()), scores[1:].shape)
    grid = (slice(None), *strongest[1:])
    expected = excess[1:][strongest] * deviations[grid]
    height, width = stored.shape[:2]
    found = []
    for number, box in enumerate([(0, 0, width, height), *boxes]):
        shift, quality = (int(place) for place in np.unravel_index(scores[number].argmax(), scores.shape[1:]))
        found.append(
            ShiftedGrid(
                box,
                float(scores[number, shift, quality]),
                (shift // BLOCK, shift % BLOCK),
                QUALITIES[quality],
                float(expected[number]),
                float(scores[grid][number]),
            )
        )
    return found[0], found[1:]


def _stand_out(means: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far each shift's mean cosine, [windows, shifts, qualities], lies above the median of the others.

    The picture's own grid is left out, and so is a shift by one pixel that shows less than that grid: where
    the picture is smooth, what was saved twice on its own grid shows there too.
    """
    middle = SHIFTS // 2 - 1  # of 63; np.median would import half of numpy for it
    excess = means - np.partition(means[:, 1:], middle, axis=1)[:, middle : middle + 1]
    excess[:, 0] = -1
    beside = [BLOCK * down + across for down in (0, 1, 7) for across in (0, 1, 7)][1:]
    excess[:, beside] = np.where(means[:, beside] > means[:, :1], excess[:, beside], -1)
    return excess


def _windows(height: int, width: int) -> list[tuple[int, int, int, int]]:
    tops, lefts = (_places(height), _places(width))
    return [(left, top, WINDOW, WINDOW) for top in tops for left in lefts]


def _places(side: int) -> list[int]:
    count = max(1, min(MOST_WINDOWS, side // SPACING))
    middles = [side * (2 * number + 1) // (2 * count) for number in range(count)]
    return [(middle - WINDOW // 2) // BLOCK * BLOCK for middle in middles]


def _histograms(window: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How often each absolute coefficient occurs, by shift: float32 [shifts, modes · BINS]."""
    luma = window.astype(np.float32) @ np.array(REC_601, dtype=np.float32)
    count = WINDOW - BLOCK + 1
    across = DCT[:4] @ np.stack([luma[:, n : n + count] for n in range(BLOCK)]).reshape(BLOCK, -1)
    across = across.reshape(4, WINDOW, count)
    down = DCT[:4] @ np.stack([across[:, n : n + count] for n in range(BLOCK)]).reshape(BLOCK, -1)
    down = down.reshape(4, 4, -1)
    sizes = np.stack([down[v, u] for v, u in MODES])
    sizes = np.minimum(np.abs(sizes) + 0.5, LARGEST).astype(np.intp)
    counts = np.bincount((sizes + _first_bins()).ravel(), minlength=SHIFTS * len(MODES) * BINS)
    return counts.reshape(SHIFTS, -1).astype(np.float32)


@cache
def _first_bins() -> NDArray[np.intp]:
    """Where the histogram of a mode, [modes, positions], begins at each position of a window."""
    across = np.arange(WINDOW - BLOCK + 1) % BLOCK
    shift = (BLOCK * across[:, None] + across).ravel()
    return BINS * (len(MODES) * shift + np.arange(len(MODES))[:, None])


@cache
def _phases() -> NDArray[np.float32]:
    """Cosine of a coefficient's phase under each quality's step, and whether it counts: columns of qualities,
    twice, by mode and absolute coefficient. What rounds to zero says nothing, nor does what is cut off."""
    size = np.arange(BINS)
    steps = _steps()
    counts = (size[:, None] > steps[:, None, :] / 2) & (size[:, None] < LARGEST)
    cosines = np.cos(2 * np.pi * size[:, None] / steps[:, None, :]) * counts
    return np.concatenate([cosines, counts], axis=2).reshape(-1, 2 * len(QUALITIES)).astype(np.float32)


@cache
def _steps() -> NDArray[np.intp]:
    """The standard's luma steps, [modes, qualities]."""
    tables = [standard_table(quality) for quality in QUALITIES]
    return np.array([[table[BLOCK * v + u] for table in tables] for v, u in MODES], dtype=np.intp)
