"""`cifake.NAME.*`: shipped detectors on the official CIFAKE test split as it is, through onnxruntime.

    python -m benchmarks.cifake_clean --data cifake.zip --detector cifake-compact

Forced choice at one half, and the three-way answer at the 1 % budget. Every choice was made on validation
pictures when the detector was trained; this only measures. IDs get the detector's name less `cifake-`.
"""

import re
from collections.abc import Sequence

from benchmarks import options as commands
from benchmarks.results_file import Figure, kept
from doctored.evaluate import evaluate

TEST_PICTURES = 20_000
MEASURED = {
    "accuracy": "accuracy",
    "roc_auc": "auc",
    "average_precision": "average_precision",
    "f1_fake": "f1_fake",
    "f1_real": "f1_real",
    "ece": "calibration_error",
}
PARAMETERS = re.compile(r"([\d,]+) parameters")


def count_parameters(text: str) -> int:
    """How many parameters a card says that its network has."""
    found = PARAMETERS.search(text)
    assert found is not None, text
    return int(found[1].replace(",", ""))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = commands.parser(__doc__ or "", timed=False)
    commands.add_detector(parser)
    options = parser.parse_args(arguments)
    evaluation = evaluate(options.detector, commands.data_of(options), "test")
    assert evaluation.counts["scored"] == TEST_PICTURES, evaluation.counts
    own = f"cifake{commands.id_part(evaluation.card.name)}"
    figures = {f"{own}.{name}": kept(evaluation.figures[key]) for key, name in MEASURED.items()}
    outcome = evaluation.outcome
    for name in ("unsure", "error", "real_called_fake", "fake_called_real"):
        figures[f"{own}.{name}_at_1_percent"] = kept(getattr(outcome, name))
    figures[f"{own}.parameters"] = Figure(count_parameters(evaluation.card.card.text), "parameters", 1)
    commands.finish("cifake_clean", figures, options)


if __name__ == "__main__":
    main()
