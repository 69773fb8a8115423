"""95 % intervals for the figures we print, without scipy.

Proportions: Wilson (1927) for reports, Clopper & Pearson (1934), which never covers less than it says,
for what a threshold promises. AUC: DeLong et al. (1988) in the O(n log n) form of Sun & Xu (2014).
"""

import math
from collections.abc import Callable, Mapping
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from doctored.errors import UsageError
from doctored.measure.metrics import FloatArray, LabelArray, as_labels, as_scores, midranks

CONFIDENCE = 0.95


class Interval(NamedTuple):
    low: float
    high: float


def _check_counts(successes: int, n: int, confidence: float) -> None:
    if not 0 <= successes <= n:
        raise UsageError(f"{successes} of {n} is no proportion: check the counts")
    if not 0 < confidence < 1:
        raise UsageError(f"a confidence lies between 0 and 1, not at {confidence}: try 0.95")


def normal_quantile(confidence: float) -> float:
    """How many standard deviations a two-sided normal interval reaches: 1.96 for 0.95."""
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def wilson(successes: int, n: int, confidence: float = CONFIDENCE) -> Interval | None:
    """Wilson's score interval of a proportion; None where n is 0."""
    _check_counts(successes, n, confidence)
    if n == 0:
        return None
    z = normal_quantile(confidence)
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + (z / (2 * n)) ** 2) / (1 + z * z / n)
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == n else centre + half
    return Interval(low, high)


def f1_interval(right: int, wrong: int, missed: int, confidence: float = CONFIDENCE) -> Interval | None:
    """Interval of F1 by way of J = right / (right + wrong + missed), a proportion: F1 = 2 J / (1 + J)."""
    share = wilson(right, right + wrong + missed, confidence)
    return share and Interval(2 * share.low / (1 + share.low), 2 * share.high / (1 + share.high))


def clopper_pearson(successes: int, n: int, confidence: float = CONFIDENCE) -> Interval | None:
    """Two-sided exact interval of a proportion; None where n is 0."""
    _check_counts(successes, n, confidence)
    if n == 0:
        return None
    tail = (1 - confidence) / 2
    low = 0.0 if successes == 0 else beta_quantile(tail, successes, n - successes + 1)
    high = 1.0 if successes == n else beta_quantile(1 - tail, successes + 1, n - successes)
    return Interval(low, high)


def upper_bound(successes: int, n: int, confidence: float = CONFIDENCE) -> float:
    """One-sided Clopper–Pearson upper bound of a proportion; 1 where n is 0: nothing is known."""
    _check_counts(successes, n, confidence)
    return 1.0 if successes == n else beta_quantile(confidence, successes + 1, n - successes)


def beta_quantile(probability: float, a: float, b: float) -> float:
    """x in 0..1 where the regularised incomplete beta function I_x(a, b) is `probability`; by bisection."""
    low, high = 0.0, 1.0
    while True:
        middle = (low + high) / 2
        if not low < middle < high:
            return middle
        if incomplete_beta(a, b, middle) < probability:
            low = middle
        else:
            high = middle


def incomplete_beta(a: float, b: float, x: float) -> float:
    """I_x(a, b), by the continued fraction DLMF 8.17.22 (as in Numerical Recipes, 3rd ed., §6.4)."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    front = math.exp(log_front)
    if x < (a + 1) / (a + b + 2):
        return front * _beta_fraction(a, b, x) / a
    return 1 - front * _beta_fraction(b, a, 1 - x) / b


def _beta_fraction(a: float, b: float, x: float) -> float:
    """The continued fraction by Lentz's method as modified by Thompson & Barnett (1986)."""
    tiny = 1e-300
    c = 1.0
    d = 1 / _away_from_zero(1 - (a + b) * x / (a + 1), tiny)
    value = d
    # the fraction needs about sqrt(max(a, b)) steps where x is below the mean (Numerical Recipes, §6.4)
    for m in range(1, 200 + int(20 * math.sqrt(max(a, b)))):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        change = 1.0
        for term in (even, odd):
            d = 1 / _away_from_zero(1 + term * d, tiny)
            c = _away_from_zero(1 + term / c, tiny)
            change = c * d
            value *= change
        if abs(change - 1) < 1e-15:
            break
    return value


def _away_from_zero(value: float, tiny: float) -> float:
    return value if abs(value) > tiny else tiny


def placements(truth: LabelArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Of each fake the share of reals below it, float64 [fakes], and of each real the share of fakes above
    it, float64 [reals], ties counted half. The mean of either is the AUC; both classes are needed."""
    fakes, reals = values[truth == 1], values[truth == 0]
    ranks = midranks(np.concatenate([fakes, reals]))
    above = (ranks[: fakes.size] - midranks(fakes)) / reals.size
    below = 1 - (ranks[fakes.size :] - midranks(reals)) / fakes.size
    return above, below


def auc_interval(
    labels: ArrayLike,
    scores: ArrayLike,
    confidence: float = CONFIDENCE,
    clusters: ArrayLike | None = None,
) -> Interval | None:
    """DeLong's interval of the ROC AUC, cut at 0 and 1; None without both classes.

    `clusters`, integers [N], tells which rows belong together (copies, one scene) and so count less than
    as many strangers: the variance is then that of Obuchowski (1997), where it is the larger one. Where one
    class lies wholly above the other DeLong's variance is 0, which claims too much. The interval then is
    the exact one for min(fakes, reals) disjoint pairs, all of them ordered alike.
    """
    truth = as_labels(labels)
    values = as_scores(truth, scores)
    n, m = (int(count) for count in np.bincount(truth, minlength=2))
    if not m or not n:
        return None
    above, below = placements(truth, values)
    auc = float(above.mean())
    if auc in (0.0, 1.0):
        pairs = min(m, n)
        return clopper_pearson(pairs if auc else 0, pairs, confidence)
    if m == 1 or n == 1:
        return Interval(0.0, 1.0)
    variance = above.var(ddof=1) / m + below.var(ddof=1) / n
    if clusters is not None:
        parts = np.empty(truth.size)
        parts[truth == 1], parts[truth == 0] = (above - auc) / m, (below - auc) / n
        _, places = np.unique(np.asarray(clusters), return_inverse=True)
        sums = np.bincount(places, weights=parts)
        variance = max(variance, float(sums @ sums) * sums.size / max(1, sums.size - 1))
    half = normal_quantile(confidence) * math.sqrt(variance)
    return Interval(max(0.0, auc - half), min(1.0, auc + half))


def mean_interval(values: ArrayLike, confidence: float = CONFIDENCE) -> Interval | None:
    """Normal interval of a mean (a log loss, a Brier score); None below two values."""
    array = np.asarray(values, dtype=np.float64)
    if array.size < 2:
        return None
    half = normal_quantile(confidence) * float(array.std(ddof=1)) / math.sqrt(array.size)
    mean = float(array.mean())
    return Interval(mean - half, mean + half)


def bootstrap(
    statistic: Callable[[NDArray[np.int64], FloatArray], float | None],
    labels: ArrayLike,
    scores: ArrayLike,
    *,
    replicates: int = 500,
    seed: int = 0,
    confidence: float = CONFIDENCE,
) -> Interval | None:
    """Percentile interval (Efron 1979) of any statistic of labels and scores; seeded.

    None where the resamples have no spread: a bootstrap that never sees a miss knows nothing of misses.
    """
    truth = as_labels(labels)
    values = as_scores(truth, scores)
    draw = np.random.default_rng(seed)
    found = []
    for _ in range(replicates if truth.size else 0):
        rows = draw.integers(0, truth.size, truth.size)
        value = statistic(truth[rows], values[rows])
        if value is not None:
            found.append(value)
    return _percentiles(found, confidence)


def bootstrap_all(
    statistics: Callable[[LabelArray], Mapping[str, float | None]],
    n: int,
    *,
    replicates: int = 500,
    seed: int = 0,
    confidence: float = CONFIDENCE,
) -> dict[str, Interval | None]:
    """As `bootstrap`, for many statistics of the same `n` rows, by their names, on the same resamples.

    `statistics` is given how often each row was drawn, int64 [n].
    """
    draw = np.random.default_rng(seed)
    found: dict[str, list[float]] = {}
    for _ in range(replicates if n else 0):
        for name, value in statistics(np.bincount(draw.integers(0, n, n), minlength=n)).items():
            found.setdefault(name, [])
            if value is not None:
                found[name].append(value)
    return {name: _percentiles(values, confidence) for name, values in found.items()}


def _percentiles(found: list[float], confidence: float) -> Interval | None:
    if not found or min(found) == max(found):
        return None
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high))


def mean_of_two(first: Interval, second: Interval, values: tuple[float, float]) -> Interval:
    """Interval of the mean of two independent figures, from their own intervals around `values`.

    The method of variance estimates recovery (Zou & Donner 2008): exact ends give good ends.
    """
    middle = sum(values) / 2
    low = math.hypot(values[0] - first.low, values[1] - second.low) / 2
    high = math.hypot(first.high - values[0], second.high - values[1]) / 2
    return Interval(middle - low, middle + high)


def quantile_interval(values: ArrayLike, share: float, confidence: float = CONFIDENCE) -> Interval | None:
    """Interval of the value below which `share` of all lies, between two of the values at hand; None without.

    By order statistics (Conover 1999, §3.2): how many lie below is binomial, whatever the distribution.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    n, tail = ordered.size, (1 - confidence) / 2
    if not n or not 0 < share < 1:
        return None
    low = _binomial_quantile(tail, n, share)
    high = _binomial_quantile(1 - tail, n, share)
    return Interval(float(ordered[max(0, low - 1)]), float(ordered[min(n - 1, high)]))


def _binomial_quantile(probability: float, n: int, share: float) -> int:
    """The least k of 0 to n of which P(at most k of n) reaches `probability`."""
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        if incomplete_beta(n - middle, middle + 1, 1 - share) >= probability:  # P(at most middle)
            high = middle
        else:
            low = middle + 1
    return low


def t_quantile(probability: float, degrees: int) -> float:
    """The quantile, above one half, of Student's t distribution."""
    x = beta_quantile(2 * (1 - probability), degrees / 2, 0.5)
    return math.sqrt(degrees * (1 - x) / x)
