import json

import numpy as np
import pytest

from doctored.measure.summary import summarise

KEYS = {
    "accuracy", "balanced_accuracy", "precision_fake", "recall_fake", "f1_fake", "precision_real",
    "recall_real", "f1_real", "roc_auc", "average_precision", "log_loss", "brier", "ece",
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
    assert {name for name, figure in figures.items() if figure.low is None} == {"balanced_accuracy", "ece"}


def test_the_decision_is_at_half():
    figures = summarise([1, 1, 0, 0], [0.0, -0.1, -0.1, 0.1])
    assert figures["accuracy"].value == 0.5
    assert figures["recall_fake"].value == 0.5


@pytest.mark.parametrize("labels", [[], [1, 1], [0]])
def test_a_poor_slice_is_reported_without_made_up_numbers(labels):
    figures = summarise(labels, [1.0] * len(labels))
    assert set(figures) == KEYS
    assert figures["roc_auc"].value is None
    assert figures["balanced_accuracy"].value is None
    assert figures["accuracy"].n == len(labels)
    json.dumps({name: figure.to_json() for name, figure in figures.items()}, allow_nan=False)
