"""What an evaluation tells examiners: likelihood ratios, what they cost, and the words for them."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from doctored.detector import Card
from doctored.measure import intervals, likelihood
from doctored.measure.ranking import Ranking, thin
from doctored.measure.summary import figure

CALIBRATING_PARTS = ("calibration", "val")


def describe_likelihood_ratios(
    card: Card, labels: NDArray[np.uint8], logits: NDArray[np.float64], *, replicates: int = 500
) -> dict[str, Any] | None:
    """`likelihood_ratios` of `evaluation.json`; None without both classes."""
    prior, source = find_prior(card)
    ratios = likelihood.log_likelihood_ratios(logits, prior)
    cost = likelihood.cllr(labels, ratios)
    if cost is None:
        return None
    ranking = Ranking.of(labels, ratios)
    least = likelihood.least_cost(ranking.count())
    found = intervals.bootstrap_all(
        lambda drawn: {"least": likelihood.least_cost(ranking.count(drawn))},
        len(labels),
        replicates=replicates,
    )
    interval = found["least"]
    if least is not None and interval is not None:  # pooling fits a resample's copies, too: its cost is less
        interval = intervals.Interval(min(least, interval.low), max(interval.high, 2 * least - interval.low))
    return {
        "prior_log_odds": prior,
        "prior_from": source,
        "cllr": figure(cost, len(labels), likelihood.cllr_interval(labels, ratios)).to_json(),
        "cllr_min": figure(least, len(labels), interval).to_json(),
        "tippett": {
            name: curve[thin(curve[:, 0], curve[:, 1])].tolist()
            for name, curve in likelihood.tippett(labels, ratios).items()
        },
        "scale": {
            "source": likelihood.SCALE_SOURCE,
            "limits": list(likelihood.SCALE_LIMITS),
            "rows": _count_grades(labels, ratios),
        },
    }


def find_prior(card: Card) -> tuple[float, str]:
    """The log odds that the calibrated logit holds, and where they are known from, in words.

    A card counts the pictures that it was calibrated on, or tells the odds where the classes were weighed;
    one that does neither has at least the numbers of those that its thresholds were bought on, drawn alike.
    """
    for part in CALIBRATING_PARTS:
        if part == "val" and (weighed := card.card.metrics.get(likelihood.PRIOR)):
            told = f"calibrated on {weighed.n:,} pictures, chosen or weighed to be at given odds"
            return weighed.value, f"{told}, as the card says"
        reals, fakes = (card.card.counts.get(f"{part}.{label}", 0) for label in ("real", "fake"))
        if reals and fakes:
            told = f"calibrated on {fakes:,} fake and {reals:,} real pictures"
            return likelihood.log_odds(fakes, reals), f"{told}, as the card counts them"
    reals, fakes = card.thresholds["fake"][0].n, card.thresholds["real"][0].n
    told = f"thresholds bought on {fakes:,} fake and {reals:,} real pictures"
    return likelihood.log_odds(fakes, reals), f"{told}; the card counts no others"


def _count_grades(labels: NDArray[np.uint8], ratios: NDArray[np.float64]) -> list[dict[str, Any]]:
    """How many pictures of each class fall into each grade, from the strongest for real to that for fake."""
    rows = []
    sides = [
        ("real", likelihood.SCALE[:0:-1]),
        ("neither", likelihood.SCALE[:1]),
        ("fake", likelihood.SCALE[1:]),
    ]
    for says, grades in sides:
        for low, high, words in grades:
            size = np.abs(ratios) if says == "neither" else ratios * (1 if says == "fake" else -1)
            inside = size < math.log(high)
            if says != "neither":
                inside &= size >= math.log(low)
            counts = {
                name: int((inside & (labels == target)).sum()) for name, target in (("real", 0), ("fake", 1))
            }
            # JSON has no infinity: the last grade has no upper end
            rows.append(
                {
                    "low": low,
                    "high": high if high < math.inf else None,
                    "says": says,
                    "words": words,
                    **counts,
                }
            )
    return rows
