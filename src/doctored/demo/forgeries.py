"""Splices and copy-moves made on the spot, so that there is something to look for. Deterministic."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

Pixels = NDArray[np.uint8]
Box = tuple[int, int, int, int]
MARK = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Forgery:
    """An ellipse of the photo `donor` laid into the photo `base` with a soft edge.

    `taken` and `put` are the ellipse's boxes (x, y, width, height) in donor and base; where their sizes
    differ the patch is scaled. Where donor and base are one photo it is a copy-move.
    """

    name: str
    base: str
    donor: str
    taken: Box
    put: Box
    what: str

    @property
    def is_copy_move(self) -> bool:
        return self.base == self.donor


FORGERIES = (
    Forgery(
        "flower-in-a-cup",
        base="coffee",
        donor="dahlia",
        taken=(160, 75, 290, 290),
        put=(201, 66, 186, 138),
        what="We put the dahlia into the cup.",
    ),
    Forgery(
        "cat-in-a-helmet",
        base="astronaut",
        donor="cat",
        taken=(110, 20, 310, 275),
        put=(300, 366, 170, 146),
        what="We put the cat's face behind the visor.",
    ),
    Forgery(
        "cat-with-a-flower",
        base="cat",
        donor="dahlia",
        taken=(160, 75, 290, 290),
        put=(318, 172, 122, 122),
        what="We pinned the dahlia to the cat's cheek.",
    ),
    Forgery(
        "two-rockets",
        base="rocket",
        donor="rocket",
        taken=(296, 97, 54, 330),
        put=(371, 97, 54, 330),
        what="We copied the rocket and put it down a second time beside itself.",
    ),
    Forgery(
        "two-dahlias",
        base="dahlia",
        donor="dahlia",
        taken=(155, 70, 300, 300),
        put=(430, 20, 190, 190),
        what="We copied the bloom, made it smaller, and put it into the corner.",
    ),
    Forgery(
        "more-medals",
        base="admiral",
        donor="admiral",
        taken=(318, 488, 140, 50),
        put=(318, 440, 140, 50),
        what="We copied the ribbons and put them above themselves.",
    ),
)


def soft_ellipse(width: int, height: int) -> Image.Image:
    """A mask, 8 bits: 255 well inside the ellipse, 0 at its border and outside, soft between."""
    feather = max(1.0, min(width, height) / 50)
    inset = round(2 * feather)
    core = _ellipse((width, height), (inset, inset, width - 2 * inset, height - 2 * inset))
    soft = core.filter(ImageFilter.GaussianBlur(feather))
    # the blur has tails, and at the tips of a slim ellipse they would reach beyond it
    return ImageChops.darker(soft, _ellipse((width, height), (0, 0, width, height)))


def forge(forgery: Forgery, photos: Mapping[str, Pixels]) -> Pixels:
    """The forged picture; `photos` holds uint8 pixels [H, W, 3] by name. Only the ellipse changes."""
    x, y, width, height = forgery.taken
    patch = Image.fromarray(photos[forgery.donor]).crop((x, y, x + width, y + height))
    left, top, *size = forgery.put
    patch = patch.resize((size[0], size[1]), Image.Resampling.LANCZOS)
    picture = Image.fromarray(photos[forgery.base])
    picture.paste(patch, (left, top), soft_ellipse(size[0], size[1]))
    return np.array(picture)


def mark(forgery: Forgery, pixels: Pixels) -> Pixels:
    """What we did: all but the ellipses is dimmed; the one put in has a solid rim, its source a thin one."""
    picture = Image.fromarray(pixels)
    dimmed = Image.blend(picture, Image.new("RGB", picture.size, (0, 0, 0)), 0.55)
    shown = _ellipse(picture.size, forgery.put)
    if forgery.is_copy_move:
        shown = ImageChops.lighter(shown, _ellipse(picture.size, forgery.taken))
    dimmed.paste(picture, (0, 0), shown)
    draw = ImageDraw.Draw(dimmed)
    if forgery.is_copy_move:
        draw.ellipse(_corners(forgery.taken), outline=MARK, width=1)
    draw.ellipse(_corners(forgery.put), outline=MARK, width=3)
    return np.array(dimmed)


def _ellipse(size: tuple[int, int], box: Box) -> Image.Image:
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).ellipse(_corners(box), fill=255)
    return mask


def _corners(box: Box) -> Box:
    x, y, width, height = box
    return x, y, x + width - 1, y + height - 1
