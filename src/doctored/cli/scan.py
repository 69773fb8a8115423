"""`doctored scan`: its arguments."""

from pathlib import Path
from typing import Annotated

import typer

from doctored.cli.scanning import ScanOptions, run_scan


def command(
    ctx: typer.Context,
    paths: Annotated[
        list[str] | None,
        typer.Argument(help="Files, folders, archives (.zip .tar .tar.gz), patterns; - is stdin."),
    ] = None,
    from_file: Annotated[
        str | None, typer.Option(metavar="LIST", help="Also read paths from a file, one a line; - is stdin.")
    ] = None,
    detector: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME|FILE", help="Use this detector (repeatable) [default: all that ship]."),
    ] = None,
    budget: Annotated[
        float, typer.Option(help="Share of real pictures that a detector may call fake, and of fakes real.")
    ] = ScanOptions().budget,
    policy: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE", help="What turns findings into a verdict: careful, platform, a file."
        ),
    ] = ScanOptions().policy,
    stability: Annotated[
        bool | None,
        typer.Option(
            "--stability/--no-stability",
            help="Judge mild copies too; unsure if they change the answer [default: only with --html].",
        ),
    ] = None,
    gps: Annotated[bool, typer.Option("--gps", help="Show where a picture says it was taken.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON array of records.")] = False,
    as_jsonl: Annotated[bool, typer.Option("--jsonl", help="Write one JSON record a line.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Write one CSV row a record.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write to a file; its ending chooses the format.")
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also write one page: previews, overlays, all findings."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted scan.")] = False,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(metavar="WORD", help="End with 1 if a record says this label, code or rule."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Worker processes; by default one a core, at most 8.")
    ] = None,
    max_pixels: Annotated[
        int | None, typer.Option(min=1, help="Largest picture, in pixels [default: 200 million].")
    ] = None,
    max_bytes: Annotated[
        int | None, typer.Option(min=1, help="Largest file, in bytes [default: 256 MiB].")
    ] = None,
    time_limit: Annotated[
        float | None, typer.Option(min=0.001, help="Seconds for one picture [default: 20].")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing on stderr but errors.")] = False,
) -> int:
    """Judge pictures: real, fake or unsure, and why."""
    arguments = dict(locals())
    del arguments["ctx"]
    given = {name: value for name, value in arguments.items() if value is not None}
    return run_scan(ScanOptions(**given), ctx.obj)
