"""The robustness grid: what happens to pictures on their way, one cell a kind and strength.

Every distortion is `picture.distort`'s. The picture is distorted before the detector's preprocess, as in the
world; a copy whose size the detector does not take is scaled back.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from doctored.picture import distort

Pixels = NDArray[np.uint8]
Chain = tuple[tuple[str, float], ...]


class Cell(NamedTuple):
    """One way to distort. `strength` is that of the one step, None for a chain of several."""

    name: str
    family: str
    text: str
    strength: float | None
    chain: Chain

    def to_json(self) -> dict[str, Any]:
        return {**self._asdict(), "chain": [list(step) for step in self.chain]}


def _cells(family: str, says: str, strengths: Sequence[float]) -> list[Cell]:
    return [
        Cell(f"{family}_{strength:g}", family, says.format(strength), strength, ((family, strength),))
        for strength in strengths
    ]


def _delivered(name: str, text: str, *chain: tuple[str, float]) -> Cell:
    return Cell(f"delivered_{name}", "delivered", text, None, chain)


GRID: tuple[Cell, ...] = (
    *_cells("jpeg", "JPEG quality {}", (95, 90, 80, 70, 60, 50, 40, 30, 20)),
    *_cells("webp", "WebP quality {}", (90, 75, 50, 30)),
    *_cells("rescale", "scaled by {} and back", (0.5, 0.75, 0.9, 1.25, 1.5, 2)),
    *_cells("blur", "blurred by {} pixels", (0.5, 1, 2)),
    *_cells("noise", "noise of {} grey levels", (2, 5, 10)),
    *_cells("crop", "cropped to {} of each side", (0.95, 0.9, 0.8)),
    *_cells("brightness", "brightness times {}", (0.7, 0.85, 1.15, 1.3)),
    _delivered("saved_small", "made smaller, saved at 80", ("rescale", 0.75), ("jpeg", 80)),
    _delivered("messenger", "halved, saved at 70", ("rescale", 0.5), ("jpeg", 70)),
    _delivered("reposted", "saved at 85, cropped, saved at 75", ("jpeg", 85), ("crop", 0.95), ("jpeg", 75)),
    _delivered(
        "screenshot",
        "enlarged, brightened, saved as WebP 80",
        ("rescale", 1.25),
        ("brightness", 1.05),
        ("webp", 80),
    ),
)


def copy_seed(seed: int, cell: str, member: str, box: Sequence[int] | None) -> int:
    """The seed of one copy: the same for a picture wherever its row stands, another in each cell."""
    told = json.dumps([seed, cell, member, list(box) if box is not None else None])
    return int.from_bytes(hashlib.sha256(told.encode()).digest()[:4], "big")


def make_copy(pixels: Pixels, chain: Chain, seed: int, takes: Callable[[int, int], bool]) -> Pixels:
    """A distorted copy of uint8 pixels [H, W, 3]; scaled back where the detector does not take its size."""
    copy = distort(pixels, chain, seed)
    if takes(copy.shape[1], copy.shape[0]):
        return copy
    factor = max(before / after for before, after in zip(pixels.shape[:2], copy.shape[:2], strict=True))
    return distort(copy, (("resize", factor),), seed)
