"""Blocks of a JPEG's luma and their low frequencies, from pixels that are decoded already.

A second decode for the luma alone costs two thirds of the first. The rounding of RGB adds noise of about
0.2 to the luma's own 0.3 (standard deviations, in coefficients), far below half of any step above 1.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

BLOCK = 8
BLOCKS_AT_ONCE = 4_096
REC_601 = (0.299, 0.587, 0.114)
MODES = tuple((v, u) for v in range(4) for u in range(4) if 0 < v + u < 4)
"""The frequencies (down, across) that are looked at: low ones survive in nearly every picture."""

DCT = np.array(
    [
        [
            np.sqrt((2 if k else 1) / BLOCK) * np.cos((2 * n + 1) * k * np.pi / (2 * BLOCK))
            for n in range(BLOCK)
        ]
        for k in range(BLOCK)
    ],
    dtype=np.float32,
)
"""Orthonormal DCT-II [frequency, sample], as in ITU-T T.81 A.3.3."""

_BASIS = np.stack(
    [np.einsum("y,x,c->yxc", DCT[v], DCT[u], REC_601).ravel() for v, u in MODES], axis=1
).astype(np.float32)


def as_stored(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """A view of upright pixels [H, W, 3] as the file stores them, so that its 8×8 grid starts at 0, 0."""
    down, across = _flips(orientation)
    flipped = pixels[::down, ::across]
    return flipped.swapaxes(0, 1) if orientation >= 5 else flipped


def as_upright(cells: NDArray[np.float32], orientation: int) -> NDArray[np.float32]:
    """A view of a map [h, w] of the stored picture, turned as the picture is to be seen."""
    down, across = _flips(orientation)
    return (cells.swapaxes(0, 1) if orientation >= 5 else cells)[::down, ::across]


def _flips(orientation: int) -> tuple[int, int]:
    """Whether an Exif orientation turns down and across of the upright picture around: -1, else 1."""
    return {2: (1, -1), 3: (-1, -1), 4: (-1, 1), 6: (1, -1), 7: (-1, -1), 8: (-1, 1)}.get(orientation, (1, 1))


def upright_box(
    box: tuple[int, int, int, int], orientation: int, stored_size: tuple[int, int]
) -> tuple[int, int, int, int]:
    """A box (x, y, width, height) in stored pixels, where it lies in the upright picture."""
    x, y, width, height = box
    if orientation in (2, 3, 7, 8):
        x = stored_size[0] - x - width
    if orientation in (3, 4, 6, 7):
        y = stored_size[1] - y - height
    return (y, x, height, width) if orientation >= 5 else (x, y, width, height)


def low_frequencies(
    stored: NDArray[np.uint8], shift: tuple[int, int] = (0, 0), most: int | None = None
) -> NDArray[np.float32]:
    """DCT coefficients of luma blocks, float32 [rows, columns, modes], of the grid that starts at `shift`.

    At most `most` blocks, every so many-th row and column over the whole picture; None takes all.
    """
    rows, columns = ((side - begin) // BLOCK for side, begin in zip(stored.shape[:2], shift, strict=True))
    step = 1 if most is None else _stride(rows, columns, most)
    every = BLOCK * step
    windows = sliding_window_view(stored, (BLOCK, BLOCK), axis=(0, 1))
    chosen = windows[shift[0] :: every, shift[1] :: every].transpose(0, 1, 3, 4, 2)
    found = np.empty((*chosen.shape[:2], len(MODES)), dtype=np.float32)
    at_once = max(1, BLOCKS_AT_ONCE // chosen.shape[1])
    for row in range(0, len(chosen), at_once):
        samples = chosen[row : row + at_once].astype(np.float32, order="C").reshape(-1, len(_BASIS))
        found[row : row + at_once] = (samples @ _BASIS).reshape(-1, *found.shape[1:])
    return found


def _stride(rows: int, columns: int, most: int) -> int:
    step = max(1, int(np.sqrt(rows * columns / most)))
    while -(-rows // step) * -(-columns // step) > most:
        step += 1
    return step
