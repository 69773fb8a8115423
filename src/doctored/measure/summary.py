"""The figures of one slice, each with n and a 95 % interval: what cards, reports and `evaluate` print."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from doctored.measure import intervals, metrics
from doctored.measure.calibrate import expected_calibration_error, sigmoid
from doctored.measure.intervals import Interval

SIDES = ((0, "real"), (1, "fake"))


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
    """All figures of a detector; `labels` [N] with fake = 1, `logits` float [N] (calibrated).

    Keys: those of `summarise_decision`, roc_auc, average_precision, log_loss, brier, ece.
    """
    truth = metrics.as_labels(labels)
    values = metrics.as_scores(truth, logits)
    probabilities = sigmoid(values)
    n = truth.size
    figures = summarise_decision(truth, values)
    figures["roc_auc"] = figure(metrics.roc_auc(truth, values), n, intervals.auc_interval(truth, values))
    resampled = intervals.bootstrap(metrics.average_precision, truth, values)
    figures["average_precision"] = figure(metrics.average_precision(truth, values), n, resampled)
    for name, losses in (
        ("log_loss", metrics.log_losses(truth, probabilities)),
        ("brier", metrics.brier_losses(truth, probabilities)),
    ):
        mean = float(np.mean(losses)) if n else None
        figures[name] = figure(mean, n, intervals.mean_interval(losses))
    figures["ece"] = figure(expected_calibration_error(truth, probabilities), n)
    return figures


def summarise_decision(labels: ArrayLike, logits: ArrayLike) -> dict[str, Figure]:
    """The figures of calling fake what has logit 0 (probability one half) or more.

    Keys: accuracy, balanced_accuracy, precision_real, recall_real, f1_real, the same for fake. Precision's
    n is how many were called so, recall's how many are so, F1's the union of both.
    """
    truth = metrics.as_labels(labels)
    counts = metrics.confusion(truth, metrics.as_scores(truth, logits) >= 0)
    recalls = [metrics.recall(counts, name) for _, name in SIDES]
    both = [value for value in recalls if value is not None]
    figures = {
        "accuracy": proportion(counts.correct, counts.total),
        "balanced_accuracy": figure(sum(both) / 2 if len(both) == 2 else None, counts.total),
    }
    for _, name in SIDES:
        right, wrong, missed = counts.of_class(name)
        interval = intervals.f1_interval(right, wrong, missed)
        figures[f"precision_{name}"] = proportion(right, right + wrong)
        figures[f"recall_{name}"] = proportion(right, right + missed)
        figures[f"f1_{name}"] = figure(metrics.f1(counts, name), right + wrong + missed, interval)
    return figures


def classification_report(labels: ArrayLike, logits: ArrayLike) -> str:
    """Precision, recall and F1 by class with their intervals, tab-separated, one class a line."""
    figures = summarise_decision(labels, logits)
    truth = metrics.as_labels(labels)
    lines = ["class\tmetric\tvalue\tlow\thigh\tn"]
    for name in ("real", "fake"):
        for metric in ("precision", "recall", "f1"):
            lines.append("\t".join([name, metric, *_cells(figures[f"{metric}_{name}"])]))
    lines.append("\t".join(["both", "accuracy", *_cells(figures["accuracy"])]))
    lines += [f"{name}\tsupport\t{int((truth == target).sum())}\t\t\t{truth.size}" for target, name in SIDES]
    return "\n".join(lines) + "\n"


def _cells(shown: Figure) -> list[str]:
    numbers = ["" if value is None else f"{value:.6f}" for value in (shown.value, shown.low, shown.high)]
    return [*numbers, str(shown.n)]
