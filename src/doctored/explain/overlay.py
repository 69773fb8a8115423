"""Evidence laid over the picture it came from.

The map [h, w] holds the terms of the sum that is the logit: positive ones speak for fake, negative ones
for real. For a pooled last layer this is Grad-CAM (Selvaraju et al. 2017) before its ReLU, up to a scale
and the head's constant (Zhou et al. 2016). A cell's value stands at the middle of the cell's box in the
picture; between the middles it is bilinear, beyond the outermost it stays the same. Both targets share
one scale, that of the strongest cell, so that their overlays compare. Orange and blue are told apart by
colour-blind eyes too (Okabe & Ito 2008).
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from doctored.errors import UsageError
from doctored.picture.preprocess import Preprocess
from doctored.records import Label

Box = tuple[int, int, int, int]
COLOURS = {Label.FAKE: (213, 94, 0), Label.REAL: (0, 114, 178)}
OPACITY = 0.8


def target_part(evidence: NDArray[np.float32], target: Label) -> NDArray[np.float32]:
    """What speaks for `target`, at least 0 everywhere: the positive part, or the negative part's size."""
    if target not in COLOURS:
        raise UsageError(f"an overlay is for the target fake or real, not {target}: choose one of the two")
    return np.maximum(evidence if target is Label.FAKE else -evidence, 0)


def evidence_box(preprocess: Preprocess, width: int, height: int) -> Box:
    """The part (x, y, width, height) of a picture that the map covers, its cells dividing it evenly."""
    if preprocess.kind == "center":
        ((x, y),) = preprocess.positions(width, height)
        return x, y, preprocess.size, preprocess.size
    return 0, 0, width, height


def lay_over(
    pixels: NDArray[np.uint8], evidence: NDArray[np.float32], target: Label, box: Box | None = None
) -> NDArray[np.uint8]:
    """The picture, uint8 [H, W, 3], tinted where the evidence [h, w] speaks for `target`; a new array.

    `box` is the part of `pixels` that the map covers, by default all.
    """
    height, width = pixels.shape[:2]
    left, top, box_width, box_height = box or (0, 0, width, height)
    strength = target_part(evidence, target)
    strongest = float(np.abs(evidence).max()) or 1.0
    cells = Image.fromarray(np.round(strength * (255 * OPACITY / strongest)).astype(np.uint8))
    tint = cells.resize((box_width, box_height), Image.Resampling.BILINEAR)
    picture = Image.fromarray(pixels)
    picture.paste(COLOURS[target], (left, top), tint)
    return np.array(picture)
