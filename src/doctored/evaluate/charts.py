"""The curves of an evaluation, as points for charts: ROC, precision–recall, reliability, risk–coverage."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from doctored.detector import Card
from doctored.measure import intervals, metrics, selective
from doctored.measure.calibrate import expected_calibration_error, reliability, sigmoid
from doctored.measure.isotonic import fit_isotonic
from doctored.measure.ranking import Ranking, precision_recall, roc, thin
from doctored.measure.summary import figure, proportion

Labels = NDArray[np.uint8]
Logits = NDArray[np.float64]
COVERAGES = (1.0, 0.99, 0.95, 0.9, 0.8)


def describe_curves(card: Card, labels: Labels, logits: Logits) -> dict[str, Any]:
    """`roc`, `precision_recall`, `reliability` and `risk_coverage` of `evaluation.json`."""
    return {
        **describe_ranking(labels, logits),
        "reliability": describe_reliability(labels, logits),
        "risk_coverage": describe_selection(card, labels, logits),
    }


def describe_ranking(labels: Labels, logits: Logits) -> dict[str, Any]:
    ranking = Ranking.of(labels, logits)
    steps = ranking.count()
    if not steps.has_both:
        return {"roc": None, "precision_recall": None}
    false, true = roc(steps)
    recall, precision = precision_recall(steps)
    cuts = ranking.scores.tolist()
    return {
        "roc": _points(false, true, [None, *cuts]),
        "precision_recall": _points(recall, precision, cuts),
    }


def describe_reliability(labels: Labels, logits: Logits) -> dict[str, Any]:
    """Bars of equally many pictures, and the isotonic curve beside them."""
    probabilities = sigmoid(logits)
    bars = []
    for bar in reliability(labels, probabilities, equal_mass=True):
        share = intervals.wilson(round(bar.share_fake * bar.n), bar.n)
        assert share is not None  # a bar has pictures
        bars.append({**bar._asdict(), "share_low": share.low, "share_high": share.high})
    fitted = fit_isotonic(labels, probabilities)
    crossed = _cross_isotonic(labels, probabilities)
    log_loss = metrics.log_losses(labels, crossed)
    ece = expected_calibration_error(labels, crossed, equal_mass=True)
    mean = float(log_loss.mean()) if len(labels) else None
    return {
        "bars": bars,
        "isotonic": [] if fitted is None else _points(fitted.scores, fitted.probabilities),
        "isotonic_figures": {
            "log_loss": figure(mean, len(labels), intervals.mean_interval(log_loss)).to_json(),
            "ece_equal_mass": figure(ece, len(labels)).to_json(),
        },
    }


def _cross_isotonic(labels: Labels, probabilities: Logits) -> Logits:
    """Each half of the pictures, dealt by seed, calibrated by the isotonic fit of the other half."""
    half = np.random.default_rng(0).permutation(len(labels)) % 2 == 0
    crossed = probabilities.copy()
    for side in (half, ~half):
        fitted = fit_isotonic(labels[~side], probabilities[~side])
        if fitted is not None:
            least = 1 / (np.count_nonzero(~side) + 2)  # of so many pictures nothing surer can be learnt
            crossed[side] = np.clip(fitted.apply(probabilities[side]), least, 1 - least)
    return crossed


def describe_selection(card: Card, labels: Labels, logits: Logits) -> dict[str, Any]:
    """Selective risk against coverage, and rows of it: cut on these pictures, and cut on validation."""
    curve = selective.risk_coverage(labels, logits)
    places = thin(curve.coverage, curve.risk)
    points = np.stack([curve.coverage, curve.risk, curve.cut], axis=1)[places]
    rows = []
    if len(labels):
        cuts = [(share, selective.cut_for_coverage(logits, share), "these") for share in COVERAGES]
        for share in selective.COVERAGES:
            if bought := card.card.metrics.get(selective.CUT.format(share)):
                cuts.append((share, bought.value, "validation"))
        rows = [describe_cut(labels, logits, *cut) for cut in cuts]
    return {"points": points.tolist(), "area": curve.area, "rows": rows}


def describe_cut(labels: Labels, logits: Logits, coverage: float, cut: float, source: str) -> dict[str, Any]:
    """What answering only where |logit| is at least `cut` gives."""
    answered = np.abs(logits) >= cut
    wrong = answered & ((logits >= 0) != labels)
    n = int(answered.sum())
    return {
        "coverage": coverage,
        "cut": cut,
        "from": source,
        "answered": proportion(n, len(labels)).to_json(),
        "risk": proportion(int(wrong.sum()), n).to_json(),
    }


def _points(x: Logits, y: Logits, cuts: list[float | None] | None = None) -> list[list[float | None]]:
    places = thin(x, y).tolist()
    ends = [[] if cuts is None else [cuts[place]] for place in places]
    return [[float(x[place]), float(y[place]), *end] for place, end in zip(places, ends, strict=True)]
