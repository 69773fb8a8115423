"""Two detectors on the same pictures: is one better, or was it luck?

Decisions: McNemar's test, exact, and its mid-p form, which Fagerland, Lydersen & Laake ("The McNemar test for
binary matched-pairs data", 2013) recommend; the interval of the difference is that of Bonett & Price (2012).
Ranking: the difference of two correlated AUCs by DeLong, DeLong & Clarke-Pearson (1988).
"""

import math
from typing import NamedTuple

from numpy.typing import ArrayLike

from doctored.errors import UsageError
from doctored.measure.intervals import CONFIDENCE, Interval, incomplete_beta, normal_quantile, placements
from doctored.measure.metrics import as_labels, as_scores


class Decisions(NamedTuple):
    """How often only the first, only the second was right, of `n`; `difference` of the accuracies, first less
    second; two-sided `p`, exact, and `p_mid`."""

    only_first: int
    only_second: int
    n: int
    difference: float
    interval: Interval
    p: float
    p_mid: float


class Rankings(NamedTuple):
    """Two AUCs, and their `difference`, first less second; `p` is two-sided. Without spread between the two
    there is neither interval nor p, but for two that rank alike, whose p is 1."""

    first: float
    second: float
    difference: float
    interval: Interval | None
    p: float | None


def compare_decisions(
    first_is_right: ArrayLike, second_is_right: ArrayLike, confidence: float = CONFIDENCE
) -> Decisions | None:
    """McNemar's test on booleans [N], whether each was right; None where N is 0."""
    first, second = as_labels(first_is_right), as_labels(second_is_right)
    if first.shape != second.shape:
        raise UsageError(f"{first.size} decisions and {second.size}: judge the same pictures with both")
    if not first.size:
        return None
    n, only_first = first.size, int((first > second).sum())
    only_second = int((second > first).sum())
    p, p_mid = _mcnemar(only_first, only_second)
    difference = (only_first - only_second) / n
    shares = [(count + 1) / (n + 2) for count in (only_first, only_second)]
    centre = shares[0] - shares[1]
    half = normal_quantile(confidence) * math.sqrt((sum(shares) - centre**2) / (n + 2))
    interval = Interval(max(-1.0, centre - half), min(1.0, centre + half))
    return Decisions(only_first, only_second, n, difference, interval, p, p_mid)


def _mcnemar(only_first: int, only_second: int) -> tuple[float, float]:
    """Exact and mid-p: each discordant pair falls to either side with probability one half."""
    n, fewer = only_first + only_second, min(only_first, only_second)
    if not n:
        return 1.0, 1.0
    point = math.exp(
        math.lgamma(n + 1) - math.lgamma(fewer + 1) - math.lgamma(n - fewer + 1) - n * math.log(2)
    )
    at_most = incomplete_beta(n - fewer, fewer + 1, 0.5)
    return min(1.0, 2 * at_most), min(1.0, 2 * at_most - point)


def compare_rankings(
    labels: ArrayLike, first: ArrayLike, second: ArrayLike, confidence: float = CONFIDENCE
) -> Rankings | None:
    """DeLong's test of two score columns [N] of the same pictures; None without both classes."""
    truth = as_labels(labels)
    columns = [as_scores(truth, scores) for scores in (first, second)]
    if not truth.size or truth.min() == truth.max():
        return None
    (above, below), (other_above, other_below) = (placements(truth, values) for values in columns)
    aucs = float(above.mean()), float(other_above.mean())
    gaps = above - other_above, below - other_below
    difference = float(gaps[0].mean())
    if min(gap.size for gap in gaps) < 2:
        return Rankings(*aucs, difference, None, None)
    deviation = math.sqrt(sum(float(gap.var(ddof=1)) / gap.size for gap in gaps))
    if deviation < 1e-12:
        alike = abs(difference) < 1e-12
        return Rankings(*aucs, difference, None, 1.0 if alike else None)
    half = normal_quantile(confidence) * deviation
    p = math.erfc(abs(difference) / deviation / math.sqrt(2))
    interval = Interval(max(-1.0, difference - half), min(1.0, difference + half))
    return Rankings(*aucs, difference, interval, p)
