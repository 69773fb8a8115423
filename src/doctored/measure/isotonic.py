"""Isotonic calibration: the best fit that never falls. For reports; what ships is affine (`calibrate`).

Ayer, Brunk, Ewing, Reid & Silverman (1955); for classifiers Zadrozny & Elkan (2002).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from doctored.measure.metrics import FloatArray
from doctored.measure.ranking import Ranking, pool_adjacent


class Isotonic(NamedTuple):
    """A rising curve through `scores` float64 [K], ascending, with `probabilities` of fake float64 [K]."""

    scores: FloatArray
    probabilities: FloatArray

    def apply(self, scores: ArrayLike) -> FloatArray:
        """Probabilities float64 [N]; straight lines between the fitted scores, constant beyond them."""
        values: FloatArray = np.interp(np.asarray(scores, dtype=np.float64), self.scores, self.probabilities)
        return values


def fit_isotonic(labels: ArrayLike, scores: ArrayLike) -> Isotonic | None:
    """The rising curve of least squared error (and of least log loss); None where there is no picture."""
    ranking = Ranking.of(labels, scores)
    if not len(ranking.scores):
        return None
    fakes, reals = (counts[::-1] for counts in ranking.count())
    starts, lengths = pool_adjacent(fakes, reals)
    shares = np.add.reduceat(fakes, starts) / np.add.reduceat(fakes + reals, starts)
    return Isotonic(ranking.scores[::-1], np.repeat(shares, lengths))
