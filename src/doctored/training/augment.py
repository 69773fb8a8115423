"""Augmentation of a whole batch at once, in tensors; every picture gets its own draw."""

import math

import torch
import torch.nn.functional as functional
from torch import Tensor

from doctored.training.recipe import Recipe


def augment(pixels: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Flip, crop and rotate. uint8 [N, H, W, 3] → uint8 [N, H, W, 3].

    Flip and crop only move pixels. Rotation interpolates and so blurs the very traces that a network
    should learn, which is why only `rotate_share` of the pictures are rotated.
    """
    moved = flip_and_crop(pixels, flip=recipe.flip, crop=recipe.crop, generator=generator)
    if recipe.rotate_share and recipe.rotate_degrees:
        chosen = torch.rand(len(moved), generator=generator) < recipe.rotate_share
        if chosen.any():
            moved[chosen] = rotate(moved[chosen], recipe.rotate_degrees, generator)
    return moved


def flip_and_crop(pixels: Tensor, *, flip: bool, crop: int, generator: torch.Generator) -> Tensor:
    """One gather: each output row and column names the input row and column it is taken from.

    Shifts by up to `crop` pixels a side; what comes in at the border is the picture reflected.
    """
    count, height, width, _ = pixels.shape
    if crop >= min(height, width):
        raise ValueError(f"a crop of {crop} needs pictures larger than {height}×{width}")
    rows = torch.arange(height).expand(count, -1)
    columns = torch.arange(width).expand(count, -1)
    if crop:
        shift = torch.randint(-crop, crop + 1, (2, count, 1), generator=generator)
        rows = _reflect(rows + shift[0], height)
        columns = _reflect(columns + shift[1], width)
    if flip:
        mirrored = torch.rand(count, 1, generator=generator) < 0.5
        columns = torch.where(mirrored, width - 1 - columns, columns)
    flat = (rows[:, :, None] * width + columns[:, None, :]).flatten(1)
    flat = flat + torch.arange(count)[:, None] * (height * width)
    return pixels.reshape(-1, 3)[flat.flatten()].view(count, height, width, 3)


def _reflect(index: Tensor, size: int) -> Tensor:
    """Reflection about the border pixels, as `reflect` padding does."""
    index = index.abs()
    return torch.where(index >= size, 2 * (size - 1) - index, index)


def rotate(pixels: Tensor, degrees: float, generator: torch.Generator) -> Tensor:
    """Turn each picture about its centre by its own angle; bilinear, border reflected. uint8 [N, H, W, 3]."""
    count, height, width, _ = pixels.shape
    angle = (torch.rand(count, generator=generator) * 2 - 1) * math.radians(degrees)
    cosine, sine, zero = angle.cos(), angle.sin(), torch.zeros(count)
    # affine_grid works in coordinates scaled by each side, so a rotation of a non-square needs the ratio
    ratio = height / width
    matrix = torch.stack((cosine, -sine * ratio, zero, sine / ratio, cosine, zero), 1).view(count, 2, 3)
    grid = functional.affine_grid(matrix, [count, 3, height, width], align_corners=False)
    turned = functional.grid_sample(
        pixels.permute(0, 3, 1, 2).float(), grid, padding_mode="reflection", align_corners=False
    )
    return turned.round_().clamp_(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
