"""Clustered intervals against those of independent pictures, and against what they should cover."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doctored.measure.clustered import mean_auc_interval, share_interval
from doctored.measure.intervals import auc_interval, wilson


@given(st.integers(5, 400), st.integers(0, 400))
def test_of_single_pictures_it_is_nearly_wilsons(n: int, right: int) -> None:
    right = min(n, right)
    shares = np.r_[np.ones(right), np.zeros(n - right)]
    low, high = share_interval(shares, np.arange(n))
    expected = wilson(right, n)
    assert low == pytest.approx(expected.low, abs=0.5 / n)
    assert high == pytest.approx(expected.high, abs=0.5 / n)
    assert low <= shares.mean() <= high


@given(st.integers(2, 60), st.integers(2, 6), st.integers(0, 1000))
def test_copies_of_a_picture_are_one_picture(n: int, copies: int, seed: int) -> None:
    shares = np.random.default_rng(seed).integers(0, 2, n).astype(float)
    once = share_interval(shares, np.arange(n))
    again = share_interval(np.repeat(shares, copies), np.repeat(np.arange(n), copies))
    assert again == pytest.approx(once, abs=1e-9)


def test_it_covers_what_independence_would_not() -> None:
    random = np.random.default_rng(0)
    clustered, independent = 0, 0
    for _ in range(400):
        scenes = random.beta(4, 1, 60)  # how easy each scene is: 0.8 on average
        shares = (random.random((60, 8)) < scenes[:, np.newaxis]).astype(float).ravel()
        low, high = share_interval(shares, np.repeat(np.arange(60), 8))
        clustered += low <= 0.8 <= high
        low, high = wilson(int(shares.sum()), shares.size)
        independent += low <= 0.8 <= high
    assert clustered / 400 > 0.92
    assert independent / 400 < 0.85


def test_nothing_has_no_interval() -> None:
    assert share_interval([], []) is None
    assert mean_auc_interval([1, 1], [[0.1, 0.2]], [0, 1]) is None


@given(st.integers(0, 1000), st.integers(1, 3))
def test_one_run_has_the_interval_of_a_single_auc(seed: int, size: int) -> None:
    random = np.random.default_rng(seed)
    labels = np.r_[0, 1, 0, 1, random.integers(0, 2, 40)]
    scores = random.normal(labels, 1.0)
    clusters = np.arange(44) // size
    expected = auc_interval(labels, scores, clusters=clusters)
    assert mean_auc_interval(labels, scores[np.newaxis], clusters) == pytest.approx(expected, abs=1e-12)


def test_runs_that_say_the_same_are_one_run() -> None:
    random = np.random.default_rng(3)
    labels = random.integers(0, 2, 80)
    scores = random.normal(labels, 1.0)
    once = mean_auc_interval(labels, scores[np.newaxis], np.arange(80))
    assert mean_auc_interval(labels, np.tile(scores, (5, 1)), np.arange(80)) == pytest.approx(once, abs=1e-12)


def test_runs_that_err_apart_have_a_narrower_mean() -> None:
    random = np.random.default_rng(4)
    labels = random.integers(0, 2, 200)
    runs = random.normal(labels, 1.0, (6, 200))
    one = mean_auc_interval(labels, runs[:1], np.arange(200))
    six = mean_auc_interval(labels, runs, np.arange(200))
    assert six.high - six.low < 0.6 * (one.high - one.low)
