"""Intervals against scipy, against definitions, and against what they promise: coverage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from doctored.errors import UsageError
from doctored.measure import intervals, metrics

COUNTS = st.integers(1, 30_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(COUNTS, st.sampled_from([0.8, 0.95, 0.999]))
def test_proportions_agree_with_scipy(counts, confidence):
    k, n = counts
    result = stats.binomtest(k, n)
    for own, method in ((intervals.clopper_pearson, "exact"), (intervals.wilson, "wilson")):
        expected = result.proportion_ci(confidence, method=method)
        assert own(k, n, confidence) == pytest.approx((expected.low, expected.high), abs=1e-9)


@given(COUNTS)
def test_the_one_sided_bound_agrees_with_scipy(counts):
    k, n = counts
    expected = stats.binomtest(k, n, alternative="less").proportion_ci(0.95, method="exact").high
    assert intervals.upper_bound(k, n) == pytest.approx(expected, abs=1e-9)


@given(st.floats(0.5, 1e5), st.floats(0.5, 1e5), st.floats(0, 1))
def test_incomplete_beta_agrees_with_scipy(a, b, x):
    assert intervals.incomplete_beta(a, b, x) == pytest.approx(special.betainc(a, b, x), abs=1e-9)


def test_incomplete_beta_near_the_mean_of_large_counts():
    for a, b in ((50_000, 50_000), (2, 100_000), (300, 70_000)):
        for x in np.linspace(0.9, 1.1, 7) * a / (a + b):
            assert intervals.incomplete_beta(a, b, x) == pytest.approx(special.betainc(a, b, x), abs=1e-9)


def test_nothing_seen_is_not_nothing_known():
    assert intervals.wilson(0, 0) is None
    assert intervals.clopper_pearson(0, 0) is None
    assert intervals.upper_bound(0, 0) == 1
    assert intervals.upper_bound(0, 300) == pytest.approx(1 - 0.05 ** (1 / 300))


@pytest.mark.parametrize(("k", "n"), [(-1, 3), (4, 3)])
def test_impossible_counts_are_refused(k, n):
    for function in (intervals.wilson, intervals.clopper_pearson, intervals.upper_bound):
        with pytest.raises(UsageError, match="no proportion"):
            function(k, n)


def test_a_percent_is_not_a_confidence():
    with pytest.raises(UsageError, match=r"try 0\.95"):
        intervals.wilson(1, 2, 95)


@given(st.tuples(*[st.integers(0, 200)] * 3).filter(sum))
def test_f1_lies_inside_its_interval(cells):
    right, wrong, missed = cells
    low, high = intervals.f1_interval(right, wrong, missed)
    assert 0 <= low <= 2 * right / (2 * right + wrong + missed) <= high + 1e-12
    assert high <= 1
    assert high > low


def test_no_f1_no_interval():
    assert intervals.f1_interval(0, 0, 0) is None


def delong_by_definition(labels, scores):
    """The covariance of DeLong et al. from all pairs, O(m n)."""
    fakes, reals = scores[labels == 1], scores[labels == 0]
    psi = (fakes[:, None] > reals) + 0.5 * (fakes[:, None] == reals)
    return psi.mean(), psi.mean(1).var(ddof=1) / fakes.size + psi.mean(0).var(ddof=1) / reals.size


@given(st.integers(0, 10_000))
def test_auc_interval_is_delongs(seed):
    draw = np.random.default_rng(seed)
    labels = np.array([0, 0, 1, 1, *draw.integers(0, 2, 40)])
    scores = np.round(labels + draw.normal(size=labels.size), 1)
    auc, variance = delong_by_definition(labels, scores)
    interval = intervals.auc_interval(labels, scores)
    if auc in (0, 1):
        return
    half = stats.norm.ppf(0.975) * np.sqrt(variance)
    assert interval == pytest.approx((max(0, auc - half), min(1, auc + half)), abs=1e-12)
    assert metrics.roc_auc(labels, scores) == pytest.approx(auc, abs=1e-12)


def test_auc_interval_covers_as_often_as_it_says():
    draw = np.random.default_rng(7)
    truth = stats.norm.cdf(1 / np.sqrt(2))
    covered = 0
    for _ in range(400):
        labels = np.repeat([0, 1], 80)
        low, high = intervals.auc_interval(labels, labels + draw.normal(size=160))
        covered += low <= truth <= high
    assert 0.91 <= covered / 400 <= 0.98


def test_perfect_separation_of_few_pictures_is_no_certainty():
    interval = intervals.auc_interval([0] * 5 + [1] * 20, np.arange(25))
    assert interval == pytest.approx((stats.binomtest(5, 5).proportion_ci(0.95).low, 1))
    assert intervals.auc_interval([0] * 20 + [1] * 5, -np.arange(25)).low == 0
    assert intervals.auc_interval([1, 0, 0], [1.0, 0.0, 2.0]) == (0, 1)
    assert intervals.auc_interval([1, 1], [1.0, 0.0]) is None


def test_the_mean_has_the_normal_interval():
    values = np.random.default_rng(3).normal(size=50)
    expected = stats.norm.interval(0.95, values.mean(), stats.sem(values))
    assert intervals.mean_interval(values) == pytest.approx(expected, abs=1e-12)
    assert intervals.mean_interval([1.0]) is None


def test_the_bootstrap_is_seeded_and_near_delong():
    draw = np.random.default_rng(5)
    labels = np.repeat([0, 1], 300)
    scores = labels + draw.normal(size=600)
    first = intervals.bootstrap(metrics.roc_auc, labels, scores, seed=1)
    assert first == intervals.bootstrap(metrics.roc_auc, labels, scores, seed=1)
    assert first != intervals.bootstrap(metrics.roc_auc, labels, scores, seed=2)
    assert first == pytest.approx(intervals.auc_interval(labels, scores), abs=0.01)


def test_a_bootstrap_without_spread_says_nothing():
    assert intervals.bootstrap(metrics.average_precision, [0, 1] * 10, [0.0, 1.0] * 10) is None
    assert intervals.bootstrap(metrics.average_precision, [], []) is None


def test_rows_that_belong_together_count_as_one():
    """Each row five times over, clustered, is worth no more than each row once (Obuchowski 1997)."""
    random = np.random.default_rng(2)
    labels = random.integers(0, 2, 300)
    scores = random.normal(labels * 0.8)
    once = intervals.auc_interval(labels, scores)
    copies = np.repeat(np.arange(300), 5)
    clustered = intervals.auc_interval(labels[copies], scores[copies], clusters=copies)
    as_strangers = intervals.auc_interval(labels[copies], scores[copies])
    assert clustered == pytest.approx(once, abs=2e-3)
    assert as_strangers.high - as_strangers.low < 0.5 * (once.high - once.low)
    assert intervals.auc_interval(labels, scores, clusters=np.arange(300)) == pytest.approx(once, abs=1e-3)


def test_many_statistics_share_their_resamples():
    draw = np.random.default_rng(5)
    labels = np.repeat([0, 1], 100)
    scores = labels + draw.normal(size=200)

    def statistics(drawn):
        auc = metrics.roc_auc(np.repeat(labels, drawn), np.repeat(scores, drawn))
        return {"auc": auc, "none": None, "still": 1.0}

    found = intervals.bootstrap_all(statistics, 200, seed=3)
    assert found["auc"] == pytest.approx(intervals.bootstrap(metrics.roc_auc, labels, scores, seed=3))
    assert found["none"] is found["still"] is None
    assert intervals.bootstrap_all(statistics, 0) == {}


def test_the_interval_of_a_mean_of_two_proportions_covers():
    draw, covered = np.random.default_rng(1), 0
    for _ in range(500):
        first, second = draw.binomial(60, 0.97), draw.binomial(200, 0.8)
        found = intervals.mean_of_two(
            intervals.wilson(int(first), 60), intervals.wilson(int(second), 200), (first / 60, second / 200)
        )
        covered += found.low <= 0.885 <= found.high
    assert 0.92 <= covered / 500 <= 0.985


@given(st.integers(1, 400), st.sampled_from([0.05, 0.5, 0.9]))
def test_a_quantile_lies_between_order_statistics(n, share):
    found = intervals.quantile_interval(np.arange(n), share)
    low, high = stats.binom.ppf([0.025, 0.975], n, share)
    assert found == (max(0, low - 1), min(n - 1, high))


def test_the_interval_of_a_quantile_covers():
    draw, covered = np.random.default_rng(8), 0
    for _ in range(300):
        low, high = intervals.quantile_interval(draw.normal(size=200), 0.05)
        covered += low <= stats.norm.ppf(0.05) <= high
    assert covered / 300 >= 0.92
    assert intervals.quantile_interval([], 0.5) is None


@given(st.integers(1, 60), st.sampled_from([0.9, 0.975, 0.995]))
def test_students_quantile_is_scipys(degrees, probability):
    assert intervals.t_quantile(probability, degrees) == pytest.approx(
        stats.t.ppf(probability, degrees), rel=1e-9
    )
