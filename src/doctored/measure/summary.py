"""The figures of one slice, each with n and a 95 % interval: what cards, reports and `evaluate` print."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from doctored.measure import intervals, metrics, ranking
from doctored.measure.calibrate import expected_calibration_error, place_in_bins, sigmoid
from doctored.measure.intervals import Interval
from doctored.measure.metrics import FloatArray, LabelArray
from doctored.measure.ranking import Ranking

SIDES = ((0, "real"), (1, "fake"))
FALSE_POSITIVE_RATES = (0.01, 0.001)
BINS = 15
LEAST_REPLICATES, MOST_DRAWN = 100, 20_000_000
"""A bootstrap of more than 40,000 rows draws fewer than 500 resamples: a million rows take seconds, too."""


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


def summarise(labels: ArrayLike, logits: ArrayLike, *, replicates: int = 500) -> dict[str, Figure]:
    """All figures of a detector; `labels` [N] with fake = 1, `logits` float [N] (calibrated).

    Keys: those of `summarise_decision`, mcc, roc_auc, average_precision, eer, tpr_at_fpr_0.01 and _0.001,
    log_loss, brier, ece (15 bars of equal width), ece_equal_mass (15 of equally many pictures). `replicates`
    is how many resamples the bootstrapped intervals are from.
    """
    truth = metrics.as_labels(labels)
    values = metrics.as_scores(truth, logits)
    probabilities = sigmoid(values)
    n = truth.size
    figures = summarise_decision(truth, values)
    figures["mcc"] = figure(metrics.mcc(metrics.confusion(truth, values >= 0)), n)
    figures["roc_auc"] = figure(metrics.roc_auc(truth, values), n, intervals.auc_interval(truth, values))
    figures["average_precision"] = figure(metrics.average_precision(truth, values), n)
    steps = Ranking.of(truth, values).count()
    figures["eer"] = figure(ranking.equal_error_rate(steps), n)
    for rate in FALSE_POSITIVE_RATES:
        figures[f"tpr_at_fpr_{rate:g}"] = figure(ranking.tpr_at_fpr(steps, rate), n)
    for name, losses in (
        ("log_loss", metrics.log_losses(truth, probabilities)),
        ("brier", metrics.brier_losses(truth, probabilities)),
    ):
        mean = float(np.mean(losses)) if n else None
        figures[name] = figure(mean, n, intervals.mean_interval(losses))
    figures["ece"] = figure(expected_calibration_error(truth, probabilities, BINS), n)
    equal_mass = expected_calibration_error(truth, probabilities, BINS, equal_mass=True)
    figures["ece_equal_mass"] = figure(equal_mass, n)
    return figures | _resampled(truth, values, figures, replicates)


def _resampled(
    truth: LabelArray, values: FloatArray, figures: dict[str, Figure], replicates: int
) -> dict[str, Figure]:
    """The figures whose intervals are bootstrapped, all on the same resamples, with their intervals."""
    ranked, called, probabilities = Ranking.of(truth, values), values >= 0, sigmoid(values)
    place = place_in_bins(probabilities, BINS, equal_mass=True)

    def statistics(drawn: LabelArray) -> dict[str, float | None]:
        steps = ranked.count(drawn)
        cells = np.bincount(2 * truth + called, weights=drawn, minlength=4).astype(np.int64).tolist()
        gaps = np.bincount(place, weights=drawn * (probabilities - truth))
        found = {
            "mcc": metrics.mcc(metrics.Confusion(cells[3], cells[1], cells[0], cells[2])),
            "average_precision": ranking.precision_area(steps),
            "eer": ranking.equal_error_rate(steps),
            "ece_equal_mass": float(np.abs(gaps).sum()) / truth.size,
        }
        for rate in FALSE_POSITIVE_RATES:
            found[f"tpr_at_fpr_{rate:g}"] = ranking.tpr_at_fpr(steps, rate)
        return {name: value for name, value in found.items() if figures[name].value is not None}

    affordable = max(LEAST_REPLICATES, MOST_DRAWN // max(1, truth.size))
    found = intervals.bootstrap_all(statistics, truth.size, replicates=min(replicates, affordable))
    value, interval = figures["ece_equal_mass"].value, found.get("ece_equal_mass")
    if value is not None and interval is not None:
        # Noise alone makes an ECE larger, a resample's twice over: the lower end is the basic bootstrap's
        # (Davison & Hinkley 1997, §5.2), the upper one stays on the safe side.
        found["ece_equal_mass"] = Interval(
            min(value, max(0.0, 2 * value - interval.high)), max(value, interval.high)
        )
    value, interval = figures["eer"].value, found.get("eer")
    if value is not None and interval is not None:
        # The hull fits a resample's copies, too, and its rate is less: the upper end is the basic bootstrap's
        # where that is larger.
        found["eer"] = Interval(min(value, interval.low), max(interval.high, 2 * value - interval.low))
    return {name: figure(figures[name].value, figures[name].n, interval) for name, interval in found.items()}


def summarise_decision(labels: ArrayLike, logits: ArrayLike) -> dict[str, Figure]:
    """The figures of calling fake what has logit 0 (probability one half) or more.

    Keys: accuracy, balanced_accuracy, precision_real, recall_real, f1_real, the same for fake. Precision's
    n is how many were called so, recall's how many are so, F1's the union of both.
    """
    truth = metrics.as_labels(labels)
    counts = metrics.confusion(truth, metrics.as_scores(truth, logits) >= 0)
    figures = {
        "accuracy": proportion(counts.correct, counts.total),
        "balanced_accuracy": figure(
            metrics.balanced_accuracy(counts), counts.total, _balanced_interval(counts)
        ),
    }
    for _, name in SIDES:
        right, wrong, missed = counts.of_class(name)
        interval = intervals.f1_interval(right, wrong, missed)
        figures[f"precision_{name}"] = proportion(right, right + wrong)
        figures[f"recall_{name}"] = proportion(right, right + missed)
        figures[f"f1_{name}"] = figure(metrics.f1(counts, name), right + wrong + missed, interval)
    return figures


def _balanced_interval(counts: metrics.Confusion) -> Interval | None:
    recalls = []
    for _, name in SIDES:
        right, _, missed = counts.of_class(name)
        interval = intervals.wilson(right, right + missed)
        if interval is None:
            return None
        recalls.append((right / (right + missed), interval))
    (one, one_interval), (other, other_interval) = recalls
    return intervals.mean_of_two(one_interval, other_interval, (one, other))


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
