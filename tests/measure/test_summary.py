import json

import numpy as np
import pytest
from sklearn import metrics

from doctored.measure.summary import classification_report, summarise

KEYS = {
    "accuracy", "balanced_accuracy", "precision_fake", "recall_fake", "f1_fake", "precision_real",
    "recall_real", "f1_real", "mcc", "roc_auc", "average_precision", "eer", "tpr_at_fpr_0.01",
    "tpr_at_fpr_0.001", "log_loss", "brier", "ece", "ece_equal_mass",
}  # fmt: skip


def test_every_figure_lies_inside_its_interval():
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 2, 300)
    figures = summarise(labels, 2 * labels - 1 + draw.normal(size=300))
    assert set(figures) == KEYS
    for name, figure in figures.items():
        assert 0 < figure.n <= 300, name
        if figure.low is not None:
            assert figure.low < figure.value < figure.high, name
    # a false positive rate of 0.1 % cannot be seen among 150 reals
    assert {name for name, figure in figures.items() if figure.low is None} == {"ece", "tpr_at_fpr_0.001"}
    assert figures["tpr_at_fpr_0.001"].value is None


def test_the_decision_is_at_half():
    figures = summarise([1, 1, 0, 0], [0.0, -0.1, -0.1, 0.1])
    assert figures["accuracy"].value == 0.5
    assert figures["recall_fake"].value == 0.5


@pytest.mark.parametrize("labels", [[], [1, 1], [0]])
def test_a_poor_slice_is_reported_without_made_up_numbers(labels):
    figures = summarise(labels, [1.0] * len(labels))
    assert set(figures) == KEYS
    assert figures["roc_auc"].value is None
    for name in ("balanced_accuracy", "mcc", "eer", "tpr_at_fpr_0.01"):
        assert figures[name].value is None
    assert figures["accuracy"].n == len(labels)
    json.dumps({name: figure.to_json() for name, figure in figures.items()}, allow_nan=False)


def test_the_report_agrees_with_scikit_learn():
    draw = np.random.default_rng(4)
    labels = draw.integers(0, 2, 200)
    logits = labels - 0.5 + draw.normal(size=200)
    lines = [line.split("\t") for line in classification_report(labels, logits).splitlines()]
    assert lines[0] == ["class", "metric", "value", "low", "high", "n"]
    found = {(row[0], row[1]): float(row[2]) for row in lines[1:]}
    expected = metrics.classification_report(
        labels, logits >= 0, target_names=["real", "fake"], output_dict=True
    )
    for name in ("real", "fake"):
        for ours, theirs in (("precision",) * 2, ("recall",) * 2, ("f1", "f1-score"), ("support",) * 2):
            assert found[name, ours] == pytest.approx(expected[name][theirs], abs=1e-6)
    assert found["both", "accuracy"] == pytest.approx(expected["accuracy"], abs=1e-6)


def test_the_report_leaves_open_what_cannot_be_said():
    assert "fake\trecall\t\t\t\t0\n" in classification_report([0], [-1.0])


def test_bootstrapped_figures_cover_what_is_true():
    """Two normals two deviations apart, calibrated: EER and TPR at 1 % FPR are known, the ECE is nought."""
    from scipy import stats

    draw, covered = np.random.default_rng(6), dict.fromkeys(("eer", "tpr_at_fpr_0.01", "mcc"), 0)
    rate = stats.norm.sf(1)
    truth = {"eer": rate, "tpr_at_fpr_0.01": stats.norm.sf(stats.norm.isf(0.01) - 2), "mcc": 1 - 2 * rate}
    tries, eces = 20, []
    for _ in range(tries):
        labels = np.repeat([0, 1], 400)
        figures = summarise(labels, 2 * (draw.normal(size=800) + 2 * (labels - 0.5)), replicates=60)
        for name in covered:
            covered[name] += figures[name].low <= truth[name] <= figures[name].high
        eces.append(figures["ece_equal_mass"])
    assert min(covered.values()) >= 0.75 * tries, covered
    assert all(ece.low <= ece.value <= ece.high for ece in eces)
    assert np.mean([ece.low for ece in eces]) < 0.01
