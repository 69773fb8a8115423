"""Curves against scikit-learn, the EER against a linear programme, thinning against the curve."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize
from sklearn import isotonic
from sklearn import metrics as oracle

from doctored.measure import metrics, ranking
from doctored.measure.ranking import Ranking, Steps

SCORES = st.integers(-4, 4).map(lambda step: step / 4) | st.floats(-5, 5).map(lambda score: round(score, 6))
ROWS = st.lists(st.tuples(st.integers(0, 1), SCORES), min_size=2, max_size=60)
BOTH = ROWS.filter(lambda rows: len({label for label, _ in rows}) == 2)


def columns(rows):
    labels, scores = zip(*rows, strict=True)
    return np.array(labels), np.array(scores, dtype=float)


def steps_of(rows):
    return Ranking.of(*columns(rows)).count()


@given(BOTH)
def test_the_roc_curve_is_scikit_learns(rows):
    labels, scores = columns(rows)
    false, true = ranking.roc(steps_of(rows))
    expected = oracle.roc_curve(labels, scores, drop_intermediate=False)
    assert false == pytest.approx(expected[0], abs=1e-12)
    assert true == pytest.approx(expected[1], abs=1e-12)
    assert Ranking.of(labels, scores).scores.tolist() == expected[2][1:].tolist()


@given(BOTH)
def test_the_precision_recall_curve_is_scikit_learns(rows):
    labels, scores = columns(rows)
    recall, precision = ranking.precision_recall(steps_of(rows))
    expected = oracle.precision_recall_curve(labels, scores)
    assert precision == pytest.approx(expected[0][:-1][::-1], abs=1e-12)
    assert recall == pytest.approx(expected[1][:-1][::-1], abs=1e-12)
    area = oracle.average_precision_score(labels, scores)
    assert ranking.precision_area(steps_of(rows)) == pytest.approx(area, abs=1e-12)
    assert ranking.precision_area(steps_of(rows)) == pytest.approx(
        metrics.average_precision(labels, scores), abs=1e-12
    )


@given(BOTH)
def test_a_resample_counts_like_the_rows_it_drew(rows):
    labels, scores = columns(rows)
    drawn = np.arange(len(labels)) % 3
    steps = Ranking.of(labels, scores).count(drawn)
    again = np.repeat(np.arange(len(labels)), drawn)
    chosen = labels[again], scores[again]
    if not steps.has_both:
        assert len(set(chosen[0])) < 2
        assert ranking.equal_error_rate(steps) is ranking.precision_area(steps) is None
        return
    assert ranking.precision_area(steps) == pytest.approx(metrics.average_precision(*chosen), abs=1e-12)
    plain = Ranking.of(*chosen).count()
    assert ranking.equal_error_rate(steps) == pytest.approx(ranking.equal_error_rate(plain), abs=1e-12)
    assert ranking.tpr_at_fpr(steps, 0.3) == ranking.tpr_at_fpr(plain, 0.3)


@given(BOTH, st.sampled_from([0.01, 0.1, 0.2, 0.25, 0.5, 1.0]))
def test_the_rate_found_is_the_best_that_the_roc_curve_has(rows, rate):
    labels, scores = columns(rows)
    found = ranking.tpr_at_fpr(steps_of(rows), rate)
    if (labels == 0).sum() * rate < 1:
        assert found is None
        return
    false, true, _ = oracle.roc_curve(labels, scores, drop_intermediate=False)
    assert found == pytest.approx(true[false <= rate + 1e-12].max(), abs=1e-12)


@settings(max_examples=60)
@given(BOTH)
def test_the_equal_error_rate_is_the_worst_prior_of_the_best_threshold(rows):
    """The largest t with t <= prior * misses + (1 - prior) * false alarms at every threshold."""
    labels, scores = columns(rows)
    false, true, _ = oracle.roc_curve(labels, scores, drop_intermediate=False)
    misses = 1 - true
    limits = np.stack([np.ones_like(false), false - misses], axis=1)  # t - prior * (misses - false) <= false
    found = optimize.linprog([-1, 0], A_ub=limits, b_ub=false, bounds=[(0, 1), (0, 1)], method="highs")
    assert ranking.equal_error_rate(steps_of(rows)) == pytest.approx(-found.fun, abs=1e-9)


def test_equal_error_rates_of_hand_made_cases():
    def rate(labels, scores):
        return ranking.equal_error_rate(Ranking.of(labels, scores).count())

    assert rate([0, 0, 1, 1], [1, 2, 3, 4]) == 0
    assert rate([1, 1, 0, 0], [1, 2, 3, 4]) == 0.5  # worse than chance: the hull is the diagonal
    assert rate([0, 1], [1, 1]) == 0.5
    assert rate([0, 0, 0, 1, 1, 1], [1, 2, 4, 3, 5, 6]) == pytest.approx(1 / 6)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30))
def test_pooling_is_isotonic_regression(counts):
    fakes, reals = (np.array(side) for side in zip(*counts, strict=True))
    starts, lengths = ranking.pool_adjacent(fakes, reals)
    total = fakes + reals
    if not total.any():
        assert not starts.size
        return
    assert starts[0] == 0
    assert lengths.sum() == len(counts)
    shares = np.add.reduceat(fakes, starts) / np.add.reduceat(total, starts)
    assert (np.diff(shares) > 0).all()
    held = total > 0
    fitted = isotonic.IsotonicRegression().fit(
        np.flatnonzero(held), fakes[held] / total[held], sample_weight=total[held]
    )
    assert np.repeat(shares, lengths)[held] == pytest.approx(fitted.predict(np.flatnonzero(held)), abs=1e-12)


@pytest.mark.parametrize("labels", [[], [1, 1], [0]])
def test_one_class_has_no_curve_figures(labels):
    steps = Ranking.of(labels, [0.5] * len(labels)).count()
    assert not steps.has_both
    assert ranking.equal_error_rate(steps) is None
    assert ranking.tpr_at_fpr(steps, 0.5) is None
    assert ranking.precision_area(steps) is None


@given(st.integers(0, 1000), st.integers(2, 50))
def test_a_thinned_curve_keeps_its_ends_and_stays_near(seed, at_most):
    draw = np.random.default_rng(seed)
    labels = np.array([0, 1, *draw.integers(0, 2, 300)])
    false, true = ranking.roc(Ranking.of(labels, labels + draw.normal(size=302)).count())
    kept = ranking.thin(false, true, at_most)
    assert len(kept) <= at_most
    assert kept[0] == 0
    assert kept[-1] == len(false) - 1
    assert (np.diff(kept) > 0).all()
    away = np.abs(false[:, None] - false[kept]) + np.abs(true[:, None] - true[kept])
    assert away.min(axis=1).max() <= 2 / (at_most - 1) + 1 / 50


def test_a_short_curve_is_kept_whole():
    assert ranking.thin(np.zeros(3), np.ones(3), 5).tolist() == [0, 1, 2]
    assert isinstance(Ranking.of([0, 1], [1.0, 2.0]).count(), Steps)
