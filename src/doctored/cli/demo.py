"""`doctored demo`: a page of pictures that are at hand, judged."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the page and its pictures go.")] = Path(
        "demo"
    ),
    data: Annotated[
        Path | None,
        typer.Option(metavar="DATA", help="A labelled data set (cifake.zip): show 24 of its test pictures."),
    ] = None,
) -> None:
    """See it work in two minutes, on pictures that are at hand."""
    from doctored.demo import run_demo

    shown = run_demo(out, data)
    counts = ", ".join(f"{count} {label.value}" for label, count in shown.counts.items())
    typer.echo(f"{len(shown.judged)} pictures judged: {counts}")
    typer.echo(f"The page: {shown.page}")
    typer.echo(f"Next: doctored scan {shown.pictures}")
