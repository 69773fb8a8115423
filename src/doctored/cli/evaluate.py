"""`doctored evaluate`: a detector and a labelled data set in, figures out."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from doctored.cli.data_options import shown_progress
from doctored.records import Label

if TYPE_CHECKING:
    from doctored.evaluate import Evaluation
    from doctored.measure.summary import Figure

ROWS = (
    ("accuracy", "accuracy"),
    ("precision, real", "precision_real"),
    ("recall, real", "recall_real"),
    ("F1, real", "f1_real"),
    ("precision, fake", "precision_fake"),
    ("recall, fake", "recall_fake"),
    ("F1, fake", "f1_fake"),
    ("ROC AUC", "roc_auc"),
    ("average precision", "average_precision"),
    ("log loss", "log_loss"),
    ("Brier score", "brier"),
    ("calibration error", "ece"),
)
TROUBLES = (
    ("undecodable", "could not be decoded and are in no figure"),
    ("outside_size", "are of a size outside the domain and are in no figure"),
    ("outside_distance", "lie outside the domain by their distance; scored, but answered unsure"),
    ("broken_in_pack", "were left out of the pack as broken"),
)


def command(
    detector: Annotated[str, typer.Argument(metavar="DETECTOR", help="A name from the shelf, or a file.")],
    data: Annotated[
        Path,
        typer.Argument(metavar="DATA", help="A labelled data set (folder, archive, manifest), or a pack."),
    ],
    split: Annotated[str, typer.Option(help="train, val, test, or all.")] = "test",
    budget: Annotated[float, typer.Option(help="The error budget of the three-way answer.")] = 0.01,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the figures and every score here.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print evaluation.json instead of tables.")] = False,
) -> None:
    """Measure a detector on a labelled data set: every figure with n and its 95 % interval."""
    from doctored.evaluate import evaluate

    with shown_progress("judging") as progress:
        chosen = None if split == "all" else split
        evaluation = evaluate(detector, data, chosen, out, budget=budget, progress=progress)
    if as_json:
        typer.echo(json.dumps(evaluation.to_json(), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        typer.echo("\n".join(draw(evaluation)))
    if out is not None:
        typer.echo(f"written to {out}", err=as_json)
    if evaluation.counts["undecodable"]:
        raise typer.Exit(3)


def draw(evaluation: "Evaluation") -> Iterator[str]:
    """The tables, line by line."""
    counts = evaluation.counts
    part = f", split {evaluation.split}" if evaluation.split else ""
    yield f"{evaluation.card.name} {evaluation.card.version} on {evaluation.data}{part}"
    yield f"{counts['rows']:,} pictures, {counts['scored']:,} scored"
    yield from (f"{counts[key]:,} {says}" for key, says in TROUBLES if counts.get(key))
    yield f"\n{'at probability one half':<24}{'value':>8}  {'95 % interval':<18}{'n':>8}"
    yield from (draw_figure(title, evaluation.figures[key]) for title, key in ROWS)
    cells = evaluation.confusion
    yield f"\n{'confusion':<24}{'called real':>12}{'called fake':>12}"
    yield f"{'real':<24}{cells.true_real:>12,}{cells.false_fake:>12,}"
    yield f"{'fake':<24}{cells.false_real:>12,}{cells.true_fake:>12,}"
    outcome = evaluation.outcome
    title = f"at the {outcome.budget:.1%} budget"
    yield f"\n{title:<24}" + "".join(f"{'called ' + answer:>14}" for answer in outcome.table[Label.REAL])
    for truth, row in outcome.table.items():
        yield f"{truth:<24}" + "".join(f"{n:>14,}" for n in row.values())
    yield f"\n{'':<24}{'value':>8}  {'95 % interval':<18}{'n':>8}"
    yield draw_figure("without an answer", outcome.unsure)
    yield draw_figure("wrong among answers", outcome.error)
    yield draw_figure("real called fake", outcome.real_called_fake)
    yield draw_figure("fake called real", outcome.fake_called_real)


def draw_figure(title: str, figure: "Figure") -> str:
    value = "–" if figure.value is None else f"{figure.value:.4f}"
    interval = "–" if figure.low is None else f"{figure.low:.4f} to {figure.high:.4f}"
    return f"{title:<24}{value:>8}  {interval:<18}{figure.n:>8,}"
