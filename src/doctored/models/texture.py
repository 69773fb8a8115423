"""Texture of the finest pixels: by it noise, flat colour, drawings and text lie apart from photos.

A small photo has edges of many strengths at many places; the others have one strength everywhere, or none, or
none and then very much. No paper's: how it was found, and what else was tried, is in docs/lab-notes.md.
"""

import torch
from torch import Tensor
from torch.nn import functional

SCALES = (1, 2, 4)
SIDE = 4  # of a place, in pixels of the picture
FLOOR = 0.3  # squared grey levels, that flat places have a logarithm
WIDTH = len(SCALES) * 3 * 4
LEAST_SIDE = 8


def texture(pixels: Tensor) -> Tensor:
    """float [N, 3, H, W] in grey levels, H and W of 8 or more → float [N, 36].

    At three scales, of brightness and of two differences of colour: the mean square difference between
    neighbours by places of 4×4 pixels, its logarithm, and of that the mean over places, the deviation, the
    least and the greatest.
    """
    red, green, blue = pixels.unbind(1)
    channels = torch.stack((pixels.mean(1), red - green, blue - green), 1)
    found = []
    for scale in SCALES:
        seen = functional.avg_pool2d(channels, scale) if scale > 1 else channels
        corner = seen[:, :, :-1, :-1]
        across, down = seen[:, :, :-1, 1:] - corner, seen[:, :, 1:, :-1] - corner
        energy = functional.avg_pool2d((across.square() + down.square()) / 2, SIDE // scale)
        places = (energy + FLOOR).log().flatten(2)
        found += [places.mean(2), places.std(2, correction=0), places.amin(2), places.amax(2)]
    return torch.cat(found, 1)
