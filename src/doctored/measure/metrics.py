"""Metrics of a two-class detector; `fake` is the positive class, 1.

Every function takes `labels`, integers or booleans [N] in {0, 1}, and either `scores`, float [N], higher
for `fake`, or `probabilities`, float [N] in 0..1. A metric that a slice cannot have is None. NaN, unequal
lengths and other labels raise UsageError.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from doctored.errors import UsageError

FloatArray = NDArray[np.float64]
LabelArray = NDArray[np.int64]


def as_labels(labels: ArrayLike) -> LabelArray:
    """Labels as int64 [N]; anything but 0 and 1 is refused."""
    array: NDArray[Any] = np.asarray(labels)
    if array.ndim != 1 or not np.isin(array, (0, 1)).all():
        raise UsageError("labels must be one row of 0 (real) and 1 (fake): translate them first")
    return array.astype(np.int64)


def as_scores(labels: LabelArray, scores: ArrayLike) -> FloatArray:
    """Scores as float64 [N], one a label; NaN is refused."""
    array = np.asarray(scores, dtype=np.float64)
    if array.shape != labels.shape:
        raise UsageError(f"{labels.size} labels but scores of shape {array.shape}: give one score a picture")
    if np.isnan(array).any():
        raise UsageError("a score is NaN: leave out the pictures that could not be scored, and count them")
    return array


def as_probabilities(labels: LabelArray, probabilities: ArrayLike) -> FloatArray:
    array = as_scores(labels, probabilities)
    if array.size and (array.min() < 0 or array.max() > 1):
        raise UsageError("a probability lies outside 0..1: pass probabilities of fake, not logits")
    return array


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts of a hard decision, with `fake` as the positive class."""

    true_fake: int
    false_fake: int
    true_real: int
    false_real: int

    @property
    def total(self) -> int:
        return self.true_fake + self.false_fake + self.true_real + self.false_real

    @property
    def correct(self) -> int:
        return self.true_fake + self.true_real

    def of_class(self, name: str) -> tuple[int, int, int]:
        """(rightly called so, wrongly called so, missed) for the class `fake` or `real`."""
        if name == "fake":
            return self.true_fake, self.false_fake, self.false_real
        return self.true_real, self.false_real, self.false_fake


def confusion(labels: ArrayLike, called_fake: ArrayLike) -> Confusion:
    """Count a hard decision: `called_fake` is boolean [N]."""
    truth = as_labels(labels)
    called = as_labels(called_fake)
    if called.shape != truth.shape:
        raise UsageError(f"{truth.size} labels but {called.size} decisions: give one decision a picture")
    cells = np.bincount(2 * truth + called, minlength=4)
    true_real, false_fake, false_real, true_fake = (int(cell) for cell in cells)
    return Confusion(true_fake, false_fake, true_real, false_real)


def ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def accuracy(counts: Confusion) -> float | None:
    return ratio(counts.correct, counts.total)


def precision(counts: Confusion, name: str) -> float | None:
    right, wrong, _ = counts.of_class(name)
    return ratio(right, right + wrong)


def recall(counts: Confusion, name: str) -> float | None:
    right, _, missed = counts.of_class(name)
    return ratio(right, right + missed)


def f1(counts: Confusion, name: str) -> float | None:
    right, wrong, missed = counts.of_class(name)
    return ratio(2 * right, 2 * right + wrong + missed)


def balanced_accuracy(counts: Confusion) -> float | None:
    """The mean of both recalls; None without both classes."""
    recalls = [recall(counts, name) for name in ("real", "fake")]
    both = [value for value in recalls if value is not None]
    return sum(both) / 2 if len(both) == 2 else None


def mcc(counts: Confusion) -> float | None:
    """Matthews' correlation coefficient, -1 to 1; None without both classes, 0 where all are called alike.

    That 0 is the limit, as Chicco & Jurman (2020) show, and what scikit-learn gives.
    """
    fakes, reals = counts.true_fake + counts.false_real, counts.true_real + counts.false_fake
    called_fake, called_real = counts.true_fake + counts.false_fake, counts.true_real + counts.false_real
    if not fakes or not reals:
        return None
    if not called_fake or not called_real:
        return 0.0
    agreement = counts.true_fake * counts.true_real - counts.false_fake * counts.false_real
    return agreement / math.sqrt(fakes * reals) / math.sqrt(called_fake * called_real)


def midranks(values: FloatArray) -> FloatArray:
    """Ranks from 1; equal values share the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: FloatArray = (last - (counts - 1) / 2.0)[inverse]
    return ranks


def roc_auc(labels: ArrayLike, scores: ArrayLike) -> float | None:
    """Probability that a random fake scores above a random real, ties counted half (Mann–Whitney)."""
    truth = as_labels(labels)
    values = as_scores(truth, scores)
    fakes = int(truth.sum())
    reals = truth.size - fakes
    if not fakes or not reals:
        return None
    rank_sum = float(midranks(values)[truth == 1].sum())
    return (rank_sum - fakes * (fakes + 1) / 2) / (fakes * reals)


def average_precision(labels: ArrayLike, scores: ArrayLike) -> float | None:
    """Sum of precision over the steps in recall, one step a distinct score; None without both classes."""
    truth = as_labels(labels)
    values = as_scores(truth, scores)
    fakes = int(truth.sum())
    if not fakes or fakes == truth.size:
        return None
    order = np.argsort(-values, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(values[order])), truth.size - 1)
    found = np.cumsum(truth[order])[ends]
    steps = np.diff(found, prepend=0) / fakes
    return float(np.sum(steps * found / (ends + 1)))


def log_losses(labels: ArrayLike, probabilities: ArrayLike) -> FloatArray:
    """Negative log-likelihood of each label, float64 [N], in nats; probabilities 1e-15 off 0 and 1."""
    truth = as_labels(labels)
    values = np.clip(as_probabilities(truth, probabilities), 1e-15, 1 - 1e-15)
    losses: FloatArray = -np.where(truth == 1, np.log(values), np.log1p(-values))
    return losses


def log_loss(labels: ArrayLike, probabilities: ArrayLike) -> float | None:
    losses = log_losses(labels, probabilities)
    return float(losses.mean()) if losses.size else None


def brier_losses(labels: ArrayLike, probabilities: ArrayLike) -> FloatArray:
    """Squared distance of each probability from its label, float64 [N]."""
    truth = as_labels(labels)
    losses: FloatArray = (as_probabilities(truth, probabilities) - truth) ** 2
    return losses


def brier(labels: ArrayLike, probabilities: ArrayLike) -> float | None:
    losses = brier_losses(labels, probabilities)
    return float(losses.mean()) if losses.size else None
