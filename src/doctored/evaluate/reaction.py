"""How a detector does on changed copies of pictures: the figures of one cell, of one attack."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from doctored.detector import Card
from doctored.measure import intervals, metrics
from doctored.measure.summary import Figure, figure, proportion
from doctored.records import Label

Figures = dict[str, Figure]


def describe_reaction(
    card: Card,
    labels: NDArray[np.uint8],
    logits: NDArray[np.float64],
    is_inside: NDArray[np.bool_],
    budget: float,
) -> Figures:
    """Figures of calibrated logits, float64 [N]; `is_inside` tells what lies in the domain by its distance.

    `accuracy` cuts at probability one half, `accuracy_at_threshold` where the detector says fake at the
    budget. `unsure`, `error` (wrong among the answers), `real_called_fake` and `fake_called_real` are of the
    three-way answer, in which what lies outside the domain is `unsure`.
    """
    threshold = card.threshold("fake", budget).logit
    said = np.array([card.decide(float(logit), budget) for logit in logits], dtype=object)
    said[~is_inside] = Label.UNSURE
    fakes, reals = labels == 1, labels == 0
    false_alarms = int((said[reals] == Label.FAKE).sum())
    misses = int((said[fakes] == Label.REAL).sum())
    unsure = int((said == Label.UNSURE).sum())
    auc = metrics.roc_auc(labels, logits)
    return {
        "accuracy": share((logits >= 0) == fakes),
        "accuracy_at_threshold": share((logits >= threshold) == fakes),
        "roc_auc": figure(auc, len(labels), intervals.auc_interval(labels, logits)),
        "unsure": proportion(unsure, len(labels)),
        "error": proportion(false_alarms + misses, len(labels) - unsure),
        "real_called_fake": proportion(false_alarms, int(reals.sum())),
        "fake_called_real": proportion(misses, int(fakes.sum())),
    }


def commoner_share(labels: NDArray[np.uint8]) -> float:
    """The accuracy of who always gives the commoner answer, on labels uint8 [N]; one half without any."""
    fakes = float(labels.mean()) if labels.size else 0.5
    return max(fakes, 1 - fakes)


def share(is_so: NDArray[np.bool_]) -> Figure:
    return proportion(int(is_so.sum()), is_so.size)


def mean_figure(values: Sequence[float] | NDArray[np.float64], replicates: int = 2000) -> Figure:
    """A mean over pictures with a bootstrap interval over them (Efron 1979); seeded."""
    array = np.asarray(values, dtype=np.float64)
    if not array.size:
        return Figure(None, 0)
    draw = np.random.default_rng(0).integers(0, array.size, (replicates, array.size))
    low, high = np.quantile(array[draw].mean(axis=1), [0.025, 0.975])
    return Figure(float(array.mean()), array.size, float(low), float(high))


def figures_json(figures: Figures) -> dict[str, Any]:
    return {name: figure.to_json() for name, figure in figures.items()}
