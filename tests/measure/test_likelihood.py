"""Likelihood ratios against their definition, scikit-learn's losses, and what they mean."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as oracle
from sklearn.isotonic import IsotonicRegression

from doctored.errors import UsageError
from doctored.measure import likelihood

SCORES = st.integers(-8, 8).map(lambda step: step / 4) | st.floats(-20, 20).map(lambda score: round(score, 6))
BOTH = st.lists(st.tuples(st.integers(0, 1), SCORES), min_size=2, max_size=60).filter(
    lambda rows: len({label for label, _ in rows}) == 2
)


def columns(rows):
    labels, scores = zip(*rows, strict=True)
    return np.array(labels), np.array(scores, dtype=float)


def balanced(labels):
    """Weights with which both classes weigh one half."""
    return np.where(labels == 1, 0.5 / (labels == 1).sum(), 0.5 / (labels == 0).sum())


@given(BOTH)
def test_cllr_is_the_balanced_log_loss_in_bits(rows):
    labels, ratios = columns(rows)
    probabilities = 1 / (1 + np.exp(-ratios))
    expected = oracle.log_loss(labels, probabilities, sample_weight=balanced(labels)) / math.log(2)
    assert likelihood.cllr(labels, ratios) == pytest.approx(expected, abs=1e-7, rel=1e-7)
    by_hand = np.mean(np.log2(1 + np.exp(-ratios[labels == 1]))) + np.mean(
        np.log2(1 + np.exp(ratios[labels == 0]))
    )
    assert likelihood.cllr(labels, ratios) == pytest.approx(by_hand / 2, abs=1e-12, rel=1e-12)


@given(BOTH)
def test_the_least_cllr_is_that_of_isotonic_regression(rows):
    labels, scores = columns(rows)
    shares = IsotonicRegression().fit(scores, labels).predict(scores)
    prior = labels.mean() / (1 - labels.mean())
    with np.errstate(divide="ignore"):
        ratios = shares / (1 - shares) / prior
        fakes, reals = np.log2(1 + 1 / ratios[labels == 1]), np.log2(1 + ratios[labels == 0])
    least = likelihood.cllr_min(labels, scores)
    assert least == pytest.approx((fakes.mean() + reals.mean()) / 2, abs=1e-12)
    assert least <= min(1, likelihood.cllr(labels, scores)) + 1e-12


@given(BOTH)
def test_the_least_cllr_depends_on_the_order_alone(rows):
    labels, scores = columns(rows)
    _, order = np.unique(scores, return_inverse=True)
    assert likelihood.cllr_min(labels, order**3 - 7.0) == likelihood.cllr_min(labels, scores)


def test_known_costs():
    assert likelihood.cllr([0, 1], [0.0, 0.0]) == 1
    assert likelihood.cllr([0, 1], [-50.0, 50.0]) == pytest.approx(0, abs=1e-12)
    assert likelihood.cllr_min([0, 1], [1.0, 2.0]) == 0
    assert likelihood.cllr_min([1, 0], [1.0, 2.0]) == 1
    for function in (likelihood.cllr, likelihood.cllr_min, likelihood.cllr_interval):
        assert function([], []) is function([1, 1], [0.5, 1.0]) is None


def test_calibrated_normal_scores_have_the_cllr_of_theory():
    draw = np.random.default_rng(3)
    distance = 2.0  # two normals, this far apart: the log LR of x is distance * x
    labels = np.repeat([0, 1], 40_000)
    scores = draw.normal(size=labels.size) + distance * (labels - 0.5)
    ratios = distance * scores
    costs = np.logaddexp(0, -distance * (draw.normal(size=400_000) + distance / 2)) / math.log(2)
    found = likelihood.cllr(labels, ratios)
    assert found == pytest.approx(costs.mean(), abs=0.01)
    assert found - likelihood.cllr_min(labels, ratios) < 0.005
    low, high = likelihood.cllr_interval(labels, ratios)
    assert low < costs.mean() < high


def test_the_interval_of_cllr_covers():
    draw = np.random.default_rng(5)
    truth = np.logaddexp(0, -(draw.normal(size=1_000_000) + 0.5)).mean() / math.log(2)
    labels, covered = np.repeat([0, 1], 100), 0
    for _ in range(300):
        low, high = likelihood.cllr_interval(labels, draw.normal(size=200) + labels - 0.5)
        covered += low <= truth <= high
    assert stats.binomtest(covered, 300, 0.95).pvalue > 0.001


def test_the_prior_of_the_calibration_set_is_taken_out():
    prior = likelihood.log_odds(100, 900)
    assert prior == pytest.approx(math.log(1 / 9))
    assert likelihood.log_likelihood_ratios([prior], prior) == pytest.approx([0.0])
    with pytest.raises(UsageError, match="both real and fake"):
        likelihood.log_odds(0, 10)


@given(BOTH)
def test_a_tippett_curve_tells_shares(rows):
    labels, ratios = columns(rows)
    for name, target in (("real", 0), ("fake", 1)):
        own = ratios[labels == target] / math.log(10)
        curve = likelihood.tippett(labels, ratios)[name]
        assert curve[:, 1] == pytest.approx([(own >= at).mean() for at in curve[:, 0]], abs=1e-12)
        assert set(curve[:, 0]) == set(own)
    assert likelihood.tippett([1], [0.0])["real"].shape == (0, 2)


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (1, "no support"), (1.9, "no support"), (5, "weak"), (50, "moderate "), (500, "moderately strong"),
        (5_000, "strong support"), (500_000, "very strong"), (1e7, "extremely strong"),
    ],
)  # fmt: skip
def test_words_have_their_ranges_on_both_sides(ratio, words):
    for side in (1, -1):
        row = likelihood.grade(side * math.log(ratio))
        assert row.words.startswith(words)
        assert row.low <= ratio < row.high


def test_the_scale_has_no_gap():
    for row, following in zip(likelihood.SCALE, likelihood.SCALE[1:], strict=False):
        assert row.high == following.low
    assert likelihood.SCALE[-1].high == math.inf
