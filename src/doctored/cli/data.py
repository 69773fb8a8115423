"""`doctored data`: look at a data set, pack it, or make a toy one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from doctored.cli.data_audit import audit, explore
from doctored.cli.data_options import ReaderName, Workers, shown_progress
from doctored.errors import UsageError

if TYPE_CHECKING:
    from doctored.picture import Preprocess

app = typer.Typer(help="Look at data sets, pack them for training, make toy ones.", no_args_is_help=True)
app.command()(audit)
app.command()(explore)

Data = Annotated[Path, typer.Argument(help="A folder, .zip, .tar, .tar.gz, .parquet, or a manifest.")]


@app.command()
def check(
    path: Data,
    reader: ReaderName = None,
    full: Annotated[bool, typer.Option("--full", help="Look into every picture, not into 1,000.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as one JSON object.")] = False,
) -> None:
    """Say what a data set was understood to be, and what about it is odd."""
    import json

    from doctored.cli.data_overview import draw_overview
    from doctored.data.inspection import LOOKED_INTO, inspect

    found = inspect(path, reader, None if full else LOOKED_INTO)
    typer.echo(json.dumps(found.to_json(), indent=2) if as_json else "\n".join(draw_overview(found)))
    if found.has_unread:
        raise typer.Exit(3)


@app.command()
def pack(
    path: Data,
    out: Annotated[Path, typer.Argument(help="The pack's folder; the same command resumes it.")],
    preprocess: Annotated[
        str, typer.Option(metavar="KIND:SIZE", help="exact, resize or center, and a side in pixels.")
    ],
    reader: ReaderName = None,
    workers: Workers = None,
) -> None:
    """Decode every picture once and keep the pixels, so that training never decodes again."""
    from doctored.data.pack import pack as pack_manifest
    from doctored.data.readers import read_dataset

    wanted = parse_preprocess(preprocess)
    manifest = read_dataset(path, reader)
    with shown_progress("packing") as progress:
        made = pack_manifest(manifest, wanted, out, workers=workers, progress=progress)
    broken = made.info["broken"]
    typer.echo(f"{out}: {len(made.manifest):,} pictures of {wanted.size}×{wanted.size}, {broken:,} broken")
    if broken:
        typer.echo(f"{out / 'broken.jsonl'} tells which could not be packed, and why")
        raise typer.Exit(3)


@app.command()
def toy(
    out: Annotated[Path, typer.Argument(help="A folder, or an archive that ends in .zip or .tar.")],
    count: Annotated[int, typer.Option("--count", "-n", help="Pictures, half of them fake.")] = 240,
    size: Annotated[int, typer.Option(help="Side in pixels.")] = 32,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    planted: Annotated[str, typer.Option(help="The artefact: checkerboard or grid.")] = "checkerboard",
    layout: Annotated[str, typer.Option(help="cifake or folders.")] = "cifake",
) -> None:
    """Make a small data set whose fakes carry a planted artefact, to try things on."""
    from doctored.data.toy import make_toy

    archive = out.suffix.lower().lstrip(".") if out.suffix.lower() in (".zip", ".tar") else None
    make_toy(out, n=count, size=size, seed=seed, planted=planted, archive=archive, layout=layout)
    typer.echo(f"{out}: {count:,} pictures; planted.json inside tells where each fake one was changed")


def parse_preprocess(text: str) -> "Preprocess":
    """`exact:32`, `resize:224`, `center:224`; UsageError for anything else."""
    from doctored.picture import Preprocess

    kind, _, size = text.partition(":")
    makers = {"exact": Preprocess.exact, "resize": Preprocess.resize, "center": Preprocess.center}
    if kind not in makers or not size.isascii() or not size.isdigit():
        raise UsageError(f"{text!r} is no preprocess for a pack; write exact:32, resize:224 or center:224")
    return makers[kind](int(size))
