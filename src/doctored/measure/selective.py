"""Selective prediction: fewer answers, fewer mistakes. The surer a logit, the farther it lies from 0.

El-Yaniv & Wiener (2010); the area under the curve as in Geifman & El-Yaniv (2017).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from doctored.errors import UsageError
from doctored.measure.metrics import FloatArray, as_labels, as_scores

COVERAGES = (0.99, 0.95, 0.9)
CUT = "confidence_at_coverage_{:g}"
"""For these coverages a card holds, under this name, the least |logit| that was bought on validation."""


class RiskCoverage(NamedTuple):
    """One entry for each distinct |logit|, the largest first, float64 [K]: answer where |logit| is at least
    `cut`, and `coverage` of the pictures have an answer, of which `risk` are wrong."""

    coverage: FloatArray
    risk: FloatArray
    cut: FloatArray

    @property
    def area(self) -> float | None:
        """The mean risk over all coverages (AURC); None where there is no picture."""
        if not self.coverage.size:
            return None
        return float(np.sum(np.diff(self.coverage, prepend=0.0) * self.risk))


def risk_coverage(labels: ArrayLike, logits: ArrayLike) -> RiskCoverage:
    """How many are wrong among those answered, at every cut; fake is what has logit 0 or more."""
    truth = as_labels(labels)
    values = as_scores(truth, logits)
    cuts, place = np.unique(-np.abs(values), return_inverse=True)
    answered = np.cumsum(np.bincount(place, minlength=cuts.size))
    wrong = np.cumsum(np.bincount(place, weights=(values >= 0) != truth, minlength=cuts.size))
    return RiskCoverage(answered / max(1, truth.size), wrong / np.maximum(1, answered), -cuts)


def cut_for_coverage(logits: ArrayLike, coverage: float) -> float:
    """The largest |logit| to ask for such that at least this share of the pictures has an answer.

    UsageError without pictures, and for a share outside 0 to 1.
    """
    sureness = np.sort(np.abs(np.asarray(logits, dtype=np.float64)))[::-1]
    if not 0 < coverage <= 1 or not sureness.size:
        raise UsageError("a cut needs pictures, and a share of them above 0 and up to 1: try 0.95")
    return float(sureness[int(np.ceil(coverage * sureness.size - 1e-9)) - 1])
