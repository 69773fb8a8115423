"""A 64-bit hash that stays nearly the same when a picture is compressed, resized or brightened.

The signs of the 64 lowest frequencies of the discrete cosine transform of a 32×32 luma, after Zauner,
"Implementation and benchmarking of perceptual image hash functions", 2010.
"""

import numpy as np
from numpy.typing import NDArray

SIDE = 32
MIN_DEVIATION = 6.0
THUMBNAIL_SIDE = 8

_SIDE_RANGE = np.arange(SIDE)
_COSINES = np.cos(np.pi * np.arange(9)[:, None] * (2 * _SIDE_RANGE + 1) / (2 * SIDE)).astype(np.float32)
# The 63 of the 8×8 block without its mean, and one more. Bits that are alike across pictures (neighbouring
# frequencies) are spread over the hash, so that its thirds are filled evenly.
_ROWS, _COLUMNS = (
    np.append(places, more) for places, more in zip(np.divmod(np.arange(1, 64), 8), (8, 0), strict=True)
)
_ORDER = np.argsort(np.arange(64) * 21 % 64, kind="stable")
_WEIGHTS = np.uint64(1) << np.arange(64, dtype=np.uint64)


def hash_pictures(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Hashes [B] of uint8 [B, 32, 32, 3], and which are too plain for theirs to mean anything."""
    luma = pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    low = _COSINES @ luma @ _COSINES.T
    bits = low[:, _ROWS, _COLUMNS][:, _ORDER] > 0
    hashes: NDArray[np.uint64] = (bits * _WEIGHTS).sum(axis=1, dtype=np.uint64)
    return hashes, luma.reshape(len(luma), -1).std(axis=1) < MIN_DEVIATION


def shrink(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Thumbnails [B, 8, 8, 3] of uint8 [B, 32, 32, 3]: means of 4×4 pixels, to tell what hashes cannot."""
    blocks = pixels.reshape(len(pixels), THUMBNAIL_SIDE, 4, THUMBNAIL_SIDE, 4, 3)
    means: NDArray[np.uint8] = ((blocks.sum(axis=(2, 4), dtype=np.uint16) + 8) // 16).astype(np.uint8)
    return means
