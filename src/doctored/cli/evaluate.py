"""`doctored evaluate`: a detector and a labelled data set in, figures out."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from doctored.cli.data_options import shown_progress
from doctored.cli.evaluate_tables import draw, draw_pooled
from doctored.errors import UsageError

if TYPE_CHECKING:
    from doctored.evaluate import Evaluation


def command(
    detector: Annotated[
        list[str],
        typer.Argument(
            metavar="DETECTOR...",
            help="A name from the shelf, a file, or a run's folder; several are pooled, as seeds are.",
        ),
    ],
    data: Annotated[
        Path,
        typer.Argument(metavar="DATA", help="A labelled data set (folder, archive, manifest), or a pack."),
    ],
    split: Annotated[str, typer.Option(help="train, val, test, or all.")] = "test",
    budget: Annotated[float, typer.Option(help="The error budget of the three-way answer.")] = 0.01,
    against: Annotated[
        str | None,
        typer.Option(metavar="DETECTOR", help="Test the difference to this one, on the same pictures."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the figures and every score here.")
    ] = None,
    robustness: Annotated[
        bool, typer.Option("--robustness", help="Also distort and attack the pictures (takes --out).")
    ] = False,
    explanations: Annotated[
        bool, typer.Option("--explanations", help="Also test what the overlays show (takes --out).")
    ] = False,
    errors: Annotated[
        bool, typer.Option("--errors", help="Also keep the worst mistakes, with neighbours (takes --out).")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print evaluation.json instead of tables.")] = False,
) -> None:
    """Measure a detector on a labelled data set: every figure with n and its 95 % interval."""
    from doctored.evaluate import evaluate, evaluate_runs
    from doctored.evaluate.looks import Looks, look_further

    looks = Looks(robustness, explanations, errors)
    _refuse_mixtures(len(detector), against, any(looks), out)
    chosen = None if split == "all" else split
    with shown_progress("judging") as progress:
        if len(detector) > 1:
            evaluations, told = evaluate_runs(detector, data, chosen, out, budget=budget, progress=progress)
        else:
            evaluation = evaluate(
                detector[0], data, chosen, out, budget=budget, against=against, progress=progress
            )
            evaluations, told = [evaluation], evaluation.to_json()
    seen = []
    if any(looks) and out is not None:
        seen = look_further(detector[0], data, evaluations[0], out, looks, shown_progress, budget=budget)
    if as_json:
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        typer.echo("\n".join(draw(evaluations[0]) if len(evaluations) == 1 else _draw_all(evaluations, told)))
    for sentence in seen:
        typer.echo(sentence, err=as_json)
    if out is not None:
        typer.echo(f"written to {out}", err=as_json)
    if any(evaluation.counts["undecodable"] for evaluation in evaluations):
        raise typer.Exit(3)


def _refuse_mixtures(detectors: int, against: str | None, looks_further: bool, out: Path | None) -> None:
    if against is not None and detectors > 1:
        raise UsageError("--against compares one detector with another: name one before DATA")
    if looks_further and (out is None or detectors > 1):
        raise UsageError("a further look takes one detector, and a folder for its files: give --out DIR")


def _draw_all(evaluations: "list[Evaluation]", told: dict[str, Any]) -> list[str]:
    return list(draw_pooled([evaluation.card.name for evaluation in evaluations], told))
