"""Paired tests against scipy, DeLong's covariance by definition, and what they promise: their error rates."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from doctored.errors import UsageError
from doctored.measure import metrics
from doctored.measure.paired import compare_decisions, compare_rankings


def outcomes(both, only_first, only_second, neither):
    first = [1] * both + [1] * only_first + [0] * only_second + [0] * neither
    second = [1] * both + [0] * only_first + [1] * only_second + [0] * neither
    return np.array(first, bool), np.array(second, bool)


@given(st.tuples(*[st.integers(0, 400)] * 4).filter(sum))
def test_mcnemar_is_the_binomial_test(cells):
    found = compare_decisions(*outcomes(*cells))
    _, only_first, only_second, _ = cells
    assert (found.only_first, found.only_second, found.n) == (only_first, only_second, sum(cells))
    assert found.difference == pytest.approx((only_first - only_second) / sum(cells))
    discordant = only_first + only_second
    if not discordant:
        assert found.p == found.p_mid == 1
        return
    exact = stats.binomtest(only_first, discordant).pvalue
    assert found.p == pytest.approx(exact, abs=1e-9)
    at_most = stats.binom.cdf(min(only_first, only_second), discordant, 0.5)
    point = stats.binom.pmf(min(only_first, only_second), discordant, 0.5)
    assert found.p_mid == pytest.approx(min(1, 2 * at_most - point), abs=1e-9)
    assert found.p_mid <= found.p + 1e-12


def test_fagerlands_example():
    """Airway hyper-responsiveness, 1 against 7 of 21 (Fagerland et al. 2013): 0.0703 and 0.0391."""
    found = compare_decisions(*outcomes(1, 1, 7, 12))
    assert (found.p, found.p_mid) == (pytest.approx(0.0703, abs=5e-5), pytest.approx(0.0391, abs=5e-5))


def test_the_interval_of_the_difference_covers():
    draw = np.random.default_rng(2)
    covered = 0
    for _ in range(400):
        first, second = draw.random(150) < 0.9, draw.random(150) < 0.85
        low, high = compare_decisions(first, second).interval
        covered += low <= 0.05 <= high
    assert covered / 400 >= 0.92


def covariance_by_definition(labels, columns):
    """Variance of the difference of two AUCs, from all pairs, O(m n)."""
    psi = []
    for scores in columns:
        fakes, reals = scores[labels == 1][:, None], scores[labels == 0]
        psi.append((fakes > reals) + 0.5 * (fakes == reals))
    gap = psi[0] - psi[1]
    variance = gap.mean(1).var(ddof=1) / gap.shape[0] + gap.mean(0).var(ddof=1) / gap.shape[1]
    return gap.mean(), variance


@given(st.integers(0, 10_000))
def test_two_aucs_differ_as_delong_says(seed):
    draw = np.random.default_rng(seed)
    labels = np.array([0, 0, 1, 1, *draw.integers(0, 2, 50)])
    shared = labels + draw.normal(size=labels.size)
    columns = [np.round(shared + draw.normal(size=labels.size), 1) for _ in range(2)]
    found = compare_rankings(labels, *columns)
    difference, variance = covariance_by_definition(labels, columns)
    assert (found.first, found.second) == pytest.approx(
        [metrics.roc_auc(labels, scores) for scores in columns], abs=1e-12
    )
    assert found.difference == pytest.approx(difference, abs=1e-12)
    half = stats.norm.ppf(0.975) * np.sqrt(variance)
    assert found.interval == pytest.approx((max(-1, difference - half), min(1, difference + half)), abs=1e-12)
    assert found.p == pytest.approx(2 * stats.norm.sf(abs(difference) / np.sqrt(variance)), abs=1e-9)


def test_no_difference_is_rarely_found():
    """Two columns of one quality, correlated: p is below 0.05 in about one of twenty."""
    draw = np.random.default_rng(4)
    labels, found = np.repeat([0, 1], 100), 0
    for _ in range(400):
        shared = labels + draw.normal(size=200)
        found += compare_rankings(labels, *(shared + draw.normal(size=200) for _ in range(2))).p < 0.05
    assert stats.binomtest(found, 400, 0.05).pvalue > 0.001


def test_what_cannot_be_compared_says_so():
    assert compare_decisions([], []) is None
    assert compare_rankings([1, 1], [0.1, 0.2], [0.3, 0.4]) is None
    alike = compare_rankings([0, 0, 1, 1], [1, 2, 3, 4], [10, 20, 30, 40])
    assert (alike.difference, alike.interval, alike.p) == (0, None, 1)
    turned = compare_rankings([0, 0, 1, 1], [1, 2, 3, 4], [4, 3, 2, 1])
    assert (turned.difference, turned.interval, turned.p) == (1, None, None)
    few = compare_rankings([0, 1, 1], [1, 2, 3], [3, 1, 2])
    assert (few.interval, few.p) == (None, None)
    with pytest.raises(UsageError, match="same pictures"):
        compare_decisions([1], [1, 0])
