"""`doctored report`: the files of a run in, one page out."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="The folder of a run; several are compared on one page."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where index.html goes [default: the run; of several, ./report]."),
    ] = None,
) -> None:
    """Show a run, or compare several, on one self-contained page."""
    from doctored.report import write_report

    report = write_report(runs, out)
    for problem in report.problems:
        typer.echo(f"doctored: {problem}", err=True)
    typer.echo(f"{report.page} shows it")
    if report.problems:
        raise typer.Exit(3)
