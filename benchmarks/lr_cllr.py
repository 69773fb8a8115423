"""`lr.cllr`: do likelihood ratios from the calibrated logit cost more than they have to?

    python -m benchmarks.lr_cllr --data cifake.zip --detector FILE

On the official test split: `lr.cllr`, Cllr less its minimum, in bits, with a bootstrap interval (both on the
same 500 resamples); `.value` and `.minimum` are the two (Brümmer & du Preez 2006): 0 bits are perfect, 1 is
knowing nothing. IDs get the detector's name where it is not `cifake`.
"""

from collections.abc import Sequence

import numpy as np

from benchmarks import options as commands
from benchmarks.results_file import Figure
from doctored.evaluate import evaluate
from doctored.evaluate.examiners import find_prior
from doctored.measure import likelihood
from doctored.measure.intervals import bootstrap_all
from doctored.measure.metrics import LabelArray
from doctored.measure.ranking import Ranking


def main(arguments: Sequence[str] | None = None) -> None:
    parser = commands.parser(__doc__ or "", timed=False)
    commands.add_detector(parser)
    options = parser.parse_args(arguments)
    evaluation = evaluate(options.detector, commands.data_of(options), "test")
    scored = evaluation.judgements.is_scored
    labels = evaluation.judgements.labels[scored].astype(np.int64)
    prior, _ = find_prior(evaluation.card)
    ratios = likelihood.log_likelihood_ratios(evaluation.judgements.logits[scored], prior)
    ranking, costs = Ranking.of(labels, ratios), likelihood.log_ratio_costs(labels, ratios)

    def cost(drawn: LabelArray) -> float:
        sides = [drawn * (labels == target) for target in (0, 1)]
        return float(sum(np.dot(side, costs) / side.sum() for side in sides) / 2)

    def least(drawn: LabelArray) -> float:
        found = likelihood.least_cost(ranking.count(drawn))
        assert found is not None  # a resample of thousands has both classes
        return found

    def both(drawn: LabelArray) -> dict[str, float]:
        value, minimum = cost(drawn), least(drawn)
        return {"value": value, "minimum": minimum, "gap": value - minimum}

    found, values = bootstrap_all(both, len(labels)), both(np.ones(len(labels), np.int64))
    figures = {}
    own = f"lr.cllr{commands.id_part(evaluation.card.name)}"
    for key, name in (("gap", own), ("value", f"{own}.value"), ("minimum", f"{own}.minimum")):
        low, high = found[key] or (None, None)
        if low is not None and high is not None:  # pooling fits noise too: a resample's gap is larger
            low, high = min(low, values[key]), max(high, values[key])
        figures[name] = Figure(values[key], "bits", len(labels), low, high)
    commands.finish("lr_cllr", figures, options)


if __name__ == "__main__":
    main()
