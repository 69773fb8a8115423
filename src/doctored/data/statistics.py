"""Exact statistics of a pack's pixels, in one pass."""

import numpy as np
from numpy.typing import NDArray

_VALUES_AT_ONCE = 1 << 24


def channel_statistics(
    pixels: NDArray[np.uint8], indices: NDArray[np.int64] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and (population) standard deviation of each channel, float64 [3], in units of 0 to 1.

    `pixels` is uint8 [N, H, W, 3], read in blocks; `indices` picks rows, all by default. Values are
    counted, so the sums are exact. Raises ValueError where there is nothing to count.
    """
    chosen = np.arange(len(pixels)) if indices is None else np.sort(indices)
    counts = np.zeros((3, 256), np.int64)
    step = max(1, _VALUES_AT_ONCE // max(1, int(np.prod(pixels.shape[1:]))))
    for start in range(0, len(chosen), step):
        block = pixels[chosen[start : start + step]].reshape(-1, 3)
        for channel in range(3):
            counts[channel] += np.bincount(block[:, channel], minlength=256)
    total = int(counts[0].sum())
    if not total:
        raise ValueError("there are no pixels to take statistics of")
    values = np.arange(256, dtype=np.int64)
    mean = counts @ values / total
    # Exact integers up to here: n Σx² − (Σx)² stays below 2^63 only in Python's own arithmetic.
    spread = [total * int((row * values**2).sum()) - int((row * values).sum()) ** 2 for row in counts]
    deviation = np.sqrt(np.array([value / total**2 for value in spread]))
    return mean / 255.0, deviation / 255.0
