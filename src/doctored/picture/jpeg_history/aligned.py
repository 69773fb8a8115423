"""Saved twice on the same 8×8 grid: what the first quantisation left in the second one's histograms.

A coefficient that was a multiple of the first step s and is then rounded to the second step q falls into some
bins too often and into others never (Popescu & Farid 2004; Lin et al. 2009). What its histogram would be
without a first quantisation is taken from the same picture, cut on other grids (Fridrich & Lukáš 2003), and
for every s the probability of each bin follows from it by exact bookkeeping with the rounding noise of the
pixels in between (Bianchi & Piva 2012). The log-likelihood ratios of the frequencies add up under one first
table; the best table is the estimate, its mean log-likelihood ratio per block the score.
"""

import math
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from doctored.picture.jpeg_history.blocks import BLOCK, MODES, low_frequencies
from doctored.picture.jpeg_history.tables import MOZJPEG, nearest_quality, standard_table

MOST_BLOCKS = 8_192
"""Looked at in all: half of them on the picture's grid, half on the grids it is compared with."""
SAVED_TWICE_SCORE = 0.6
"""Nats a block: the smallest tenth that at most 1 % of pictures saved once reach, at each of the last
qualities 75 to 95, on half of the bases of benchmarks/jpeg_double.py (by a hash of their names)."""
LARGEST = 255
MOST_STEP = 64
CALIBRATION_SHIFTS = ((4, 4), (2, 6))
SHARE = 0.95  # of the blocks, so that a pasted or clipped one costs at most log 20 a frequency
NOISE = 1.0  # standard deviation of a coefficient between two savings: pixels rounded, colours clipped
FIRST_QUALITIES = range(20, 99)

Coefficients = NDArray[np.float32]


class Recompression(NamedTuple):
    """The best explanation by a first saving. `score`: mean log-likelihood ratio per block (in nats) against
    a single saving; `quality`: of the first, on the standard's scale; `steps`: its luma steps at `MODES`."""

    score: float
    quality: int
    steps: tuple[int, ...]
    blocks: int


class _Model(NamedTuple):
    """A mode's bins under every first step: log-likelihood ratios, float64 [MOST_STEP + 1, bins]."""

    ratios: NDArray[np.float64]
    bins: NDArray[np.intp]


def find_recompression(stored: NDArray[np.uint8], luma_table: Sequence[int]) -> Recompression:
    """The likeliest first saving of a JPEG's pixels [H, W, 3], as stored, given its own luma table."""
    found, _ = _fit(stored, luma_table, MOST_BLOCKS // 2)
    return found


def block_evidence(
    stored: NDArray[np.uint8], luma_table: Sequence[int]
) -> tuple[Recompression, NDArray[np.float32]]:
    """For the likeliest first saving, each block's log-likelihood ratio for it, float32 [rows, columns].

    A block with clipped colours is at least 0: clipping between the savings undoes what the first one left.
    """
    found, models = _fit(stored, luma_table, None)
    rows, columns = (side // BLOCK for side in stored.shape[:2])
    total = np.zeros(rows * columns, dtype=np.float64)
    for model, step in zip(models, found.steps, strict=True):
        total += model.ratios[step][model.bins]
    evidence = total.reshape(rows, columns).astype(np.float32)
    return found, np.where(_are_clipped(stored, rows, columns), np.maximum(evidence, 0), evidence)


def _are_clipped(stored: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.bool_]:
    """Which blocks have a colour at either end of its range, or one step from it: bool [rows, columns]."""
    ends = (stored[: BLOCK * rows, : BLOCK * columns] + np.uint8(2) < 4).any(axis=2)
    return np.asarray(ends.reshape(rows, BLOCK, columns, BLOCK).any(axis=(1, 3)))


def _fit(
    stored: NDArray[np.uint8], luma_table: Sequence[int], most: int | None
) -> tuple[Recompression, list[_Model]]:
    half = None if most is None else most // 2
    own = low_frequencies(stored, most=half).reshape(-1, len(MODES))
    quarter = None if half is None else half // len(CALIBRATION_SHIFTS)
    others = [low_frequencies(stored, shift, quarter).reshape(-1, len(MODES)) for shift in CALIBRATION_SHIFTS]
    calibration = np.concatenate(others)
    models = [
        _model(own[:, mode], calibration[:, mode], int(luma_table[BLOCK * v + u]))
        for mode, (v, u) in enumerate(MODES)
    ]
    likelihoods = np.stack(
        [model.ratios @ np.bincount(model.bins, minlength=model.ratios.shape[1]) for model in models]
    )
    qualities, candidates = _first_tables()
    totals = likelihoods[np.arange(len(MODES)), candidates].sum(axis=1)
    best = int(totals.argmax())
    steps = tuple(int(step) for step in candidates[best])
    return Recompression(float(totals[best]) / len(own), qualities[best], steps, len(own)), models


@cache
def _first_tables() -> tuple[list[int], NDArray[np.intp]]:
    """Candidates for the first luma table: their standard qualities, and their steps [tables, modes]."""
    from PIL.JpegPresets import presets

    tables = [standard_table(quality) for quality in FIRST_QUALITIES]
    tables += [standard_table(quality, MOZJPEG) for quality in FIRST_QUALITIES]
    photoshop: Any = presets
    tables += [tuple(preset["quantization"][0]) for preset in photoshop.values()]
    steps = [[min(table[BLOCK * v + u], MOST_STEP) for v, u in MODES] for table in tables]
    return [nearest_quality(table) for table in tables], np.array(steps, dtype=np.intp)


def _model(own: Coefficients, calibration: Coefficients, step: int) -> _Model:
    transitions = _transitions(step)
    bins = np.minimum(np.rint(np.abs(own) / step).astype(np.intp), transitions.bins)
    below = _cumulative(calibration, step)
    edges = np.minimum(2 * step * np.arange(transitions.bins) + step, len(below) - 1)
    single = np.diff(below[edges], prepend=0.0)
    mass = below[transitions.high] - below[transitions.low]
    double = np.bincount(
        transitions.targets,
        (mass * transitions.weights).ravel(),
        (MOST_STEP + 1) * (transitions.bins + 2),
    ).reshape(MOST_STEP + 1, -1)[:, : transitions.bins]
    ratios = np.zeros(
        (MOST_STEP + 1, transitions.bins + 1)
    )  # the last bin, of the rare largest, says nothing
    ratios[1:, :-1] = np.log(1 - SHARE + SHARE * (double[1:] + 1e-12) / (single + 1e-12))
    return _Model(ratios, bins)


def _cumulative(calibration: Coefficients, step: int) -> NDArray[np.float64]:
    """The share of absolute coefficients below k/2, for k from 0: smoothed over one step of the second table,
    which the calibration still shows, and with a tenth of the Laplace distribution of the same mean."""
    size = np.abs(calibration)
    length = 2 * (LARGEST + MOST_STEP) + 2
    counts = np.bincount(np.minimum(2 * size, length - 1).astype(np.intp), minlength=length)
    width = min(step, MOST_STEP)
    kernel = np.exp(-0.5 * (np.arange(-3 * width, 3 * width + 1) / width) ** 2)
    mirrored = np.concatenate([counts[3 * width - 1 :: -1], counts, np.zeros(3 * width)])
    smooth = np.convolve(mirrored, kernel / kernel.sum(), mode="valid")
    laplace = np.exp(-np.arange(length) / 2 / (float(size.mean()) + 0.5))
    density = 0.9 * smooth / smooth.sum() + 0.1 * laplace / laplace.sum()
    return np.concatenate([[0.0], np.cumsum(density)])


class _Transitions(NamedTuple):
    """Every multiple n·s within reach, for every first step s: the half-units its bin spans (`low`, `high`),
    and where it goes under the second step: flat (s, bin) `targets` with their `weights`, [3, pairs]."""

    bins: int
    low: NDArray[np.intp]
    high: NDArray[np.intp]
    targets: NDArray[np.intp]
    weights: NDArray[np.float64]


@lru_cache(maxsize=32)
def _transitions(second: int) -> _Transitions:
    bins = LARGEST // second + 1
    steps = np.arange(1, MOST_STEP + 1)
    first = np.repeat(steps, LARGEST // steps + 1)
    multiple = np.concatenate([np.arange(LARGEST // step + 1) for step in steps])
    value = first * multiple
    middle = np.floor(value / second + 0.5).astype(np.intp)
    up = _normal_tail((middle + 0.5) * second - value)
    down = _normal_tail(value - (middle - 0.5) * second)
    places = np.stack([middle, middle + 1, np.abs(middle - 1)])
    return _Transitions(
        bins,
        np.maximum(2 * value - first, 0),
        2 * value + first,
        (first * (bins + 2) + np.minimum(places, bins + 1)).ravel(),
        np.stack([1 - up - down, up, down]),
    )


def _normal_tail(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much of the rounding noise goes further than `distance`, at least 0; within 0.001."""
    deviations = np.linspace(0, 5, 101)
    tail = [0.5 * math.erfc(value / math.sqrt(2)) for value in deviations.tolist()]
    return np.interp(distance / NOISE, deviations, tail)
