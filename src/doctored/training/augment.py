"""Augmentation of a whole batch at once, in tensors; every picture gets its own draw."""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as functional
from torch import Tensor

from doctored.training.recipe import Recipe


class Moves(NamedTuple):
    """How each of N pictures is moved. `shift`: int64 [2, N, 1], rows and columns; `mirrored`: bool [N, 1];
    `angle`: float [N], radians, 0 where a picture is not turned. `patch`: how many pixels a side are cut
    out (0: all); the shift then also says from where."""

    shift: Tensor
    mirrored: Tensor
    angle: Tensor
    patch: int = 0

    def take(self, part: slice) -> "Moves":
        return Moves(self.shift[:, part], self.mirrored[part], self.angle[part], self.patch)


def draw_moves(count: int, recipe: Recipe, generator: torch.Generator) -> Moves:
    """Moves for `count` pictures. Each setting has its own draws: turning one off does not change others'.

    Rotation interpolates and so blurs the very traces that a network should learn, which is why only
    `rotate_share` of the pictures are turned; flip and crop only move pixels.
    """
    crop, room = recipe.crop, recipe.size - recipe.side
    shift = torch.randint(-crop, room + crop + 1, (2, count, 1), generator=generator)
    mirrored = torch.rand(count, 1, generator=generator) < (0.5 if recipe.flip else 0.0)
    turned = torch.rand(count, generator=generator) < recipe.rotate_share
    angle = (torch.rand(count, generator=generator) * 2 - 1) * math.radians(recipe.rotate_degrees)
    return Moves(shift, mirrored, angle * turned, recipe.patch)


def move(pixels: Tensor, moves: Moves) -> Tensor:
    """uint8 [N, H, W, 3] → the same, or [N, patch, patch, 3]; borders are reflected."""
    moved = flip_and_crop(pixels, moves.shift, moves.mirrored, moves.patch)
    turned = moves.angle != 0
    if turned.any():
        moved[turned] = rotate(moved[turned], moves.angle[turned])
    return moved


def flip_and_crop(pixels: Tensor, shift: Tensor, mirrored: Tensor, patch: int = 0) -> Tensor:
    """One gather: each output row and column names the input row and column it is taken from."""
    count, height, width, _ = pixels.shape
    if count and int(shift.abs().max()) >= min(height, width):
        raise ValueError(f"a shift of {int(shift.abs().max())} needs pictures larger than {height}×{width}")
    rows = _reflect(torch.arange(patch or height) + shift[0], height)
    columns = _reflect(torch.arange(patch or width) + shift[1], width)
    columns = torch.where(mirrored, width - 1 - columns, columns)
    flat = (rows[:, :, None] * width + columns[:, None, :]).flatten(1)
    flat = flat + torch.arange(count)[:, None] * (height * width)
    return pixels.reshape(-1, 3)[flat.flatten()].view(count, patch or height, patch or width, 3)


def _reflect(index: Tensor, size: int) -> Tensor:
    """Reflection about the border pixels, as `reflect` padding does."""
    index = index.abs()
    return torch.where(index >= size, 2 * (size - 1) - index, index)


def rotate(pixels: Tensor, angle: Tensor) -> Tensor:
    """Turn each picture about its centre by its own angle; bilinear, border reflected. uint8 [N, H, W, 3]."""
    count, height, width, _ = pixels.shape
    cosine, sine, zero = angle.cos(), angle.sin(), torch.zeros(count)
    # affine_grid works in coordinates scaled by each side, so a rotation of a non-square needs the ratio
    ratio = height / width
    matrix = torch.stack((cosine, -sine * ratio, zero, sine / ratio, cosine, zero), 1).view(count, 2, 3)
    grid = functional.affine_grid(matrix, [count, 3, height, width], align_corners=False)
    turned = functional.grid_sample(
        pixels.permute(0, 3, 1, 2).float(), grid, padding_mode="reflection", align_corners=False
    )
    return rounded(turned).permute(0, 2, 3, 1)


def rounded(values: Tensor) -> Tensor:
    """The nearest grey levels, uint8; `values`, float, are rounded in place."""
    return values.round_().clamp_(0, 255).to(torch.uint8)
