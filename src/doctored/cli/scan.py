"""`doctored scan`: its arguments."""

from pathlib import Path
from typing import Annotated

import typer

from doctored.cli.scanning import ScanOptions, run_scan

Paths = Annotated[
    list[str] | None,
    typer.Argument(help="Files, folders, archives (.zip .tar .tar.gz), patterns; - is stdin."),
]
FromFile = Annotated[
    str | None, typer.Option(metavar="LIST", help="Also read paths from a file, one a line; - is stdin.")
]
Detectors = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME|FILE", help="Use this detector (repeatable) [default: all that ship]."),
]
Budget = Annotated[
    float, typer.Option(help="Share of real pictures that a detector may call fake, and of fakes real.")
]
Policy = Annotated[
    str,
    typer.Option(metavar="NAME|FILE", help="What turns findings into a verdict: careful, platform, a file."),
]
Stability = Annotated[
    bool | None,
    typer.Option(
        "--stability/--no-stability",
        help="Judge mild copies too; unsure if they change the answer [default: only with --html].",
    ),
]
Gps = Annotated[bool, typer.Option("--gps", help="Show where a picture says it was taken.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON array of records.")]
AsJsonLines = Annotated[bool, typer.Option("--jsonl", help="Write one JSON record a line.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Write one CSV row a record.")]
Out = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write to a file; its ending chooses the format.")
]
Html = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Also write one page: previews, overlays, all findings.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with an interrupted scan.")]
FailOn = Annotated[
    list[str] | None,
    typer.Option(metavar="WORD", help="End with 1 if a record says this label, code or rule."),
]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Worker processes; by default one a core, at most 8.")
]
MaxPixels = Annotated[
    int | None, typer.Option(min=1, help="Largest picture, in pixels [default: 200 million].")
]
MaxBytes = Annotated[int | None, typer.Option(min=1, help="Largest file, in bytes [default: 256 MiB].")]
TimeLimit = Annotated[float | None, typer.Option(min=0.001, help="Seconds for one picture [default: 20].")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing on stderr but errors.")]


def command(
    ctx: typer.Context,
    paths: Paths = None,
    from_file: FromFile = None,
    detector: Detectors = None,
    budget: Budget = ScanOptions().budget,
    policy: Policy = ScanOptions().policy,
    stability: Stability = None,
    gps: Gps = False,
    as_json: AsJson = False,
    as_jsonl: AsJsonLines = False,
    as_csv: AsCsv = False,
    out: Out = None,
    html: Html = None,
    resume: Resume = False,
    fail_on: FailOn = None,
    workers: Workers = None,
    max_pixels: MaxPixels = None,
    max_bytes: MaxBytes = None,
    time_limit: TimeLimit = None,
    quiet: Quiet = False,
) -> int:
    """Judge pictures: real, fake or unsure, and why."""
    given = {name: value for name, value in locals().items() if name != "ctx" and value is not None}
    return run_scan(ScanOptions(**given), ctx.obj)
