"""`metrics.oracle`: our metrics against scikit-learn's, on many seeded cases with ties and rare classes.

    python -m benchmarks.metrics_oracle

`metrics.oracle` is the largest difference of all figures of all cases (of a curve: of all its points), n the
number of figures compared. Cases have 1 to 400 pictures, scores with few or no ties, and shares of fakes
from none to all; a figure that a case cannot have must be None (scikit-learn warns, or gives NaN there).
Scores that are NaN must be refused. `.cases` and `.refused` count both.
"""

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from sklearn import metrics as oracle
from sklearn.calibration import calibration_curve
from sklearn.isotonic import IsotonicRegression

from benchmarks import options as commands
from benchmarks.results_file import Figure
from doctored.errors import UsageError
from doctored.measure import calibrate, isotonic, likelihood, metrics, ranking, selective
from doctored.measure.ranking import Ranking

CASES = 4000
Pair = tuple[Any, Any]


def draw_case(seed: int) -> tuple[Any, Any]:
    """Labels and scores; every tenth case has one class only."""
    draw = np.random.default_rng(seed)
    n = int(draw.integers(1, 401))
    share = draw.choice([0.0, 1.0]) if seed % 10 == 0 else draw.choice([0.02, 0.5, 0.9])
    labels = (draw.random(n) < share).astype(int)
    scores = draw.normal(size=n) * draw.choice([0.3, 3]) + labels
    decimals = draw.choice([0, 1, 6])  # few values, some ties, hardly any
    return labels, np.round(scores, decimals)


def compare(labels: Any, scores: Any) -> Iterator[Pair]:
    """Ours and theirs, figure by figure; theirs None where the case cannot have the figure."""
    has_both = 0 < labels.sum() < len(labels)
    called, probabilities = scores >= 0, calibrate.sigmoid(scores)
    counts = metrics.confusion(labels, called)
    yield metrics.accuracy(counts), oracle.accuracy_score(labels, called)
    for number, name in enumerate(("real", "fake")):
        table = oracle.precision_recall_fscore_support(labels, called, labels=[0, 1], zero_division=np.nan)
        for ours, theirs in zip((metrics.precision, metrics.recall, metrics.f1), table[:3], strict=True):
            value = float(theirs[number])
            yield ours(counts, name), None if math.isnan(value) else value
    yield metrics.log_loss(labels, probabilities), oracle.log_loss(labels, probabilities, labels=[0, 1])
    yield metrics.brier(labels, probabilities), oracle.brier_score_loss(labels, probabilities, pos_label=1)
    for equal_mass, strategy in ((False, "uniform"), (True, "quantile")):
        bars = calibrate.reliability(labels, probabilities, equal_mass=equal_mass)
        theirs = calibration_curve(labels, probabilities, pos_label=1, n_bins=15, strategy=strategy)
        yield [bar.share_fake for bar in bars], theirs[0]
        yield [bar.mean_probability for bar in bars], theirs[1]
    fitted, expected = isotonic.fit_isotonic(labels, scores), IsotonicRegression().fit(scores, labels)
    assert fitted is not None
    yield fitted.apply(scores), expected.predict(scores)
    curve = selective.risk_coverage(labels, scores)
    yield 1 - curve.risk[-1], oracle.accuracy_score(labels, called)
    yield from compare_rankings(labels, scores, has_both, fitted.apply(scores))
    both = (metrics.balanced_accuracy(counts), oracle.balanced_accuracy_score(labels, called))
    yield both if has_both else (both[0], None)
    yield metrics.mcc(counts), oracle.matthews_corrcoef(labels, called) if has_both else None


def compare_rankings(labels: Any, scores: Any, has_both: bool, shares: Any) -> Iterator[Pair]:
    steps = Ranking.of(labels, scores).count()
    if not has_both:
        for ours in (metrics.roc_auc, metrics.average_precision, likelihood.cllr, likelihood.cllr_min):
            yield ours(labels, scores), None
        yield ranking.equal_error_rate(steps), None
        yield ranking.tpr_at_fpr(steps, 0.5), None
        return
    yield metrics.roc_auc(labels, scores), oracle.roc_auc_score(labels, scores)
    area = oracle.average_precision_score(labels, scores)
    yield metrics.average_precision(labels, scores), area
    yield ranking.precision_area(steps), area
    false, true, _ = oracle.roc_curve(labels, scores, drop_intermediate=False)
    yield ranking.roc(steps)[0], false
    yield ranking.roc(steps)[1], true
    precision, recall, _ = oracle.precision_recall_curve(labels, scores)
    yield ranking.precision_recall(steps)[1], precision[:-1][::-1]
    yield ranking.precision_recall(steps)[0], recall[:-1][::-1]
    for rate in (0.01, 0.1, 0.5):
        seen = rate * (labels == 0).sum() >= 1
        yield ranking.tpr_at_fpr(steps, rate), true[false <= rate + 1e-12].max() if seen else None
    weights = np.where(labels == 1, 0.5 / labels.sum(), 0.5 / (labels == 0).sum())
    balanced = oracle.log_loss(labels, calibrate.sigmoid(scores), sample_weight=weights, labels=[0, 1])
    yield likelihood.cllr(labels, scores), balanced / math.log(2)
    odds = labels.sum() / (labels == 0).sum()
    with np.errstate(divide="ignore"):
        ratios = shares / (1 - shares) / odds
        sides = np.log2(1 + 1 / ratios[labels == 1]), np.log2(1 + ratios[labels == 0])
    yield likelihood.cllr_min(labels, scores), (sides[0].mean() + sides[1].mean()) / 2


def difference(ours: Any, theirs: Any) -> float:
    """The largest absolute difference; infinite where only one of them is None or the lengths differ."""
    if ours is None or theirs is None:
        return 0.0 if ours is None and theirs is None else math.inf
    ours, theirs = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    return float(np.abs(ours - theirs).max()) if ours.shape == theirs.shape else math.inf


def refuses_nan(labels: Any, scores: Any) -> bool:
    spoilt = np.array([math.nan, *scores[1:]])
    takers: tuple[Callable[[Any, Any], Any], ...] = (
        metrics.roc_auc, metrics.average_precision, metrics.log_loss, metrics.brier, likelihood.cllr,
        Ranking.of, calibrate.reliability, selective.risk_coverage, isotonic.fit_isotonic,
    )  # fmt: skip
    for taker in takers:
        try:
            taker(labels, spoilt)
        except UsageError:
            continue
        return False
    return True


def main(arguments: Sequence[str] | None = None) -> None:
    parser = commands.parser(__doc__ or "", timed=False)
    parser.add_argument("--cases", type=int, default=CASES)
    options = parser.parse_args(arguments)
    largest, compared, refused = 0.0, 0, 0
    for seed in range(options.cases):
        labels, scores = draw_case(seed)
        refused += refuses_nan(labels, scores)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scikit-learn warns of slices that lack a class
            for ours, theirs in compare(labels, scores):
                largest, compared = max(largest, difference(ours, theirs)), compared + 1
    figures = {
        "metrics.oracle": Figure(largest, "difference", compared),
        "metrics.oracle.cases": Figure(options.cases, "cases", options.cases),
        "metrics.oracle.refused": Figure(refused / options.cases, "share", options.cases),
    }
    commands.finish("metrics_oracle", figures, options)


if __name__ == "__main__":
    main()
