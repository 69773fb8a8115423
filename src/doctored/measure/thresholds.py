"""Thresholds bought with a budget of errors, with a bound that holds beyond the pictures at hand."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from doctored.errors import UsageError
from doctored.measure.intervals import CONFIDENCE, incomplete_beta, upper_bound
from doctored.measure.metrics import FloatArray, as_labels, as_scores

BUDGETS = (0.05, 0.01)
HAIR = 1e-6
SMALL_BUDGET = 0.001


class OperatingPoint(NamedTuple):
    """At this `logit` the rate of errors is at most `bound`, with 95 % confidence, as `n` pictures show.

    `bound` is above `budget` where n is too small to promise the budget.
    """

    budget: float
    logit: float
    bound: float
    n: int


def needed(budget: float) -> int:
    """How many pictures of a class it takes to promise a budget: with no error among them at all the bound,
    1 - 0.05^(1/n), just keeps it. 59 for 5 %, 299 for 1 %, 2,995 for 0.1 %."""
    return math.ceil(math.log(1 - CONFIDENCE) / math.log1p(-budget) - 1e-9)


def operating_points(
    logits: ArrayLike, labels: ArrayLike, budgets: Sequence[float] = BUDGETS
) -> dict[str, list[OperatingPoint]]:
    """Thresholds for `fake` (logit at or above) and for `real` (logit at or below), one a budget.

    For `fake` the budget is the rate of reals called fake: the threshold is the lowest that keeps the
    one-sided 95 % Clopper–Pearson bound of that rate within the budget. Where n is too small for that it
    lies above the highest real, and `bound` says what follows. `real` is the mirror image, with fakes
    called real. Where both budgets leave room, so that the two would overlap, they meet at the point of
    the overlap nearest to logit 0, a hair apart: nothing is left undecided, each budget is kept, and the
    bounds are those of the meeting point.
    """
    truth = as_labels(labels)
    values = as_scores(truth, logits)
    if not np.isfinite(values).all():
        raise UsageError("a logit is infinite: leave out the pictures that could not be scored")
    reals, fakes = values[truth == 0], values[truth == 1]
    if not reals.size or not fakes.size:
        raise UsageError("thresholds need both real and fake pictures: give a split that has both")
    points: dict[str, list[OperatingPoint]] = {"fake": [], "real": []}
    for budget in budgets:
        if not 0 < budget < 1:
            raise UsageError(f"a budget lies between 0 and 1, not at {budget}: try 0.01")
        fake_at = _lowest_threshold(reals, values, budget)
        real_at = -_lowest_threshold(-fakes, -values, budget)
        if real_at >= fake_at:
            fake_at = min(max(0.0, fake_at), real_at)
            below = np.nextafter(np.float32(fake_at), np.float32(-np.inf))
            real_at = float(min(below, np.float32(fake_at - HAIR)))
        called_fake = int((reals >= fake_at).sum())
        called_real = int((fakes <= real_at).sum())
        points["fake"].append(
            OperatingPoint(budget, fake_at, upper_bound(called_fake, reals.size), int(reals.size))
        )
        points["real"].append(
            OperatingPoint(budget, real_at, upper_bound(called_real, fakes.size), int(fakes.size))
        )
    return points


def _lowest_threshold(negatives: FloatArray, values: FloatArray, budget: float) -> float:
    """The threshold in the middle of the first gap above the highest negative that must stay below.

    A middle, not the edge: scores move in their last bits with the batch and the library's version. It is
    a float32, as logits are, so that no later comparison rounds it.
    """
    allowed = _errors_allowed(negatives.size, budget)
    edge = float(np.sort(negatives)[negatives.size - 1 - allowed])
    above = values[values > edge]
    if not above.size:
        return float(np.nextafter(np.float32(edge), np.float32(np.inf)))
    following = float(above.min())
    middle = float(np.float32(edge + (following - edge) / 2))
    return middle if edge < middle <= following else following


def _errors_allowed(n: int, budget: float) -> int:
    """The most errors among n whose bound is within the budget; 0 where not even none is enough."""
    low, high = 0, n - 1
    while low < high:
        middle = (low + high + 1) // 2
        # upper_bound(middle, n) <= budget, without looking for the bound
        if incomplete_beta(middle + 1, n - middle, budget) >= CONFIDENCE:
            low = middle
        else:
            high = middle - 1
    return low
