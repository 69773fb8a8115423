"""From what a borrowed network returns to features on a grid, each cell over the pixels it was made from."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from doctored.errors import UsageError

PROBE = (4, 8)  # cells: the sides differ, so that a grid that is turned, or no grid, is seen


class Tokens(NamedTuple):
    """How tokens lie on a picture: row by row, one every `stride` pixels, after `before` others.

    The others are class and register tokens: they belong to no place, and evidence is of places.
    """

    before: int
    stride: int

    def to_grid(self, tokens: Tensor, height: int, width: int) -> Tensor:
        """float [N, t, d] of pictures of `height` × `width` pixels → float [N, d, h, w]."""
        cells = tokens[:, self.before :].transpose(1, 2)
        return cells.reshape(*cells.shape[:2], height // self.stride, width // self.stride)


def count_channels(features: Callable[[Tensor], Tensor], device: torch.device, cell: int = 16) -> int:
    """d of `features`: float [N, 3, H, W] → float [N, d, h, w]; UsageError where it makes no such grid.

    It is tried on a picture whose sides are multiples of `cell` pixels.
    """
    height, width = (cell * count for count in PROBE)
    try:
        with torch.no_grad():
            made = features(torch.zeros(1, 3, height, width, device=device))
    except (RuntimeError, ValueError, AssertionError) as error:
        raise UsageError(
            f"this network gives no map of {width}×{height} pixels ({str(error).splitlines()[0][:120]}); "
            "the evidence would not be exact: choose another ('doctored models' lists them)"
        ) from error
    if made.ndim != 4 or abs(made.shape[3] - 2 * made.shape[2]) > 1:
        raise UsageError(
            f"this network makes {list(made.shape)} of {width}×{height} pixels, which is no map of them; "
            "the evidence would not be exact: choose another ('doctored models' lists them)"
        )
    return int(made.shape[1])
