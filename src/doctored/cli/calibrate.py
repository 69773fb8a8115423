"""`doctored calibrate`: a detector and your own labelled pictures in, a detector for such pictures out."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from doctored.cli.data_options import shown_progress
from doctored.errors import MissingExtra

if TYPE_CHECKING:
    from doctored.evaluate.recalibrate import Recalibrated


def command(
    detector: Annotated[
        str, typer.Argument(metavar="DETECTOR", help="A name from the shelf, a file, or a run's folder.")
    ],
    data: Annotated[
        Path,
        typer.Argument(metavar="DATA", help="Your labelled pictures (folder, archive, manifest), or a pack."),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="The new file; else NAME-calibrated.onnx."),
    ] = None,
    split: Annotated[str, typer.Option(help="train, val, test, or all.")] = "all",
    name: Annotated[str | None, typer.Option(help="The new detector's name; else NAME-calibrated.")] = None,
) -> None:
    """Fit a detector's calibration and thresholds, not its weights, to pictures of your own."""
    if importlib.util.find_spec("onnx") is None:
        raise MissingExtra("train", "calibrating")
    from doctored.evaluate.recalibrate import recalibrate

    with shown_progress("judging") as progress:
        made = recalibrate(
            detector, data, out, split=None if split == "all" else split, name=name, progress=progress
        )
    typer.echo("\n".join(draw(made)))


def draw(made: "Recalibrated") -> Iterator[str]:
    """What was done, for people."""
    before, card = made.before, made.card
    slope, offset = made.calibration.affine
    yield f"{card.name} {card.version}: the weights of {before.name} {before.version}"
    yield f"{made.rows:,} pictures, {made.used:,} decided it"
    if made.outside:
        yield f"{made.outside:,} lie outside the domain or could not be scored; such stay without an answer"
    if made.copies:
        yield f"{made.copies:,} copy another, pixel for pixel, and count once"
    shift = f"{'+' if offset >= 0 else '-'} {abs(offset):.4g}"
    yield f"calibration: {made.calibration.kind}, logit × {slope:.4g} {shift}"
    for says, mistake in (("fake", "of the real are called fake"), ("real", "of the fakes are called real")):
        sign = "≥" if says == "fake" else "≤"
        for row in card.thresholds[says]:
            promise = f"at most {row.bound:.2%} {mistake} (95 % bound, n {row.n:,})"
            yield f"  {says} at logit {sign} {row.logit:.4f}: budget {row.budget:.1%}, {promise}"
    for budget, takes in made.dropped.items():
        yield f"no {budget:.1%} budget: it takes {takes:,} pictures of each class, and one has {made.left:,}"
    yield f"written to {made.path}"
    budgets = [row.budget for row in card.thresholds["fake"]]
    asked = "" if 0.01 in budgets else f" --budget {max(budgets):g}"
    yield f"next: doctored scan PICTURES --detector {made.path}{asked}"
