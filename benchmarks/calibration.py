"""`calibration.*`: do the shipped detectors' probabilities and thresholds hold on the official test split?

    python -m benchmarks.calibration --data cifake.zip [--detector NAME --detector FILE ...]

`calibration.ece`: 15 bars of equally many pictures, the worst detector; the interval is conservative
(docs/evaluate.md). `calibration.fpr1_bound`: how many real pictures the 1 % point, bought on validation,
calls fake: the one-sided 95 % upper bound, the worst detector; `.rate` is the rate itself.
`calibration.selective`: the accuracy among pictures at least as sure as the cut that let 95 % of validation
through, of the first detector named; `.answered`, how many that are here. The rate counts every real picture
at the threshold or beyond, as when it was bought; `.in_domain` leaves out those that get no answer because of
their domain distance. Every detector's own figures have its name at their end.
"""

import sys
from collections.abc import Sequence

from benchmarks import options as commands
from benchmarks.results_file import Figure, kept, share
from doctored.evaluate import Evaluation, evaluate
from doctored.evaluate.charts import describe_cut
from doctored.measure import summary
from doctored.measure.intervals import upper_bound
from doctored.measure.selective import CUT

SHIPPED = ("cifake", "cifake-compact")
COVERAGE, BUDGET = 0.95, 0.01


def measure(evaluation: Evaluation) -> dict[str, Figure]:
    """What one detector gives; no `.selective` for one whose card has no cut from validation."""
    judgements = evaluation.judgements
    scored = judgements.is_scored
    reals = judgements.logits[scored & (judgements.labels == 0)]
    called_fake = int((reals >= evaluation.card.threshold("fake", BUDGET).logit).sum())
    figures = {
        "ece": kept(evaluation.figures["ece_equal_mass"]),
        "fpr1_bound": Figure(upper_bound(called_fake, len(reals)), "share", len(reals)),
        "fpr1_bound.rate": share(called_fake, len(reals)),
        "fpr1_bound.in_domain": kept(evaluation.outcome.real_called_fake),
    }
    bought = evaluation.card.card.metrics.get(CUT.format(COVERAGE))
    if bought is not None:
        found = describe_cut(
            judgements.labels[scored], judgements.logits[scored], COVERAGE, bought.value, "validation"
        )
        risk, answered = (summary.Figure(**found[key]) for key in ("risk", "answered"))
        assert risk.value is not None
        assert risk.low is not None
        assert risk.high is not None
        figures["selective"] = Figure(1 - risk.value, "share", risk.n, 1 - risk.high, 1 - risk.low)
        figures["selective.answered"] = kept(answered)
    return figures


def main(arguments: Sequence[str] | None = None) -> None:
    parser = commands.parser(__doc__ or "", timed=False)
    parser.add_argument(
        "--detector", action="append", help="a name from the shelf, or a file; the larger first"
    )
    options = parser.parse_args(arguments)
    data = commands.data_of(options)
    by_name = {}
    for name in options.detector or SHIPPED:
        evaluation = evaluate(name, data, "test", budget=BUDGET)
        shown = evaluation.card.name.replace("-", "_")
        if shown in by_name:
            sys.exit(f"two of these detectors are called {evaluation.card.name}; give them one by one")
        by_name[shown] = measure(evaluation)
    first = next(iter(by_name.values()))
    worst = {
        key: max((found[key] for found in by_name.values()), key=lambda figure: figure.value)
        for key in ("ece", "fpr1_bound", "fpr1_bound.rate")
    }
    chosen = worst | {key: figure for key, figure in first.items() if key.startswith("selective")}
    figures = {f"calibration.{key}": figure for key, figure in chosen.items()}
    for name, found in by_name.items():
        figures |= {f"calibration.{key}.{name}": figure for key, figure in found.items()}
    commands.finish("calibration", figures, options)


if __name__ == "__main__":
    main()
