"""What depends on the order of the scores alone: ROC and precision–recall curves, EER, TPR at an FPR.

A `Ranking` is made once; `count` then tells how many fakes and reals stand on each of its steps, of all
pictures or of a resample, and every figure here is a function of those counts.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from doctored.measure.metrics import FloatArray, LabelArray, as_labels, as_scores

CURVE_POINTS = 500


class Steps(NamedTuple):
    """How many fakes and how many reals have each distinct score, int64 [K], the highest score first."""

    fakes: LabelArray
    reals: LabelArray

    @property
    def has_both(self) -> bool:
        return bool(self.fakes.any() and self.reals.any())


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """`scores`: the distinct ones, float64 [K], the highest first; `place`, int64 [N]: which of them a
    picture has; `truth`, int64 [N]: its label."""

    scores: FloatArray
    place: LabelArray
    truth: LabelArray

    @staticmethod
    def of(labels: ArrayLike, scores: ArrayLike) -> "Ranking":
        truth = as_labels(labels)
        values = as_scores(truth, scores)
        distinct, place = np.unique(values, return_inverse=True)
        return Ranking(distinct[::-1], len(distinct) - 1 - place.astype(np.int64), truth)

    def count(self, drawn: LabelArray | None = None) -> Steps:
        """The steps of all pictures, or of a resample that has each picture `drawn` times, int64 [N]."""
        weights = np.ones(self.truth.size, np.int64) if drawn is None else drawn
        both = np.bincount(2 * self.place + self.truth, weights=weights, minlength=2 * len(self.scores))
        reals, fakes = both.astype(np.int64).reshape(-1, 2).T
        return Steps(fakes, reals)


def roc(steps: Steps) -> tuple[FloatArray, FloatArray]:
    """False and true positive rates, float64 [K + 1] each, from (0, 0) to (1, 1); both classes are needed."""
    false, true = (np.append(0, np.cumsum(counts)) for counts in (steps.reals, steps.fakes))
    return false / false[-1], true / true[-1]


def precision_recall(steps: Steps) -> tuple[FloatArray, FloatArray]:
    """Recall and precision, float64 [K] each, from the highest score down; a fake is needed.

    Where nothing was called fake so far (a resample has steps with nobody on them) precision is 1.
    """
    found, called = np.cumsum(steps.fakes), np.cumsum(steps.fakes + steps.reals)
    return found / found[-1], np.where(called > 0, found / np.maximum(called, 1), 1.0)


def precision_area(steps: Steps) -> float | None:
    """Average precision: the mean of precision over the steps in recall; None without both classes."""
    if not steps.has_both:
        return None
    recall, precision = precision_recall(steps)
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def pool_adjacent(fakes: LabelArray, reals: LabelArray) -> tuple[LabelArray, LabelArray]:
    """Isotonic regression of the share of fakes along the steps, given from the lowest score up.

    Pools adjacent violators (Ayer et al. 1955) until the share rises from block to block, all violating runs
    at once; compares whole numbers, so ties are ties. Returns each block's first step, int64 [B], and how
    many steps it has; blocks without pictures join a neighbour.
    """
    starts = np.flatnonzero(fakes + reals)
    if not starts.size:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    inside, total = fakes[starts], (fakes + reals)[starts]
    while True:
        rises = inside[1:] * total[:-1] > inside[:-1] * total[1:]
        firsts = np.flatnonzero(np.append(True, rises))
        if len(firsts) == len(inside):
            break
        inside, total, starts = (
            np.add.reduceat(inside, firsts),
            np.add.reduceat(total, firsts),
            starts[firsts],
        )
    starts = np.append(0, starts[1:])
    return starts, np.diff(starts, append=len(fakes))


def hull(steps: Steps) -> tuple[FloatArray, FloatArray]:
    """The corners of the convex hull of the ROC curve, as `roc`.

    They are the blocks of the isotonic regression (Fawcett & Niculescu-Mizil 2007, "PAV and the ROC convex
    hull", Machine Learning 68).
    """
    starts, _ = pool_adjacent(steps.fakes[::-1], steps.reals[::-1])
    fakes, reals = (np.add.reduceat(counts[::-1], starts)[::-1] for counts in steps)
    return roc(Steps(fakes, reals))


def equal_error_rate(steps: Steps) -> float | None:
    """Where as many reals are called fake as fakes real, on the convex hull of the ROC curve.

    The ROCCH-EER of Brümmer & de Villiers, "The BOSARIS Toolkit" (2011): the largest error rate that the
    best threshold has over all priors. None without both classes.
    """
    if not steps.has_both:
        return None
    false, true = hull(steps)
    excess = false + true - 1  # rises from -1 to 1 along the hull
    after = int(np.searchsorted(excess, 0.0))
    share = -excess[after - 1] / (excess[after] - excess[after - 1])
    return float(false[after - 1] + share * (false[after] - false[after - 1]))


def tpr_at_fpr(steps: Steps, rate: float) -> float | None:
    """The largest share of fakes found at a threshold that calls at most this share of the reals fake.

    Not interpolated. None without both classes, and where there are fewer than 1 / `rate` reals: such a rate
    cannot be seen there.
    """
    allowed = int(np.floor(rate * steps.reals.sum() + 1e-9))
    if not steps.has_both or not allowed:
        return None
    reach = int(np.searchsorted(np.cumsum(steps.reals), allowed, side="right"))
    return float(steps.fakes[:reach].sum() / steps.fakes.sum())


def thin(x: FloatArray, y: FloatArray, at_most: int = CURVE_POINTS) -> LabelArray:
    """Which points of a curve to draw, int64 [M], M at most `at_most`: both ends, and others spread evenly
    along the way from one end to the other, measured as |dx| + |dy|."""
    if len(x) <= at_most:
        return np.arange(len(x))
    way = np.append(0.0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y))))
    places = np.searchsorted(way, np.linspace(0.0, way[-1], at_most))
    places[0], places[-1] = 0, len(x) - 1
    return np.unique(places)
