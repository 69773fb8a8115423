"""Why a detector answers as it does: `explain(picture)`."""

from dataclasses import dataclass, replace
from os import PathLike
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from doctored.detector import DEFAULT_BUDGET, Detector, Prediction, open_detector
from doctored.detector.shelf import default_names
from doctored.errors import DetectorError
from doctored.explain.overlay import Box, evidence_box, lay_over
from doctored.explain.reasons import describe, tell_flips, tell_stable
from doctored.picture import Picture, decode
from doctored.records import Label


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """A prediction with its picture and its reasons.

    `pixels` is uint8 [H, W, 3]; `evidence` float32 [h, w] covers `box` (x, y, width, height) of it, and is
    None where the picture is outside the detector's domain: what a detector makes of a picture that it
    does not know is no evidence. `reasons` are plain sentences.
    """

    detector: str
    version: str
    pixels: NDArray[np.uint8]
    prediction: Prediction
    reasons: tuple[str, ...]
    evidence: NDArray[np.float32] | None = None
    box: Box | None = None

    @property
    def probabilities(self) -> dict[Label, float] | None:
        """Of both targets; None outside the domain."""
        fake = self.prediction.probability
        if self.evidence is None or fake is None:
            return None
        return {Label.FAKE: float(fake), Label.REAL: 1.0 - float(fake)}

    def overlay(self, target: Label | str) -> NDArray[np.uint8]:
        """The picture, uint8 [H, W, 3], tinted where it speaks for `target` (`fake` or `real`)."""
        return lay_over(self.pixels, self._evidence(), Label(target), self.box)

    def sheet(self) -> NDArray[np.uint8]:
        """Picture and both overlays side by side, with captions and legend, uint8 [H, W, 3]."""
        from doctored.explain.sheet import draw_sheet

        return draw_sheet(self)

    def _evidence(self) -> NDArray[np.float32]:
        if self.evidence is None:
            raise DetectorError(f"there is no overlay: {self.reasons[0]} Choose a detector that covers it.")
        return self.evidence


def explain(
    source: Picture | str | PathLike[str] | bytes | BinaryIO,
    detector: Detector | str | PathLike[str] | None = None,
    *,
    budget: float = DEFAULT_BUDGET,
    stability: bool = True,
) -> Explanation:
    """Explain one picture by the detector's own evidence: the terms of the sum that is its logit.

    Without a `detector`, the first of the shelf's defaults that covers the picture; where none does, the
    first. With `stability` mild copies are judged too, and an answer that one of them changes becomes
    `unsure`.
    Raises PictureError for what cannot be decoded, DetectorError where there is no such detector or it
    has no evidence map.
    """
    picture = source if isinstance(source, Picture) else decode(source)
    if isinstance(detector, Detector):
        return _explain_with(detector, picture, budget, stability)
    outside: list[Explanation] = []
    for name in default_names() if detector is None else [detector]:
        with open_detector(name) as opened:
            explanation = _explain_with(opened, picture, budget, stability)
        if explanation.prediction.in_domain:
            return explanation
        outside.append(explanation)
    if not outside:
        raise DetectorError("no detector judges unasked: name one of the shelf, or a detector's file")
    return outside[0]


def _explain_with(detector: Detector, picture: Picture, budget: float, stability: bool) -> Explanation:
    card = detector.card
    prediction = detector.predict(picture, budget=budget)
    if not prediction.in_domain:
        return Explanation(card.name, card.version, picture.pixels, prediction, _why_unsure(prediction))
    if prediction.evidence is None or prediction.logit is None:
        raise DetectorError(
            f"{card.name} has no evidence map, so it cannot show where: choose a detector that has one "
            "(doctored detectors)"
        )
    where = describe(prediction.evidence, prediction.logit)
    stable: tuple[str, ...] = ()
    if stability:
        from doctored.detector.stability import judge_copies

        (stands,) = judge_copies(detector, [picture.pixels], [prediction], budget)
        if stands is not None and stands.flips:
            prediction = replace(prediction, label=Label.UNSURE, reason=tell_flips(stands))
        elif stands is not None:
            stable = tell_stable(stands)
    return Explanation(
        card.name,
        card.version,
        picture.pixels,
        prediction,
        (*_why_unsure(prediction), *where, *stable),
        prediction.evidence,
        evidence_box(card.preprocess, picture.width, picture.height),
    )


def _why_unsure(prediction: Prediction) -> tuple[str, ...]:
    reason = prediction.reason
    return (f"{reason[0].upper()}{reason[1:]}.",) if reason else ()
