"""Would the answer be another on a mild copy? Pictures are saved again, resized and cropped on their way.

A copy stands for what a site or a messenger does to a picture, and nobody would call it another picture. An
answer that such a copy changes is not one to rely on; that all copies agree proves nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from doctored.detector.detector import Detector, Prediction
from doctored.picture.distort import distort
from doctored.records import Label

Pixels = NDArray[np.uint8]
OUTSIDE = "outside"
SEED = 0  # of the place that is cut out


class MildCopy(NamedTuple):
    """One way to copy. `changes`: the share of each side that is lost; 0 where that is not what changes."""

    name: str
    text: str
    chain: tuple[tuple[str, float], ...]
    changes: float = 0.0

    def is_seen(self, width: int, height: int) -> bool:
        """Whether it changes a picture of this size by a pixel at least, along both sides."""
        return not self.changes or self.changes * min(width, height) >= 1


CROP_KEEPS = 0.98
MILD_COPIES = (
    MildCopy("jpeg_90", "JPEG 90", (("jpeg", 90),)),
    MildCopy("jpeg_75", "JPEG 75", (("jpeg", 75),)),
    MildCopy("rescale_75", "resized to 0.75 and back", (("rescale", 0.75),), changes=0.25),
    MildCopy("crop_2", "cropped by 2 %", (("crop", CROP_KEEPS),), changes=1 - CROP_KEEPS),
)


class CopyAnswer(NamedTuple):
    """What a detector says of one copy; `answer` is a label, or `outside` its domain, without probability."""

    copy: MildCopy
    answer: str
    probability: float | None


@dataclass(frozen=True, slots=True)
class Stability:
    """A detector's answer beside those on mild copies; `skipped`: those that change less than a pixel."""

    said: Label
    answers: tuple[CopyAnswer, ...]
    skipped: tuple[MildCopy, ...]

    @property
    def flips(self) -> tuple[CopyAnswer, ...]:
        """The copies on which the answer is another."""
        return tuple(answer for answer in self.answers if answer.answer != self.said.value)

    def to_json(self) -> dict[str, Any]:
        return {
            "copies": [
                {"copy": copy.name, "answer": answer, "probability": probability}
                for copy, answer, probability in self.answers
            ],
            "skipped": [copy.name for copy in self.skipped],
        }


def judge_copies(
    detector: Detector, pictures: Sequence[Pixels], predictions: Sequence[Prediction], budget: float
) -> list[Stability | None]:
    """How each of the `predictions` for uint8 pictures [H, W, 3] stands mild copies.

    None for an answer that there is nothing to take from: outside the domain, or between the thresholds.
    Copies are made and judged one way at a time, of all pictures at once. Where the crop would have a size
    that the detector does not take, it is scaled back. Raises PictureError for a picture over the limits of
    `decode`, DetectorError where the detector fails.
    """
    answers: dict[int, list[CopyAnswer]] = {
        index: []
        for index, prediction in enumerate(predictions)
        if prediction.in_domain and prediction.label is not Label.UNSURE
    }
    for copy in MILD_COPIES:
        seen = [index for index in answers if copy.is_seen(*_size(pictures[index]))]
        copies = [_make(copy, pictures[index], detector) for index in seen]
        for index, prediction in zip(seen, detector.predict(copies, budget), strict=True):
            answers[index].append(_answer(copy, prediction))
    return [
        Stability(
            prediction.label,
            tuple(answers[index]),
            tuple(copy for copy in MILD_COPIES if not copy.is_seen(*_size(pictures[index]))),
        )
        if index in answers
        else None
        for index, prediction in enumerate(predictions)
    ]


def _make(copy: MildCopy, pixels: Pixels, detector: Detector) -> Pixels:
    made = distort(pixels, copy.chain, SEED)
    if detector.takes(*_size(made)):
        return made
    factor = max(before / after for before, after in zip(_size(pixels), _size(made), strict=True))
    return distort(made, (("resize", factor),), SEED)


def _answer(copy: MildCopy, prediction: Prediction) -> CopyAnswer:
    if not prediction.in_domain:
        return CopyAnswer(copy, OUTSIDE, None)
    return CopyAnswer(copy, prediction.label.value, prediction.probability)


def _size(pixels: Pixels) -> tuple[int, int]:
    height, width = pixels.shape[:2]
    return width, height
