"""What pictures go through on their way to a reader, as augmentation of a whole batch at once, in tensors.

The same four steps are in `picture.distort`, picture by picture (`Deliveries.chain` says what to ask it for).
Here enlarging and shrinking are one product of matrices, so that nothing is rounded or clipped in between.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from doctored.training.augment import rounded
from doctored.training.batch_jpeg import jpeg

SCALES = (0.6, 2.5)
BLURS = (0.2, 1.0)  # sigma in pixels
NOISES = (1.0, 8.0)  # sigma in grey levels
QUALITIES = (25, 95)
SHARES = (0.5, 0.1, 0.15, 0.75)  # of scaling, blur, noise and JPEG among the pictures that are delivered


class Deliveries(NamedTuple):
    """How each of N pictures is delivered: `steps`, bool [N, 4], which of being scaled (and back), blurred,
    made noisy and compressed happen to it, in this order, the one of a picture's life; and how strongly, if
    they do. `scale`, `blur`, `noise`: float [N]; `quality`, `seed` of the noise: int64 [N]."""

    steps: Tensor
    scale: Tensor
    blur: Tensor
    noise: Tensor
    quality: Tensor
    seed: Tensor

    def take(self, part: slice) -> "Deliveries":
        return Deliveries(*(drawn[part] for drawn in self))

    def chain(self, place: int) -> list[tuple[str, float]]:
        """The steps of one picture as `picture.distort` takes them; empty where it is not delivered."""
        drawn = {"rescale": self.scale, "blur": self.blur, "noise": self.noise, "jpeg": self.quality}
        named = zip(self.steps[place], drawn.items(), strict=True)
        return [(name, float(strength[place])) for happens, (name, strength) in named if happens]


def draw_deliveries(count: int, share: float, generator: torch.Generator) -> Deliveries:
    """Chains of one to four steps for about `share` of `count` pictures, none for the others.

    Scaling factors are even on a logarithmic scale, so that 2 is as likely as ½; the compression is more
    often there than not: whoever publishes a picture saves it.
    """

    def draw(lowest: float, highest: float) -> Tensor:
        return lowest + (highest - lowest) * torch.rand(count, generator=generator)

    shares, steps = torch.tensor(SHARES), torch.zeros(count, len(SHARES), dtype=torch.bool)
    while not (has_step := steps.any(1)).all():
        steps[~has_step] = (torch.rand(count, len(SHARES), generator=generator) < shares)[~has_step]
    return Deliveries(
        steps & (torch.rand(count, 1, generator=generator) < share),
        draw(math.log(SCALES[0]), math.log(SCALES[1])).exp(),
        draw(*BLURS),
        draw(*NOISES),
        torch.randint(QUALITIES[0], QUALITIES[1] + 1, (count,), generator=generator),
        torch.randint(1 << 31, (count,), generator=generator),
    )


def deliver(pixels: Tensor, deliveries: Deliveries) -> Tensor:
    """uint8 [N, H, W, 3] → the same, delivered; `pixels` is left alone."""
    height, width = pixels.shape[1:3]
    delivered = pixels.clone()
    scaled, blurred, noisy, compressed = deliveries.steps.T
    if scaled.any():
        factors = deliveries.scale[scaled].tolist()
        sides = (
            [there_and_back(side, round(side * factor)) for factor in factors] for side in (height, width)
        )
        delivered[scaled] = spread(delivered[scaled], *map(torch.stack, sides))
    if blurred.any():
        sigma = deliveries.blur[blurred]
        delivered[blurred] = spread(delivered[blurred], gaussian(height, sigma), gaussian(width, sigma))
    for place in noisy.nonzero().flatten().tolist():
        random = torch.Generator().manual_seed(int(deliveries.seed[place]))
        noise = torch.randn(pixels.shape[1:], generator=random) * deliveries.noise[place]
        delivered[place] = rounded(delivered[place] + noise)
    if compressed.any():
        delivered[compressed] = jpeg(delivered[compressed], deliveries.quality[compressed])
    return delivered


def spread(pixels: Tensor, down: Tensor, across: Tensor) -> Tensor:
    """uint8 [N, H, W, 3] → the same: how much of which row makes a row, `down` float [N, H, H], and of which
    column a column, `across` float [N, W, W]."""
    planes = pixels.permute(0, 3, 1, 2).float()
    return rounded(down[:, None] @ planes @ across.mT[:, None]).permute(0, 2, 3, 1)


@lru_cache(maxsize=64)
def there_and_back(side: int, other: int) -> Tensor:
    """float [side, side]: what Pillow's bicubic makes of one side's pixels on the way to `other` pixels and
    back, by what it makes of each alone."""
    every = Image.fromarray(np.eye(side, dtype=np.float32))
    there = every.resize((side, max(1, other)), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(there.resize((side, side), Image.Resampling.BICUBIC)))


def gaussian(side: int, sigma: Tensor) -> Tensor:
    """float [N, side, side]: a Gaussian of each sigma, float [N], in pixels; the border's pixels go on."""
    reach = math.ceil(4 * BLURS[1])
    offsets = torch.arange(-reach, reach + 1)
    weights = torch.softmax(-(offsets**2) / (2 * sigma[:, None] ** 2), 1)
    places = (torch.arange(side)[:, None] + offsets).clamp(0, side - 1).expand(len(sigma), -1, -1)
    return torch.zeros(len(sigma), side, side).scatter_add_(2, places, weights[:, None].expand(places.shape))
