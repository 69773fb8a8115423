"""Texture of the finest pixels: by it noise, flat colour, drawings and text lie apart from photos.

A small photo has edges of many strengths at many places; the others have one strength everywhere, or none, or
none and then very much. No paper's: how it was found, and what else was tried, is in docs/lab-notes.md.
"""

import torch
from torch import Tensor
from torch.nn import functional

SCALES = (1, 2, 4, 8)
SIDE = 4  # of a place, in pixels of the picture
FLOOR = 1.0  # grey level, that flat places have a logarithm
WIDTH = 3 * (3 * 7 + 5)
LEAST_SIDE = 3 * SCALES[-1]


def texture(pixels: Tensor) -> Tensor:
    """float [N, 3, H, W] in grey levels → float [N, 78]; sides below 24 are continued by their last pixels.

    At four scales, of brightness and of two differences of colour: differences between neighbours, by places
    of 4×4 pixels (at the last scale one by one). Of the logarithm of their mean square the mean over places,
    the deviation, the least and the greatest; of how much that exceeds the square of their mean magnitude
    (few large steps, or many small ones) the mean and the deviation, but for the last scale; and how second
    differences compare to first ones, over the whole picture.
    """
    missing = [max(0, LEAST_SIDE - side) for side in pixels.shape[2:]]
    if any(missing):
        pixels = functional.pad(pixels, (0, missing[1], 0, missing[0]), mode="replicate")
    red, green, blue = pixels.unbind(1)
    channels = torch.stack((pixels.mean(1), red - green, blue - green), 1)
    found = []
    for scale in SCALES:
        seen = functional.avg_pool2d(channels, scale) if scale > 1 else channels
        corner = seen[:, :, :-1, :-1]
        across, down = seen[:, :, :-1, 1:] - corner, seen[:, :, 1:, :-1] - corner
        square, magnitude = (across.square() + down.square()) / 2, (across.abs() + down.abs()) / 2
        side = max(1, SIDE // scale)
        places = logarithm(functional.avg_pool2d(square, side)).flatten(2)
        found += [places.mean(2), places.std(2, correction=0), places.amin(2), places.amax(2)]
        if scale <= SIDE:
            sparse = places - 2 * logarithm(functional.avg_pool2d(magnitude, side)).flatten(2)
            found += [sparse.mean(2), sparse.std(2, correction=0)]
        found.append(logarithm(bend(seen)) - logarithm(magnitude.mean((2, 3))))
    return torch.cat(found, 1)


def bend(seen: Tensor) -> Tensor:
    """Mean magnitude of the second differences down and across, float [N, C, H, W] → [N, C], both added."""
    down = seen[:, :, 2:] - 2 * seen[:, :, 1:-1] + seen[:, :, :-2]
    across = seen[:, :, :, 2:] - 2 * seen[:, :, :, 1:-1] + seen[:, :, :, :-2]
    return down.abs().mean((2, 3)) + across.abs().mean((2, 3))


def logarithm(differences: Tensor) -> Tensor:
    return (differences + FLOOR).log()
