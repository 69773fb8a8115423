"""Mixup (Zhang et al. 2018) and CutMix (Yun et al. 2019): two pictures in one, and their labels likewise.

CutMix suits networks whose logit is the mean of local evidence: the share of cells that should say `fake` is
the share of the area that is. Mixup adds pictures, which weakens the traces of both.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from doctored.training.recipe import Recipe

MIXUP_ALPHA = 0.2


class Mix(NamedTuple):
    """Each picture gets a partner, `order` int64 [N]: the box `top, bottom, left, right` of it (CutMix), or
    `share` of its values everywhere (mixup)."""

    order: Tensor
    share: float
    box: tuple[int, int, int, int] | None

    def pinned(self) -> "Mix":
        return self._replace(order=self.order.pin_memory())

    def apply(self, x: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """x float [N, 3, H, W], targets float [N] → both mixed."""
        order = self.order.to(x.device, non_blocking=True)
        mixed_targets = torch.lerp(targets, targets[order], self.share)
        if self.box is None:
            return torch.lerp(x, x[order], self.share), mixed_targets
        top, bottom, left, right = self.box
        mixed = x.clone()
        mixed[:, :, top:bottom, left:right] = x[order, :, top:bottom, left:right]
        return mixed, mixed_targets


def draw_mix(count: int, recipe: Recipe, generator: torch.Generator) -> Mix | None:
    """How to mix a batch, or None: `cutmix` and `mixup` of the recipe are shares of the batches."""
    kind, center_y, center_x, even = torch.rand(4, generator=generator).tolist()
    order = torch.randperm(count, generator=generator)
    size = recipe.side
    if kind < recipe.cutmix:
        side = math.sqrt(even) * size  # the share of the area is even between 0 and 1
        top, bottom = (round(center_y * size + sign * side / 2) for sign in (-1, 1))
        left, right = (round(center_x * size + sign * side / 2) for sign in (-1, 1))
        top, left, bottom, right = max(0, top), max(0, left), min(size, bottom), min(size, right)
        return Mix(order, (bottom - top) * (right - left) / size**2, (top, bottom, left, right))
    if kind < recipe.cutmix + recipe.mixup:
        # two gamma variates give the beta variate that mixup asks for
        gammas = torch._standard_gamma(torch.full((2,), MIXUP_ALPHA), generator=generator)
        return Mix(order, float(gammas.min() / gammas.sum().clamp_min(1e-6)), None)
    return None
