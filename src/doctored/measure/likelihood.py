"""Likelihood ratios for examiners: how much more likely a score is from a fake than from a real picture.

A calibrated logit is log posterior odds, and so holds the odds of the pictures it was calibrated on; less
those it is a log likelihood ratio, which an examiner joins with the prior odds of the case. All logs here
are natural ones, but for what is named `log10`.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from doctored.errors import UsageError
from doctored.measure.intervals import CONFIDENCE, Interval, normal_quantile
from doctored.measure.metrics import FloatArray, as_labels, as_scores
from doctored.measure.ranking import Ranking, Steps, pool_adjacent

LN2 = math.log(2)
PRIOR = "calibration.prior_log_odds"  # in a card, where they are not those of its counts
SCALE_SOURCE = (
    "ENFSI Guideline for Evaluative Reporting in Forensic Science (2015): the words for likelihood ratios of "
    "2, 10, 100, 1,000, 10,000 and 1,000,000. It leaves 1 to 2 open; here that supports neither."
)
SCALE_LIMITS = (
    "The words say how strongly the score supports one of two propositions (this picture is a fake, or a "
    "real one, of the kind that the detector was calibrated on), not how probable the proposition is.",
    "Scores of pictures that are unlike those calibrated on have no such ratio, whatever number comes out.",
    "A ratio beyond the number of pictures calibrated on is extrapolated: no picture could have shown it.",
)


class Grade(NamedTuple):
    """Likelihood ratios from `low` up to, not including, `high`, and the words for their support."""

    low: float
    high: float
    words: str


SCALE = (
    Grade(1, 2, "no support for one over the other"),
    Grade(2, 10, "weak support"),
    Grade(10, 100, "moderate support"),
    Grade(100, 1_000, "moderately strong support"),
    Grade(1_000, 10_000, "strong support"),
    Grade(10_000, 1_000_000, "very strong support"),
    Grade(1_000_000, math.inf, "extremely strong support"),
)


def log_likelihood_ratios(logits: ArrayLike, prior_log_odds: float) -> FloatArray:
    """Log LRs float64 [N] for `fake` against `real`, of calibrated logits.

    `prior_log_odds`: the log of fakes over reals among the pictures that the logits were calibrated on.
    """
    ratios: FloatArray = np.asarray(logits, dtype=np.float64) - prior_log_odds
    return ratios


def log_odds(fakes: int, reals: int) -> float:
    """The prior log odds that a calibration set brings; UsageError where a class is missing."""
    if fakes < 1 or reals < 1:
        raise UsageError("prior odds need both real and fake pictures: give the counts of both")
    return math.log(fakes / reals)


def grade(log_ratio: float) -> Grade:
    """The verbal grade of a log LR, whichever side it is on."""
    size = abs(log_ratio)
    return next(row for row in SCALE if row.high == math.inf or size < math.log(row.high))


def log_ratio_costs(labels: ArrayLike, log_ratios: ArrayLike) -> FloatArray:
    """What each picture adds to Cllr, in bits, float64 [N]: log2(1 + 1/LR) for a fake, log2(1 + LR) else."""
    truth = as_labels(labels)
    values = as_scores(truth, log_ratios)
    costs: FloatArray = np.logaddexp(0.0, np.where(truth == 1, -values, values)) / LN2
    return costs


def cllr(labels: ArrayLike, log_ratios: ArrayLike) -> float | None:
    """The log-likelihood-ratio cost (Brümmer & du Preez 2006), in bits: 0 is perfect, 1 is knowing nothing.

    Both classes weigh the same, however many pictures they have; None without both.
    """
    truth = as_labels(labels)
    costs = log_ratio_costs(truth, log_ratios)
    if not truth.size or truth.min() == truth.max():
        return None
    return float((costs[truth == 1].mean() + costs[truth == 0].mean()) / 2)


def cllr_interval(
    labels: ArrayLike, log_ratios: ArrayLike, confidence: float = CONFIDENCE
) -> Interval | None:
    """Normal interval of Cllr, half the sum of two independent means; None below two pictures of a class."""
    truth = as_labels(labels)
    costs = log_ratio_costs(truth, log_ratios)
    sides = [costs[truth == target] for target in (0, 1)]
    if min(side.size for side in sides) < 2:
        return None
    middle = sum(float(side.mean()) for side in sides) / 2
    half = normal_quantile(confidence) * math.sqrt(sum(side.var(ddof=1) / side.size for side in sides)) / 2
    return Interval(max(0.0, middle - half), middle + half)


def cllr_min(labels: ArrayLike, scores: ArrayLike) -> float | None:
    """The Cllr that is left when the scores are calibrated as well as their order allows, in bits.

    By isotonic regression (pool adjacent violators), as Brümmer & du Preez 2006 do; None without both.
    """
    return least_cost(Ranking.of(labels, scores).count())


def least_cost(steps: Steps) -> float | None:
    """`cllr_min` of a ranking's counts."""
    if not steps.has_both:
        return None
    starts, _ = pool_adjacent(steps.fakes[::-1], steps.reals[::-1])
    fakes, reals = (np.add.reduceat(counts[::-1], starts).astype(np.float64) for counts in steps)
    fake_share, real_share = fakes / fakes.sum(), reals / reals.sum()
    either = fake_share + real_share  # log2(1 + 1/LR) = log2(either / fake_share); nobody, no cost
    cost = sum(
        float(np.sum(share[share > 0] * np.log2((either / np.where(share > 0, share, 1))[share > 0])))
        for share in (fake_share, real_share)
    )
    return cost / 2


def tippett(labels: ArrayLike, log_ratios: ArrayLike) -> dict[str, FloatArray]:
    """Of each class the points of its Tippett curve, float64 [K, 2]: log10 LR, and the share of that class
    with at least this LR. A class without pictures has none."""
    truth = as_labels(labels)
    values = as_scores(truth, log_ratios) / math.log(10)
    curves = {}
    for name, target in (("real", 0), ("fake", 1)):
        own, counts = np.unique(values[truth == target], return_counts=True)
        at_least = np.cumsum(counts[::-1])[::-1]
        curves[name] = np.stack([own, at_least / max(1, counts.sum())], axis=1)
    return curves
