"""`doctored explain`: one picture in, reasons and a sheet with both overlays out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from doctored.errors import PictureError

if TYPE_CHECKING:
    from doctored.picture import Picture


def command(
    picture: Annotated[str, typer.Argument(metavar="PICTURE", help="A picture's path, or - for stdin.")],
    detector: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE", help="The detector [default: the first that covers the picture]."),
    ] = None,
    budget: Annotated[float, typer.Option(help="The error budget of the answer.")] = 0.01,
    stability: Annotated[
        bool,
        typer.Option(
            "--stability/--no-stability", help="Judge mild copies too; unsure if they change the answer."
        ),
    ] = True,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="Where the sheet goes: picture and both overlays, PNG.")
    ] = Path("explanation.png"),
) -> None:
    """Show where in a picture the evidence lies, for fake and for real, and say why."""
    import sys

    from doctored.explain import explain
    from doctored.picture import decode, encode_png
    from doctored.scan.sinks import printable

    try:
        opened = decode(sys.stdin.buffer if picture == "-" else picture)
        explanation = explain(opened, detector, budget=budget, stability=stability)
    except PictureError as error:
        typer.echo(f"doctored: {printable(picture)}: {error}", err=True)
        raise typer.Exit(3) from error
    typer.echo(f"{explanation.prediction.label.value}: {printable(picture)}")
    typer.echo(f"by {explanation.detector} {explanation.version}, at a budget of {budget:g}")
    for target, probability in (explanation.probabilities or {}).items():
        typer.echo(f"probability of {target.value}: {probability:.4f}")
    for reason in explanation.reasons:
        typer.echo(reason)
    if explanation.evidence is None:
        typer.echo("No overlay was drawn: outside its domain a detector's evidence means nothing.")
    else:
        _write(encode_png(explanation.sheet()), out)
        typer.echo(f"The sheet with both overlays: {out}")
    _show_jpeg(opened, out.with_name(f"{out.stem}-jpeg{out.suffix}"))


def _show_jpeg(picture: "Picture", out: Path) -> None:
    """Of a JPEG, its own views; nothing for other pictures."""
    from doctored.explain.jpeg_views import view_jpeg
    from doctored.picture import encode_png

    views = view_jpeg(picture)
    if views is None:
        return
    for reason in views.reasons:
        typer.echo(reason)
    _write(encode_png(views.sheet()), out)
    typer.echo(f"The JPEG's own views: {out}")


def _write(png: bytes, out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(png)
