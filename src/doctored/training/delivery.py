"""What pictures go through on their way to a reader, as augmentation: random chains of `picture.distort`."""

import math

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from doctored.picture import distort

Chain = list[tuple[str, float]]


def deliver(pixels: NDArray[np.uint8], share: float, random: Generator) -> NDArray[np.uint8]:
    """uint8 [H, W, 3] → the same, by the probability `share` sent through a chain of its own."""
    if random.random() >= share:
        return pixels
    return distort(pixels, draw_chain(random), int(random.integers(1 << 31)))


def draw_chain(random: Generator) -> Chain:
    """One to four steps, in the order of a picture's life: scaled, blurred, noisy, then compressed.

    Scaling factors are even on a logarithmic scale, so that 2 is as likely as ½; the compression is last,
    and more often there than not: whoever publishes a picture saves it.
    """
    chain: Chain = []
    while not chain:
        if random.random() < 0.5:
            chain.append(("rescale", math.exp(random.uniform(math.log(0.6), math.log(2.5)))))
        if random.random() < 0.1:
            chain.append(("blur", random.uniform(0.2, 1.0)))
        if random.random() < 0.15:
            chain.append(("noise", random.uniform(1.0, 8.0)))
        if random.random() < 0.75:
            chain.append(("jpeg", int(random.integers(25, 96))))
    return chain
