"""Metrics against scikit-learn, on inputs with many ties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as oracle

from doctored.errors import UsageError
from doctored.measure import metrics

SCORES = st.integers(-4, 4).map(lambda step: step / 4) | st.floats(-5, 5, allow_nan=False)
ROWS = st.lists(st.tuples(st.integers(0, 1), SCORES), min_size=1, max_size=60)
BOTH = ROWS.filter(lambda rows: len({label for label, _ in rows}) == 2)


def columns(rows):
    labels, scores = zip(*rows, strict=True)
    return np.array(labels), np.array(scores, dtype=float)


def test_auc_of_a_hand_made_case():
    assert metrics.roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]) == 0.75
    assert metrics.roc_auc([0, 1], [0.5, 0.5]) == 0.5


@given(BOTH)
def test_ranking_metrics_agree_with_scikit_learn(rows):
    labels, scores = columns(rows)
    assert metrics.roc_auc(labels, scores) == pytest.approx(oracle.roc_auc_score(labels, scores), abs=1e-12)
    expected = oracle.average_precision_score(labels, scores)
    assert metrics.average_precision(labels, scores) == pytest.approx(expected, abs=1e-12)


@given(BOTH)
def test_decision_metrics_agree_with_scikit_learn(rows):
    labels, scores = columns(rows)
    called = scores >= 0.25
    counts = metrics.confusion(labels, called)
    matrix = oracle.confusion_matrix(labels, called, labels=[0, 1])
    assert matrix.tolist() == [[counts.true_real, counts.false_fake], [counts.false_real, counts.true_fake]]
    assert metrics.accuracy(counts) == pytest.approx(oracle.accuracy_score(labels, called), abs=1e-12)
    expected = oracle.balanced_accuracy_score(labels, called)
    assert metrics.balanced_accuracy(counts) == pytest.approx(expected, abs=1e-12)
    assert metrics.mcc(counts) == pytest.approx(oracle.matthews_corrcoef(labels, called), abs=1e-12)
    table = oracle.precision_recall_fscore_support(labels, called, labels=[0, 1], zero_division=np.nan)
    for row, name in enumerate(("real", "fake")):
        ours = (metrics.precision(counts, name), metrics.recall(counts, name))
        for own, other in zip(ours, (table[0][row], table[1][row]), strict=True):
            assert own is None if np.isnan(other) else own == pytest.approx(other, abs=1e-12)
        assert metrics.f1(counts, name) == pytest.approx(table[2][row], abs=1e-12)


@given(BOTH)
def test_losses_agree_with_scikit_learn(rows):
    labels, scores = columns(rows)
    probabilities = 1 / (1 + np.exp(-scores))
    assert metrics.log_loss(labels, probabilities) == pytest.approx(
        oracle.log_loss(labels, probabilities, labels=[0, 1]), abs=1e-12
    )
    assert metrics.brier(labels, probabilities) == pytest.approx(
        oracle.brier_score_loss(labels, probabilities, pos_label=1), abs=1e-12
    )


def test_a_sure_and_wrong_probability_has_a_finite_loss():
    assert metrics.log_loss([0], [1.0]) == pytest.approx(15 * np.log(10), rel=1e-2)


@pytest.mark.parametrize("labels", [[], [1, 1], [0]])
def test_a_slice_without_both_classes_has_no_ranking(labels):
    scores = [0.5] * len(labels)
    assert metrics.roc_auc(labels, scores) is None
    assert metrics.average_precision(labels, scores) is None


def test_an_empty_slice_has_no_figures():
    counts = metrics.confusion([], [])
    assert counts.total == 0
    assert metrics.accuracy(counts) is None
    assert metrics.balanced_accuracy(counts) is metrics.mcc(counts) is None
    assert metrics.log_loss([], []) is None
    assert metrics.brier([], []) is None
    for name in ("real", "fake"):
        assert (
            metrics.precision(counts, name)
            is metrics.recall(counts, name)
            is metrics.f1(counts, name)
            is None
        )


def test_one_class_has_no_mcc_but_one_answer_for_all_has_none_at_all():
    assert metrics.mcc(metrics.confusion([1, 1], [0, 1])) is None
    assert metrics.mcc(metrics.confusion([1, 0], [1, 1])) == 0


def test_precision_of_a_class_never_called_is_none_but_its_f1_is_zero():
    counts = metrics.confusion([1, 0], [0, 0])
    assert metrics.precision(counts, "fake") is None
    assert metrics.f1(counts, "fake") == 0


@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        ([0, 1], [0.1, float("nan")], "NaN"),
        ([0, 2], [0.1, 0.2], "0 \\(real\\) and 1 \\(fake\\)"),
        ([0, 1], [0.1], "one score a picture"),
        ([[0, 1]], [[0.1, 0.2]], "one row"),
    ],
)
@pytest.mark.parametrize("metric", [metrics.roc_auc, metrics.average_precision, metrics.log_loss])
def test_misuse_is_refused(metric, labels, scores, message):
    with pytest.raises(UsageError, match=message):
        metric(labels, scores)


def test_logits_are_not_taken_for_probabilities():
    with pytest.raises(UsageError, match="not logits"):
        metrics.brier([0, 1], [-2.0, 3.0])


def test_midranks_share_ties():
    assert metrics.midranks(np.array([10.0, 20, 10, 30])).tolist() == [1.5, 3, 1.5, 4]
