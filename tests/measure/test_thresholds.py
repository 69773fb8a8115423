"""Thresholds against a search over every candidate, with ties, and against fresh draws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from doctored.errors import UsageError
from doctored.measure.thresholds import needed, operating_points

LOGITS = st.integers(-6, 6).map(lambda step: step / 2) | st.floats(-10, 10, width=32)
SIDES = st.tuples(st.lists(LOGITS, min_size=1, max_size=80), st.lists(LOGITS, min_size=1, max_size=80))
BUDGET = st.sampled_from([0.01, 0.05, 0.2, 0.5])


def bound(k, n):
    return (
        stats.binomtest(k, n, alternative="less").proportion_ci(0.95, method="exact").high if k < n else 1.0
    )


def points(reals, fakes, budget):
    logits = np.array([*reals, *fakes], dtype=np.float32)
    labels = np.repeat([0, 1], [len(reals), len(fakes)])
    found = operating_points(logits, labels, (budget,))
    return found["fake"][0], found["real"][0], logits, labels


@given(SIDES, BUDGET)
def test_the_stated_bound_is_the_bound_at_the_threshold(sides, budget):
    fake, real, logits, labels = points(*sides, budget)
    reals, fakes = logits[labels == 0], logits[labels == 1]
    assert fake[0] == real[0] == budget
    assert fake.bound == pytest.approx(bound(int((reals >= fake.logit).sum()), reals.size), abs=1e-9)
    assert real.bound == pytest.approx(bound(int((fakes <= real.logit).sum()), fakes.size), abs=1e-9)
    assert (fake.n, real.n) == (reals.size, fakes.size)


@given(SIDES, BUDGET)
def test_a_budget_that_can_be_promised_is_kept(sides, budget):
    fake, real, logits, labels = points(*sides, budget)
    for point, negatives in ((fake, logits[labels == 0]), (real, -logits[labels == 1])):
        if bound(0, negatives.size) <= budget:
            assert point.bound <= budget
        else:
            assert point.bound == pytest.approx(bound(0, negatives.size))
            assert point.bound > budget


@settings(max_examples=40)
@given(SIDES, BUDGET)
def test_no_lower_threshold_would_decide_more(sides, budget):
    fake, real, logits, labels = points(*sides, budget)
    reals, fakes = logits[labels == 0], logits[labels == 1]
    assert real.logit < fake.logit
    if not ((logits > real.logit) & (logits < fake.logit)).any():
        return  # every picture is decided
    for candidate in logits[(logits < fake.logit) & (logits > real.logit)]:
        wider = int((reals >= candidate).sum())
        narrower = int((fakes <= candidate).sum())
        assert bound(wider, reals.size) > budget or wider == 0
        assert bound(narrower, fakes.size) > budget or narrower == 0
        assert wider > 0 or narrower > 0


@given(SIDES, BUDGET)
def test_turning_all_signs_swaps_the_sides(sides, budget):
    reals, fakes = sides
    fake, real, logits, _ = points(reals, fakes, budget)
    turned_fake, turned_real, _, _ = points([-x for x in fakes], [-x for x in reals], budget)
    called = (logits >= fake.logit).astype(int) - (logits <= real.logit)
    turned = (-logits >= turned_fake.logit).astype(int) - (-logits <= turned_real.logit)
    undecided = called == 0
    assert (undecided == (turned == 0)).all()
    if undecided.any():
        assert (called == -turned).all()


@given(SIDES)
def test_a_smaller_budget_is_never_bolder(sides):
    logits = np.array([*sides[0], *sides[1]])
    labels = np.repeat([0, 1], [len(sides[0]), len(sides[1])])
    found = operating_points(logits, labels, (0.2, 0.02))
    assert found["fake"][0].logit <= found["fake"][1].logit
    assert found["real"][0].logit >= found["real"][1].logit


def test_thresholds_hold_on_fresh_draws():
    draw = np.random.default_rng(0)
    kept = 0
    for _ in range(60):
        logits = np.concatenate([draw.normal(-1, 1, 1000), draw.normal(1, 1, 1000)])
        point = operating_points(logits, np.repeat([0, 1], 1000), (0.05,))["fake"][0]
        kept += stats.norm.sf(point.logit, -1, 1) <= 0.05
    assert kept >= 54  # 95 % confidence: 57 of 60 expected


def test_too_few_pictures_are_told_so():
    found = operating_points([-1.0, -2.0, 1.0, 2.0], [0, 0, 1, 1], (0.01,))
    fake, real = found["fake"][0], found["real"][0]
    assert fake.bound == pytest.approx(1 - 0.05**0.5)
    assert fake.bound > fake.budget
    assert -1 < real.logit < fake.logit < 1


def test_overlapping_sides_meet_at_zero():
    draw = np.random.default_rng(1)
    logits = np.concatenate([draw.normal(-2.5, 1, 5000), draw.normal(2.5, 1, 5000)])
    found = operating_points(logits, np.repeat([0, 1], 5000), (0.05,))
    assert found["fake"][0].logit == 0
    assert found["real"][0].logit == pytest.approx(-1e-6)
    assert found["fake"][0].bound < 0.02


def test_a_threshold_above_every_score_calls_nothing():
    found = operating_points([5.0, 5.0, 1.0], [0, 0, 1], (0.05,))
    assert np.float32(5) < found["fake"][0].logit
    assert found["real"][0].logit < 1


@pytest.mark.parametrize(
    ("logits", "labels", "budget", "message"),
    [
        ([1.0], [1], 0.05, "both real and fake"),
        ([], [], 0.05, "both real and fake"),
        ([1.0, np.inf], [0, 1], 0.05, "infinite"),
        ([1.0, 2.0], [0, 1], 5, "between 0 and 1"),
    ],
)
def test_misuse_is_refused(logits, labels, budget, message):
    with pytest.raises(UsageError, match=message):
        operating_points(logits, labels, (budget,))


@pytest.mark.parametrize("budget", [0.2, 0.05, 0.01, 0.001])
def test_what_a_budget_takes_is_the_least_that_can_promise_it(budget):
    n = needed(budget)
    assert bound(0, n) <= budget < bound(0, n - 1)
    assert needed(0.001) == 2995
