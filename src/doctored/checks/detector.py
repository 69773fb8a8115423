"""A detector as a check: what a learned network says about a picture, at one budget."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from doctored.checks.base import Check, error_in_words, neutral
from doctored.checks.registry import CheckSettings, register
from doctored.checks.texts import LIMITS, sentence
from doctored.records import Finding, Kind, Label, Says, Strength

if TYPE_CHECKING:
    from doctored.detector import Detector, Prediction
    from doctored.detector.card import Card
    from doctored.detector.stability import CopyAnswer, Stability
    from doctored.picture import Picture

GENERATED, TAMPERED = "generated", "tampered"
NO_ANSWER = {"unsure": "undecided", "outside": "outside its domain"}


class DetectorCheck:
    """Findings `detector_says_fake`, `detector_says_real`, `detector_undecided` and `outside_domain`.

    `budget` is the share of real pictures that may be called fake, and of fakes that may be called real.
    The first two are strong and never decisive; the others are neutral. With `stability`, mild copies are
    judged too: where any gets another answer, the neutral `detector_unstable` stands in place of the strong
    finding, else the neutral `detector_stable` (or `copies_not_judged`) behind it. Raises UsageError for a
    budget that the detector has no threshold for.
    """

    def __init__(self, detector: "Detector", budget: float, stability: bool = False) -> None:
        card = detector.card
        self.name = f"detector:{card.name}"
        self._detector = detector
        self._budget = budget
        self._judges_copies = stability
        self._card = card
        self._bounds = {side: card.threshold(side, budget).bound for side in ("fake", "real")}
        self._covers = covers(card)
        self._limits = LIMITS[f"detector:{card.asks.value}"]

    def run(self, picture: "Picture") -> list[Finding]:
        return self.run_many([picture])[0]

    def run_many(self, pictures: "Sequence[Picture]") -> list[list[Finding]]:
        predictions = self._detector.predict(list(pictures), self._budget)
        findings = [
            self._finding(picture, prediction)
            for picture, prediction in zip(pictures, predictions, strict=True)
        ]
        if not self._judges_copies:
            return [[finding] for finding in findings]
        try:
            stabilities = self._judge_copies(pictures, predictions)
        except Exception as error:
            if len(pictures) > 1:  # each is tried alone, so that one costs the others nothing
                raise
            return [[findings[0], self._not_judged(error)]]
        return [
            [finding] if stability is None else self._with_stability(finding, stability)
            for finding, stability in zip(findings, stabilities, strict=True)
        ]

    def _judge_copies(
        self, pictures: "Sequence[Picture]", predictions: "Sequence[Prediction]"
    ) -> "list[Stability | None]":
        from doctored.detector.stability import judge_copies

        return judge_copies(
            self._detector, [picture.pixels for picture in pictures], predictions, self._budget
        )

    def _with_stability(self, finding: Finding, stability: "Stability") -> list[Finding]:
        measured = stability.to_json()
        detector = self._card.name
        if stability.flips:
            flips = "; ".join(f"{answer.copy.text} ({_answer(answer)})" for answer in stability.flips)
            text = sentence(
                "detector_unstable",
                detector=detector,
                side=finding.says.value,
                probability=finding.score,
                flips=flips,
            )
            unstable = replace(
                finding,
                code="detector_unstable",
                says=Says.NEUTRAL,
                strength=Strength.NONE,
                text=text,
                details={**finding.details, "said": finding.says.value, "stability": measured},
            )
            return [unstable]
        copies = ", ".join(answer.copy.text for answer in stability.answers)
        skipped = ", ".join(copy.text for copy in stability.skipped)
        variant = "skipped" if skipped else ""
        text = sentence("detector_stable", variant, detector=detector, copies=copies, skipped=skipped)
        return [finding, self._neutral("detector_stable", text, {"stability": measured})]

    def _not_judged(self, error: Exception) -> Finding:
        """Not `could_not_check`, which would take back what the detector said of the picture itself."""
        reason = error_in_words(error)
        text = sentence("copies_not_judged", detector=self._card.name, reason=reason)
        return self._neutral("copies_not_judged", text, {"error": reason})

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
        return neutral(self.name, self._limits, code, text, details, details.get("probability"))

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


def _answer(answer: "CopyAnswer") -> str:
    return NO_ANSWER.get(answer.answer, answer.answer)


def _kind(card: "Card") -> Kind | None:
    return None if card.asks.value == "either" else Kind(card.asks.value)


@register("detector")
def detector_checks(settings: CheckSettings) -> Iterable[Check]:
    return [DetectorCheck(detector, settings.budget, settings.stability) for detector in settings.detectors]
