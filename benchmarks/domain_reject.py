"""`domain.reject`: pictures of 32×32 that are no photos: the share that a CIFAKE detector calls `unsure`.

    python -m benchmarks.domain_reject --data cifake.zip --detector FILE

Noise, flat colour, gradients, drawings and text (benchmarks/outsiders.py), at the 1 % budget.
`domain.reject`: the kind with the least; `.KIND`: each; `.distance.KIND`: by the domain distance alone.
`.in_domain`: the share of CIFAKE's test pictures that the distance rejects, which has to be 1 % at most. IDs
get the detector's name where it is not `cifake`.
"""

from collections.abc import Sequence

import numpy as np

from benchmarks import options as commands
from benchmarks.outsiders import KINDS, make_outsiders
from benchmarks.results_file import Figure, share
from doctored.detector import DEFAULT_BUDGET, Detector, open_detector
from doctored.evaluate import evaluate
from doctored.records import Label


def measure(detector: Detector, count: int) -> dict[str, Figure]:
    figures: dict[str, Figure] = {}
    for kind in KINDS:
        predictions = detector.predict(list(make_outsiders(kind, count)), DEFAULT_BUDGET)
        unsure = sum(prediction.label is Label.UNSURE for prediction in predictions)
        figures[f".{kind}"] = share(unsure, count)
        outside = int(np.sum([not prediction.in_domain for prediction in predictions]))
        figures[f".distance.{kind}"] = share(outside, count)
    figures[""] = min((figures[f".{kind}"] for kind in KINDS), key=lambda figure: figure.value)
    return figures


def main(arguments: Sequence[str] | None = None) -> None:
    parser = commands.parser(__doc__ or "", timed=False)
    commands.add_detector(parser)
    parser.add_argument("--pictures", type=int, default=2000, help="how many of each kind")
    options = parser.parse_args(arguments)
    with open_detector(options.detector) as detector:
        name = detector.card.name
        figures = measure(detector, options.pictures)
        counts = evaluate(detector, commands.data_of(options), "test").counts
    figures[".in_domain"] = share(counts["outside_distance"], counts["scored"])
    own = commands.id_part(name)
    commands.finish(
        "domain_reject", {f"domain.reject{own}{key}": figure for key, figure in figures.items()}, options
    )


if __name__ == "__main__":
    main()
