"""`doctored export`: the detector of a run written again, or in int8 where that is worth it."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from doctored.cli.train import require_training, shown
from doctored.errors import UsageError

VERSION = re.compile(r"\d{1,6}\.\d{1,6}\.\d{1,6}")


def require_version(version: str | None) -> None:
    """UsageError for one that is given and is no version."""
    if version is not None and not VERSION.fullmatch(version):
        raise UsageError(f"a version is three numbers, such as 1.1.0, not {version!r}")


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder.")],
    int8: Annotated[
        bool, typer.Option("--int8", help="In 8-bit arithmetic, if that is faster and as accurate.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Where to write it; else into the run.")
    ] = None,
    version: Annotated[
        str | None, typer.Option(help="The detector's version, in its card; else as it was, at first 1.0.0.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Where the run's pictures lie now, if they were moved.")
    ] = None,
) -> None:
    """Write a run's detector again from its best weights, through the same gate as when it was trained."""
    require_version(version)
    require_training("exporting")
    from doctored.training import Recipe
    from doctored.training.finished import export, export_int8, open_run, tell

    with shown(Recipe()) as hooks:
        opened = open_run(run, data=data, hooks=hooks)
        if version is not None:
            opened = replace(opened, about=replace(opened.about, version=version))
        if not int8:
            typer.echo(f"detector: {export(run, opened, out, hooks.note)}")
            return
        written, comparison = export_int8(run, opened, out, hooks.note)
    if written is None:
        typer.echo(f"int8 is not kept, nothing is written: {comparison.objection()}")
    else:
        typer.echo(f"int8: {tell(comparison)}")
        typer.echo(f"detector: {written}")
