"""`doctored models`: the networks that `doctored train` knows, and what each costs."""

import importlib.util
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from doctored.errors import MissingExtra

if TYPE_CHECKING:
    from doctored.models.catalogue import Entry

NEEDED = ("torch", "transformers")
HEAD = ("network", "parameters", "fp32 file", "pictures", "cells", "pictures/s")


def command(
    as_json: Annotated[bool, typer.Option("--json", help="Print the table as JSON.")] = False,
    time: Annotated[
        bool, typer.Option("--time", help="Measure a forward pass of each on this machine's processor.")
    ] = False,
) -> None:
    """List the networks that can be trained, and what each costs."""
    for module in NEEDED:
        if importlib.util.find_spec(module) is None:
            raise MissingExtra("train", "the list of networks")
    from doctored.models.catalogue import list_networks, pictures_per_second

    entries = list_networks()
    speeds = {
        entry.name: pictures_per_second(entry.name, entry.size)
        for entry in entries
        if time and entry.parameters is not None
    }
    if as_json:
        rows = [as_object(entry, speeds.get(entry.name)) for entry in entries]
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        typer.echo("\n".join(table(entries, speeds)))


def as_object(entry: "Entry", speed: float | None) -> dict[str, Any]:
    timed = {} if speed is None else {"pictures_per_second": round(speed, 2)}
    return {**entry._asdict(), **timed}


def table(entries: list["Entry"], speeds: dict[str, float]) -> Iterator[str]:
    """A line a network, then what each file and library is."""
    shown = HEAD if speeds else HEAD[:-1]
    yield f"{shown[0]:<20}" + "".join(f"{head:>12}" for head in shown[1:])
    for entry in entries:
        if entry.parameters is None or entry.fp32_bytes is None or entry.cells is None:
            continue
        cells = [
            f"{entry.parameters:,}",
            f"{entry.fp32_bytes / 1e6:,.1f} MB",
            f"{entry.size}×{entry.size}",
            "×".join(map(str, entry.cells)),
        ]
        cells += [f"{speeds[entry.name]:,.1f}"] if speeds else []
        yield f"{entry.name:<20}" + "".join(f"{cell:>12}" for cell in cells)
    told: dict[str, list[str]] = {}
    for entry in entries:
        told.setdefault(entry.about, []).append(
            f"{entry.name}NAME" if entry.name.endswith("/") else entry.name
        )
    for about, names in told.items():
        yield f"\n{', '.join(names)}\n  {about}"
    yield "\nTrain one: doctored train DATA --out runs/NAME --network NETWORK --set size=SIDE"
