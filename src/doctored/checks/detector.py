"""A detector as a check: what a learned network says about a picture, at one budget."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from doctored.checks.base import Check
from doctored.checks.registry import CheckSettings, register
from doctored.checks.texts import LIMITS, sentence
from doctored.records import Finding, Kind, Label, Says, Strength

if TYPE_CHECKING:
    from doctored.detector import Detector, Prediction
    from doctored.detector.card import Card
    from doctored.picture import Picture

GENERATED, TAMPERED = "generated", "tampered"


class DetectorCheck:
    """Findings `detector_says_fake`, `detector_says_real`, `detector_undecided` and `outside_domain`.

    `budget` is the share of real pictures that may be called fake, and of fakes that may be called real.
    The first two are strong and never decisive; the others are neutral. Raises UsageError for a budget that
    the detector has no threshold for.
    """

    def __init__(self, detector: "Detector", budget: float) -> None:
        card = detector.card
        self.name = f"detector:{card.name}"
        self._detector = detector
        self._budget = budget
        self._card = card
        self._bounds = {side: card.threshold(side, budget).bound for side in ("fake", "real")}
        self._covers = covers(card)
        self._limits = LIMITS[f"detector:{card.asks.value}"]

    def run(self, picture: "Picture") -> list[Finding]:
        return self.run_many([picture])[0]

    def run_many(self, pictures: "Sequence[Picture]") -> list[list[Finding]]:
        predictions = self._detector.predict(list(pictures), self._budget)
        return [
            [self._finding(picture, prediction)]
            for picture, prediction in zip(pictures, predictions, strict=True)
        ]

    def _finding(self, picture: "Picture", prediction: "Prediction") -> Finding:
        if not prediction.in_domain:
            return self._outside(picture, prediction)
        side = prediction.label.value
        details = self._details(prediction)
        if prediction.label is Label.UNSURE:
            return self._neutral("detector_undecided", self._say("detector_undecided", prediction), details)
        details["bound"] = self._bounds[side]
        if prediction.label is Label.REAL:
            details["covers"] = self._covers
        code = f"detector_says_{side}"
        return Finding(
            check=self.name,
            code=code,
            says=Says(side),
            strength=Strength.STRONG,
            text=self._say(code, prediction, bound=self._bounds[side]),
            kind=_kind(self._card) if prediction.label is Label.FAKE else None,
            score=prediction.probability,
            details=details,
            limits=self._limits,
        )

    def _outside(self, picture: "Picture", prediction: "Prediction") -> Finding:
        details = self._details(prediction)
        if prediction.distance is None:
            size = f"{picture.width}×{picture.height}"
            known = self._card.domain.text.rstrip(".")
            text = sentence("outside_domain", "size", size=size, detector=self._card.name, known=known)
            return self._neutral("outside_domain", text, {**details, "because": "size"})
        limit = self._card.domain.distance_limit
        text = sentence(
            "outside_domain",
            "distance",
            detector=self._card.name,
            distance=prediction.distance,
            limit=limit,
        )
        return self._neutral(
            "outside_domain", text, {**details, "because": "distance", "distance_limit": limit}
        )

    def _neutral(self, code: str, text: str, details: dict[str, Any]) -> Finding:
        return Finding(
            check=self.name,
            code=code,
            says=Says.NEUTRAL,
            strength=Strength.NONE,
            text=text,
            score=details.get("probability"),
            details=details,
            limits=self._limits,
        )

    def _say(self, code: str, prediction: "Prediction", bound: float | None = None) -> str:
        return sentence(code, bound=bound, detector=self._card.name, probability=prediction.probability)

    def _details(self, prediction: "Prediction") -> dict[str, Any]:
        measured = {
            "probability": prediction.probability,
            "logit": prediction.logit,
            "distance": prediction.distance,
        }
        return {
            **{name: value for name, value in measured.items() if value is not None},
            "asks": self._card.asks.value,
            "domain": self._card.domain.kind.value,
            "budget": self._budget,
        }


def covers(card: "Card") -> list[str]:
    """The kinds of forgery that this detector's `real` speaks against.

    Inside a lab every picture is either real or one of the lab's fakes, so there `real` covers both kinds.
    """
    if card.asks.value == "either" or card.domain.kind.value == "lab":
        return [GENERATED, TAMPERED]
    return [card.asks.value]


def _kind(card: "Card") -> Kind | None:
    return None if card.asks.value == "either" else Kind(card.asks.value)


@register("detector")
def detector_checks(settings: CheckSettings) -> Iterable[Check]:
    return [DetectorCheck(detector, settings.budget) for detector in settings.detectors]
