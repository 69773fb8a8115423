"""An evaluation as files: `evaluation.json`, `classification_report.tsv`, `predictions.parquet` or `.csv`."""

import csv
import importlib.util
import json
import math
from pathlib import Path
from typing import Any

from doctored.data.files import written_aside
from doctored.evaluate.evaluation import Evaluation
from doctored.evaluate.outcome import answers
from doctored.measure.calibrate import sigmoid
from doctored.measure.summary import classification_report

RUN = "config.toml"


def write_artefacts(evaluation: Evaluation, folder: Path) -> None:
    """Write the three files; `evaluation.json` comes last, so where it is, all of them are.

    A run's folder keeps its own predictions, which training wrote of validation and test.
    """
    judgements = evaluation.judgements
    scored = judgements.is_scored
    report = classification_report(judgements.labels[scored], judgements.logits[scored])
    with written_aside(folder / "classification_report.tsv") as aside:
        aside.write_text(report, encoding="utf-8")
    if not (folder / RUN).is_file():
        _write_table(predictions(evaluation), folder)
    _write_json(evaluation.to_json(), folder / "evaluation.json")


def write_pooled(told: dict[str, Any], folder: Path) -> None:
    """Write `evaluations.json`, what several detectors have in common."""
    _write_json(told, folder / "evaluations.json")


def _write_json(value: dict[str, Any], path: Path) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    with written_aside(path) as aside:
        aside.write_text(text + "\n", encoding="utf-8")


def predictions(evaluation: Evaluation) -> dict[str, list[Any]]:
    """Columns of equal length, one row a picture, in the data's order; None where there is no score."""
    judgements = evaluation.judgements
    said = answers(evaluation.card, judgements, evaluation.outcome.budget)
    logits = [None if math.isnan(logit) else float(logit) for logit in judgements.logits]
    return {
        "id": list(judgements.manifest.column("id")),
        "split": list(judgements.manifest.column("split")),
        "label": list(judgements.manifest.column("label")),
        "logit": logits,
        "probability": [None if logit is None else float(sigmoid(logit)) for logit in logits],
        "answer": [None if answer is None else answer.value for answer in said],
        "problem": list(judgements.problems),
        "message": list(judgements.messages),
    }


def _write_table(columns: dict[str, list[Any]], folder: Path) -> None:
    if importlib.util.find_spec("pyarrow"):
        import pyarrow
        from pyarrow import parquet

        with written_aside(folder / "predictions.parquet") as aside:
            parquet.write_table(pyarrow.table(columns), aside)
        return
    with (
        written_aside(folder / "predictions.csv") as aside,
        aside.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
