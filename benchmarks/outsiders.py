"""Small pictures that are no photos, of the kinds that `domain.reject` asks about; made, seeded.

Half of each kind are as they are made, half saved as JPEG 75 with 4:2:0, as CIFAKE's pictures are.
"""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from doctored.picture import distort

SIDE = 32
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789&?!%"

Pixels = NDArray[np.uint8]


def colour(random: Generator) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in random.integers(0, 256, 3))
    return red, green, blue


def noise(random: Generator) -> Pixels:
    """Uniform or normal, grey or coloured, of single pixels or blocks."""
    block = int(random.choice([1, 1, 2, 4]))
    shape = (SIDE // block, SIDE // block, int(random.choice([1, 3])))
    if random.random() < 0.5:
        values = random.uniform(0, 255, shape)
    else:
        values = random.normal(random.uniform(60, 200), random.uniform(15, 80), shape)
    large = np.repeat(np.repeat(values, block, 0), block, 1)
    return np.clip(np.broadcast_to(large, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)


def flat(random: Generator) -> Pixels:
    return np.full((SIDE, SIDE, 3), colour(random), np.uint8)


def gradient(random: Generator) -> Pixels:
    """From one colour to another, along a line of any direction or out of a point."""
    down, across = np.mgrid[0:SIDE, 0:SIDE] / (SIDE - 1)
    if random.random() < 0.5:
        angle = random.uniform(0, 2 * np.pi)
        along = np.cos(angle) * across + np.sin(angle) * down
    else:
        along = np.hypot(across - random.random(), down - random.random())
    along = (along - along.min()) / np.ptp(along)
    start, end = np.array(colour(random)), np.array(colour(random))
    return np.asarray(np.rint(start + along[..., np.newaxis] * (end - start)), np.uint8)


def drawing(random: Generator) -> Pixels:
    """A few shapes, filled or in outline, on a plain ground."""
    image = Image.new("RGB", (SIDE, SIDE), colour(random) if random.random() < 0.5 else (255, 255, 255))
    canvas = ImageDraw.Draw(image)
    for _ in range(int(random.integers(2, 7))):
        left, top = (int(value) for value in random.integers(-4, SIDE - 4, 2))
        box = (left, top, left + int(random.integers(4, 24)), top + int(random.integers(4, 24)))
        fill = colour(random) if random.random() < 0.6 else None
        shape = str(random.choice(["rectangle", "ellipse", "line"]))
        if shape == "line":
            canvas.line(box, fill=colour(random), width=int(random.integers(1, 4)))
        else:
            getattr(canvas, shape)(box, fill=fill, outline=colour(random))
    return np.asarray(image)


def text(random: Generator) -> Pixels:
    """One to four lines of letters on a plain ground."""
    image = Image.new("RGB", (SIDE, SIDE), (255, 255, 255) if random.random() < 0.5 else colour(random))
    canvas = ImageDraw.Draw(image)
    size = int(random.integers(7, 20))
    ink = (0, 0, 0) if random.random() < 0.5 else colour(random)
    for line in range(int(random.integers(1, 5))):
        letters = "".join(random.choice(list(LETTERS), int(random.integers(2, 9))))
        canvas.text((int(random.integers(-2, 6)), line * size), letters, ink, ImageFont.load_default(size))
    return np.asarray(image)


KINDS: dict[str, Callable[[Generator], Pixels]] = {
    "noise": noise,
    "flat": flat,
    "gradient": gradient,
    "drawing": drawing,
    "text": text,
}


def make_outsiders(kind: str, count: int, seed: int = 0) -> Pixels:
    """uint8 [count, 32, 32, 3] of one of KINDS, every second one saved as JPEG 75."""
    random = np.random.default_rng([seed, list(KINDS).index(kind)])
    made = [KINDS[kind](random) for _ in range(count)]
    return np.stack([distort(view, [("jpeg", 75)] * (index % 2), 0) for index, view in enumerate(made)])
