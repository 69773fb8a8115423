"""What a JPEG's own blocks show: where it was not saved twice, and the error-level view.

Neither asks a detector. The map is that of every block, as in Bianchi & Piva 2012; the check `jpeg` only
samples. The error-level view (Krawetz 2007) is offered as an aid to the eye: it shows contrast and sharpness
at least as much as any edit, so nothing here draws a conclusion from it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from doctored.explain.overlay import COLOURS, Box, lay_over
from doctored.picture import Picture, distort
from doctored.picture.jpeg_history.aligned import SAVED_TWICE_SCORE, block_evidence
from doctored.picture.jpeg_history.blocks import as_stored, as_upright, upright_box
from doctored.picture.jpeg_history.coding import own_luma_table
from doctored.records import Label

ERROR_LEVEL_QUALITY = 90
ERROR_LEVEL_GAIN = 20
LARGEST_EVIDENCE = 6.0  # nats of one block; beyond that a block is clipped or pasted, not surer


@dataclass(frozen=True, slots=True, eq=False)
class JpegViews:
    """A JPEG's own views. `pixels` is uint8 [H, W, 3].

    `saved_once`: the probability, float32 [h, w], that a block was *not* saved twice, its cells dividing
    `box` (x, y, width, height) of the picture; both None where the picture as a whole was not saved twice.
    `reasons` are plain sentences.
    """

    pixels: NDArray[np.uint8]
    reasons: tuple[str, ...]
    saved_once: NDArray[np.float32] | None = None
    box: Box | None = None

    def error_level(self) -> NDArray[np.uint8]:
        """How each pixel changes when saved again at quality 90, twenty times enlarged: uint8 [H, W, 3]."""
        again = distort(self.pixels, [("jpeg", ERROR_LEVEL_QUALITY)], seed=0)
        change = np.abs(self.pixels.astype(np.int16) - again)
        return np.asarray(np.minimum(change * ERROR_LEVEL_GAIN, 255), dtype=np.uint8)

    def sheet(self) -> NDArray[np.uint8]:
        """Picture, map (where there is one) and error-level view side by side, uint8 [H, W, 3]."""
        from doctored.explain.sheet import MAX_SIDE, MIN_SIDE, Panel, arrange, fit, scale_box

        shown = fit(self.pixels, MIN_SIDE, MAX_SIDE)
        panels: list[Panel] = [(shown, "the picture", None)]
        if self.saved_once is not None and self.box is not None:
            height, width = self.pixels.shape[:2]
            box = scale_box(self.box, (shown.shape[1], shown.shape[0]), (width, height))
            # Half is where nothing is known, so only what lies above it is tinted.
            tinted = lay_over(shown, 2 * self.saved_once - 1, Label.FAKE, box)
            panels.append((tinted, "does not show the first saving", COLOURS[Label.FAKE]))
        level = fit(self.error_level(), MIN_SIDE, MAX_SIDE)
        panels.append((level, "error level: an aid, no evidence", None))
        return arrange("The JPEG's own views", panels, self.reasons)


def view_jpeg(picture: Picture) -> JpegViews | None:
    """A JPEG's own views; None for other formats, and for JPEGs that the check `jpeg` does not examine."""
    table = own_luma_table(picture)
    if table is None:
        return None
    error_level = (
        f"The error-level view saves the picture again at quality {ERROR_LEVEL_QUALITY} and enlarges the "
        f"change {ERROR_LEVEL_GAIN} times; it shows contrast and sharpness too, so it is no evidence."
    )
    found, evidence = block_evidence(as_stored(picture.pixels, picture.orientation), table)
    if found.score < SAVED_TWICE_SCORE:
        nothing = "The picture as a whole shows no earlier saving on its grid, so there is no map of blocks."
        return JpegViews(picture.pixels, (nothing, error_level))
    saved_once = _probability_of_one_saving(evidence)
    rows, columns = saved_once.shape
    share = float((saved_once > 0.9).mean())
    reasons = (
        f"The picture was saved at least twice as JPEG, the first time at about quality {found.quality}.",
        f"The map marks blocks that do not show the first saving ({share:.0%} of all with a probability "
        "above 0.9); flat and clipped blocks cannot show it, and are not marked.",
        error_level,
    )
    return JpegViews(
        picture.pixels,
        reasons,
        as_upright(saved_once, picture.orientation),
        upright_box((0, 0, 8 * columns, 8 * rows), picture.orientation, picture.stored_size),
    )


def _probability_of_one_saving(evidence: NDArray[np.float32]) -> NDArray[np.float32]:
    """From each block's log-likelihood ratio for two savings, [rows, columns]; one saving is as likely
    beforehand. A block shares the evidence of its neighbours, which mostly have its past: the mean of the
    nine, counted three times, since neighbours are not independent."""
    limited = np.clip(evidence, -LARGEST_EVIDENCE, LARGEST_EVIDENCE)
    padded = np.pad(limited, 1, mode="edge")
    rows, columns = evidence.shape
    around = sum(padded[y : y + rows, x : x + columns] for y in range(3) for x in range(3)) / 3
    return np.asarray(1 / (1 + np.exp(around)), dtype=np.float32)
