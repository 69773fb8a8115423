"""`doctored interpolate`: a detector between the weights that a run started from and its own."""

from pathlib import Path
from typing import Annotated

import typer

from doctored.cli.export import require_version
from doctored.cli.train import require_training, shown
from doctored.cli.training_tables import tell_shares
from doctored.errors import UsageError


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run that started from another.")],
    start: Annotated[Path, typer.Argument(metavar="START", help="The run that it started from.")],
    share: Annotated[
        float | None, typer.Option(help="How far of the way to RUN's weights; left out: try every tenth.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The new run's folder.")] = None,
    name: Annotated[str | None, typer.Option(help="The detector's name; else the folder's.")] = None,
    version: Annotated[
        str | None, typer.Option(help="The detector's version, in its card; else RUN's.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Where the run's pictures lie now, if they were moved.")
    ] = None,
) -> None:
    """Take a run's weights back part of the way to those that it started from.

    Without --share: what every tenth of the way gives on validation pictures; nothing is written.
    """
    require_version(version)
    require_training("interpolating")
    if (share is None) != (out is None):
        raise UsageError("give --share and --out to write a run, or neither to try every tenth of the way")
    from doctored.training import Recipe
    from doctored.training.interpolate import interpolate, try_shares

    with shown(Recipe()) as hooks:
        if share is None or out is None:
            lines = tell_shares(try_shares(run, start, data=data, hooks=hooks))
        else:
            detector = interpolate(run, start, out, share, name=name, version=version, data=data, hooks=hooks)
            lines = iter([f"detector: {detector}", f"next: doctored scan PICTURES --detector {detector}"])
    for line in lines:
        typer.echo(line)
