"""The figures of one slice, each with n and a 95 % interval: what cards, reports and `evaluate` print."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from doctored.measure import intervals, metrics
from doctored.measure.calibrate import expected_calibration_error, sigmoid
from doctored.measure.intervals import Interval


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with the number of pictures behind it; None where the slice cannot have it."""

    value: float | None
    n: int
    low: float | None = None
    high: float | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def figure(value: float | None, n: int, interval: Interval | None = None) -> Figure:
    return Figure(value, n, *interval) if value is not None and interval else Figure(value, n)


def proportion(part: int, whole: int) -> Figure:
    """A share with Wilson's interval."""
    return figure(metrics.ratio(part, whole), whole, intervals.wilson(part, whole))


def summarise(labels: ArrayLike, logits: ArrayLike) -> dict[str, Figure]:
    """All figures of a detector at probability 0.5; `labels` [N] with fake = 1, `logits` float [N].

    Keys: accuracy, balanced_accuracy, precision_fake, recall_fake, f1_fake, the same for real, roc_auc,
    average_precision, log_loss, brier, ece. Precision's n is how many were called so, recall's how many
    are so, F1's the union of both.
    """
    truth = metrics.as_labels(labels)
    values = metrics.as_scores(truth, logits)
    probabilities = sigmoid(values)
    counts = metrics.confusion(truth, values >= 0)
    n = counts.total
    recalls = [metrics.recall(counts, name) for name in ("fake", "real")]
    both = [value for value in recalls if value is not None]
    figures = {
        "accuracy": proportion(counts.correct, n),
        "balanced_accuracy": figure(sum(both) / 2 if len(both) == 2 else None, n),
    }
    for name in ("fake", "real"):
        right, wrong, missed = counts.of_class(name)
        figures[f"precision_{name}"] = proportion(right, right + wrong)
        figures[f"recall_{name}"] = proportion(right, right + missed)
        figures[f"f1_{name}"] = figure(
            metrics.f1(counts, name), right + wrong + missed, intervals.f1_interval(right, wrong, missed)
        )
    figures["roc_auc"] = figure(metrics.roc_auc(truth, values), n, intervals.auc_interval(truth, values))
    precision_interval = intervals.bootstrap(metrics.average_precision, truth, values)
    figures["average_precision"] = figure(metrics.average_precision(truth, values), n, precision_interval)
    for name, losses in (
        ("log_loss", metrics.log_losses(truth, probabilities)),
        ("brier", metrics.brier_losses(truth, probabilities)),
    ):
        mean = float(np.mean(losses)) if n else None
        figures[name] = figure(mean, n, intervals.mean_interval(losses))
    figures["ece"] = figure(expected_calibration_error(truth, probabilities), n)
    return figures
