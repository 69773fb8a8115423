"""`doctored restore`: a run again, from its detector and its data."""

from pathlib import Path
from typing import Annotated

import typer

from doctored.cli.train import require_training, shown


def command(
    detector: Annotated[str, typer.Argument(metavar="DETECTOR", help="A detector's name or file.")],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="The data set that it was trained on.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The run's folder.")],
    init_from: Annotated[
        Path | None, typer.Option(help="The run that it started from, if its card names one.")
    ] = None,
    teacher: Annotated[
        str, typer.Option(help="The run that it was taught by, if its card names one; several: with a comma.")
    ] = "",
) -> None:
    """Make a detector's run again: weights from its file, splits from its data, held against its digest.

    What comes back can be started from, teach, be interpolated to and be exported; it cannot be resumed.
    """
    require_training("restoring a run")
    from doctored.training import Recipe
    from doctored.training.restore import restore

    with shown(Recipe()) as hooks:
        folder = restore(detector, data, out, init_from=init_from, teacher=teacher, hooks=hooks)
    typer.echo(f"run: {folder}")
    typer.echo(f"next: doctored train DATA --out RUN --init-from {folder}")
