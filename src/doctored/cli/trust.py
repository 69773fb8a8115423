"""`doctored trust`: the certificates whose signers this house believes."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Keep the trust lists that Content Credentials are checked by.", no_args_is_help=True)


@app.command("add")
def add(
    file: Annotated[Path, typer.Argument(help="PEM certificates of authorities.")],
    name: Annotated[str | None, typer.Option("--name", help="Its name; by default the file's.")] = None,
) -> None:
    """Trust the authorities in a PEM file, and every signer that they vouch for."""
    from doctored.checks.trust import add_list

    made = add_list(file, name)
    for expired in made.expired:
        typer.echo(f"Note: {expired}", err=True)
    typer.echo(f"Added '{made.name}': {_count(made.certificates)}, sha256 {made.sha256}")


@app.command("list")
def list_all() -> None:
    """Show the trust lists, with their dates and digests."""
    from doctored.checks.trust import HOW_TO_ADD, load_trust

    lists = load_trust().lists
    if not lists:
        typer.echo(f"There is no trust list, so no signer is trusted. Add one: {HOW_TO_ADD}")
    for one in lists:
        note = f", {len(one.expired)} of them expired when added" if one.expired else ""
        typer.echo(f"{one.name}\n  added    {one.date}\n  holds    {_count(one.certificates)}{note}")
        typer.echo(f"  sha256   {one.sha256}")


@app.command("remove")
def remove(name: Annotated[str, typer.Argument(help="A name that the command list shows.")]) -> None:
    """Remove a trust list."""
    from doctored.checks.trust import remove_list

    remove_list(name)
    typer.echo(f"Removed '{name}'")


def _count(count: int) -> str:
    return "1 certificate" if count == 1 else f"{count:,} certificates"
