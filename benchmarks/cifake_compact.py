"""`cifake.compact.*`: the shipped detector on the official CIFAKE test split, through onnxruntime.

    python -m benchmarks.cifake_compact --data cifake.zip

Every choice was made on validation pictures when it was trained; this only measures.
"""

from collections.abc import Sequence

from benchmarks import options as commands
from benchmarks.results_file import Figure, kept
from doctored.evaluate import evaluate
from doctored.models import build_network, count_parameters

DETECTOR, TEST_PICTURES = "cifake-compact", 20_000
MEASURED = {
    "accuracy": "accuracy",
    "roc_auc": "auc",
    "average_precision": "average_precision",
    "f1_fake": "f1_fake",
    "f1_real": "f1_real",
    "ece": "calibration_error",
}


def main(arguments: Sequence[str] | None = None) -> None:
    options = commands.parser(__doc__ or "", timed=False).parse_args(arguments)
    evaluation = evaluate(DETECTOR, commands.data_of(options), "test")
    assert evaluation.counts["scored"] == TEST_PICTURES, evaluation.counts
    figures = {
        f"cifake.compact.{name}": kept(evaluation.figures[key], "share") for key, name in MEASURED.items()
    }
    outcome = evaluation.outcome
    for name in ("unsure", "error", "real_called_fake", "fake_called_real"):
        figures[f"cifake.compact.{name}_at_1_percent"] = kept(getattr(outcome, name), "share")
    parameters = count_parameters(build_network("compact"))
    assert f"{parameters:,} parameters" in evaluation.card.card.text
    figures["cifake.compact.parameters"] = Figure(parameters, "parameters", 1)
    commands.finish("cifake_compact", figures, options)


if __name__ == "__main__":
    main()
