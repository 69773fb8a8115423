"""Calibration that can be folded into a network: probability = sigmoid(slope · logit + offset), slope > 0.

A positive slope keeps every ranking, and so the AUC, as it was. The fit is Platt's (1999) with his
smoothed targets, by Newton's method with backtracking as in Lin, Lin & Weng (2007); smoothing keeps it
finite where the classes are wholly apart.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from doctored.errors import UsageError
from doctored.measure.metrics import FloatArray, LabelArray, as_labels, as_probabilities, as_scores

MIN_REACH = 1e-3


class Affine(NamedTuple):
    slope: float
    offset: float


class Bin(NamedTuple):
    """One bar of a reliability diagram: pictures in it, their mean probability and their share of fakes."""

    low: float
    high: float
    n: int
    mean_probability: float
    share_fake: float


def sigmoid(logits: ArrayLike) -> FloatArray:
    """Logistic function, float64, without overflow."""
    values = np.asarray(logits, dtype=np.float64)
    small = np.exp(-np.abs(values))
    result: FloatArray = np.where(values >= 0, 1 / (1 + small), small / (1 + small))
    return result


def fit_affine(logits: ArrayLike, labels: ArrayLike, *, balance: bool = False) -> Affine:
    """Slope and offset of least log loss; both classes are needed.

    With `balance` both classes weigh the same, however many pictures they have: the odds that the calibrated
    logit then holds are even, as those of a network that was trained so.
    Logits that run against the labels would want a negative slope. They are not turned around: the slope
    then takes the largest logit to MIN_REACH, which says that they know next to nothing.
    """
    truth, values = _both_classes(labels, logits)
    design = np.stack([values, np.ones_like(values)], axis=1)
    targets, weigh = _smoothed_targets(truth), _importance(truth, balance)
    slope, offset = _fit_logistic(design, targets, np.zeros_like(values), weigh)
    flat = _flattest_slope(values)
    if slope < flat:
        slope = flat
        (offset,) = _fit_logistic(design[:, 1:], targets, slope * values, weigh)
    return Affine(float(slope), float(offset))


def fit_temperature(logits: ArrayLike, labels: ArrayLike, *, balance: bool = False) -> Affine:
    """As `fit_affine`, with the offset held at 0 (Guo et al. 2017); the slope is 1 / temperature."""
    truth, values = _both_classes(labels, logits)
    targets, weigh = _smoothed_targets(truth), _importance(truth, balance)
    (slope,) = _fit_logistic(values[:, None], targets, np.zeros_like(values), weigh)
    return Affine(max(float(slope), _flattest_slope(values)), 0.0)


FITS = {"temperature": fit_temperature, "platt": fit_affine}
FOLDS = 5


class Calibration(NamedTuple):
    """`kind`, one of FITS, its `affine`, and the cross-validated log loss of each kind, in nats, by its name;
    no losses where there are too few pictures to cross-validate."""

    kind: str
    affine: Affine
    losses: dict[str, float]


def choose_calibration(
    logits: ArrayLike, labels: ArrayLike, *, seed: int = 0, balance: bool = False
) -> Calibration:
    """Temperature or Platt, whichever has the lower log loss on pictures it was not fitted on.

    Five-fold cross-validation, each class dealt evenly to the folds by seed; the kind that is chosen is then
    fitted on all. A tie, and a class of one picture, go to the temperature, which has one number to learn.
    `balance` as in `fit_affine`, for the fits and for the losses.
    """
    truth, values = _both_classes(labels, logits)
    folds = min(FOLDS, int(truth.sum()), int((1 - truth).sum()))
    if folds < 2:
        return Calibration("temperature", fit_temperature(values, truth, balance=balance), {})
    draw, fold = np.random.default_rng(seed), np.empty(truth.size, np.int64)
    for target in (0, 1):
        rows = draw.permutation(np.flatnonzero(truth == target))
        fold[rows] = np.arange(rows.size) % folds
    losses, weigh = dict.fromkeys(FITS, 0.0), _importance(truth, balance)
    for part in range(folds):
        inside, outside = fold != part, fold == part
        for kind, fit in FITS.items():
            slope, offset = fit(values[inside], truth[inside], balance=balance)
            calibrated = slope * values[outside] + offset
            signed = np.where(truth[outside] == 1, -calibrated, calibrated)
            losses[kind] += float((weigh[outside] * np.logaddexp(0.0, signed)).sum()) / truth.size
    kind = min(losses, key=lambda name: losses[name])
    return Calibration(kind, FITS[kind](values, truth, balance=balance), losses)


def _flattest_slope(logits: FloatArray) -> float:
    return MIN_REACH / (float(np.abs(logits).max()) or 1.0)


def _both_classes(labels: ArrayLike, logits: ArrayLike) -> tuple[LabelArray, FloatArray]:
    truth = as_labels(labels)
    values = as_scores(truth, logits)
    if truth.size == 0 or truth.min() == truth.max():
        raise UsageError("calibration needs both real and fake pictures: give a split that has both")
    if not np.isfinite(values).all():
        raise UsageError("a logit is infinite: leave out the pictures that could not be scored")
    return truth, values


def _smoothed_targets(truth: LabelArray) -> FloatArray:
    fakes = int(truth.sum())
    reals = truth.size - fakes
    targets: FloatArray = np.where(truth == 1, (fakes + 1) / (fakes + 2), 1 / (reals + 2))
    return targets


def _importance(truth: LabelArray, balance: bool) -> FloatArray:
    """How much each picture counts; 1 in the mean."""
    if not balance:
        return np.ones(truth.size)
    fakes = int(truth.sum())
    return np.where(truth == 1, truth.size / (2 * fakes), truth.size / (2 * (truth.size - fakes)))


def _fit_logistic(design: FloatArray, targets: FloatArray, base: FloatArray, weigh: FloatArray) -> FloatArray:
    """Weights [P] that minimise the mean log loss of sigmoid(base + design @ weights) at the targets, each
    row counted `weigh` times."""
    spread = np.abs(design).max(axis=0)
    scale: FloatArray = np.where(spread > 0, spread, 1.0)
    scaled = design / scale
    weights = np.zeros(design.shape[1])
    loss = _loss(scaled, targets, base, weights, weigh)
    for _ in range(200):
        probabilities = sigmoid(base + scaled @ weights)
        gradient = scaled.T @ (weigh * (probabilities - targets)) / targets.size
        if np.abs(gradient).max() < 1e-13:
            break
        curvature = (scaled.T * (weigh * probabilities * (1 - probabilities))) @ scaled / targets.size
        # a ridge, as in Lin, Lin & Weng: constant logits leave the curvature singular
        step = np.linalg.solve(curvature + 1e-12 * np.eye(weights.size), gradient)
        size = 1.0
        while size > 1e-10:
            trial = weights - size * step
            trial_loss = _loss(scaled, targets, base, trial, weigh)
            if trial_loss <= loss - 1e-4 * size * float(gradient @ step):
                break
            size /= 2
        else:
            break
        weights, loss = trial, trial_loss
    result: FloatArray = weights / scale
    return result


def _loss(
    design: FloatArray, targets: FloatArray, base: FloatArray, weights: FloatArray, weigh: FloatArray
) -> float:
    logits = base + design @ weights
    return float(np.mean(weigh * (np.logaddexp(0, logits) - targets * logits)))


def reliability(
    labels: ArrayLike, probabilities: ArrayLike, bins: int = 15, *, equal_mass: bool = False
) -> list[Bin]:
    """Bars of equal width over 0..1, empty ones left out; a probability of 1 falls into the last.

    With `equal_mass` bars of equally many pictures, as nearly as ties allow, cut at the quantiles as
    scikit-learn's `calibration_curve` does; `low` and `high` then are the bar's own extremes.
    """
    truth = as_labels(labels)
    values = as_probabilities(truth, probabilities)
    place = place_in_bins(values, bins, equal_mass=equal_mass)
    bars = []
    for index in np.unique(place):
        rows = place == index
        low, high = index / bins, (index + 1) / bins
        if equal_mass:
            low, high = float(values[rows].min()), float(values[rows].max())
        bars.append(Bin(low, high, int(rows.sum()), float(values[rows].mean()), float(truth[rows].mean())))
    return bars


def place_in_bins(probabilities: FloatArray, bins: int, *, equal_mass: bool) -> LabelArray:
    """Which bar each probability falls into, int64 [N], from 0; see `reliability`."""
    if not probabilities.size:
        return np.zeros(0, np.int64)
    if equal_mass:
        cuts = np.percentile(probabilities, np.linspace(0, 1, bins + 1) * 100)[1:-1]
        return np.searchsorted(cuts, probabilities).astype(np.int64)
    return np.minimum((probabilities * bins).astype(np.int64), bins - 1)


def expected_calibration_error(
    labels: ArrayLike, probabilities: ArrayLike, bins: int = 15, *, equal_mass: bool = False
) -> float | None:
    """ECE of the probability of `fake` (Naeini et al. 2015, Guo et al. 2017): mean gap, weighted by n."""
    bars = reliability(labels, probabilities, bins, equal_mass=equal_mass)
    n = sum(bar.n for bar in bars)
    return sum(bar.n * abs(bar.mean_probability - bar.share_fake) for bar in bars) / n if n else None
