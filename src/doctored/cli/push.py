"""`doctored push`: a detector and its page onto the hub."""

from typing import Annotated

import typer


def command(
    detector: Annotated[str, typer.Argument(metavar="DETECTOR", help="A name from the shelf, or a file.")],
    repository: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="Where on the hub it goes.")],
    private: Annotated[
        bool, typer.Option("--private", help="Only you see it; a public repository is refused.")
    ] = False,
    revision: Annotated[
        str | None, typer.Option(metavar="BRANCH", help="A branch, made where there is none [default: main].")
    ] = None,
) -> None:
    """Put a detector on the hub, with a page made from its card. Needs the extra 'hub'."""
    from doctored.detector.hub import push

    pushed = push(detector, repository, private=private, revision=revision)
    typer.echo(f"pushed {pushed.card.name} {pushed.card.version}: {pushed.url}")
    typer.echo(f"sha256 {pushed.sha256}")
    typer.echo(f"next: doctored pull {pushed.name}")
