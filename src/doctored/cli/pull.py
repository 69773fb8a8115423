"""`doctored pull`: a detector from the hub onto this machine."""

from typing import Annotated

import typer


def command(
    name: Annotated[str, typer.Argument(metavar="hf://OWNER/NAME[@REVISION]", help="A detector on the hub.")],
) -> None:
    """Fetch a detector from the hub; scans use what was fetched and never fetch. Needs the extra 'hub'."""
    from doctored.detector.hub import pull

    pulled = pull(name)
    typer.echo(f"pulled {pulled.card.name} {pulled.card.version}, sha256 {pulled.sha256}")
    typer.echo(f"commit {pulled.commit}")
    typer.echo("It is not from the shelf, so it runs in a process of its own, with limits.")
    typer.echo(f"next: doctored scan PICTURES --detector {pulled.name}")
