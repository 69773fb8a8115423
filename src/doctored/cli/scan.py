"""`doctored scan`: arguments in, records out."""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from doctored.errors import DoctoredError, UsageError
from doctored.scan.executor import Executor, LocalExecutor
from doctored.scan.items import Item
from doctored.scan.output import OutputFile
from doctored.scan.pipeline import scan_items
from doctored.scan.progress import Progress
from doctored.scan.settings import Settings
from doctored.scan.sinks import Format, Sink, open_sink
from doctored.scan.sources import find_items, read_list
from doctored.scan.summary import Summary, check_fail_on

FLUSH_S = 0.2


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
    ] = 0.01,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON array of records.")] = False,
    as_jsonl: Annotated[bool, typer.Option("--jsonl", help="Write one JSON record a line.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Write one CSV row a record.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write to a file; its ending chooses the format.")
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
    limits = {"max_pixels": max_pixels, "max_bytes": max_bytes, "time_s": time_limit}
    settings = Settings(
        detectors=tuple(detector) if detector else None,
        budget=budget,
        limits={name: limit for name, limit in limits.items() if limit is not None},
    )
    kind = _format({Format.JSON: as_json, Format.JSONL: as_jsonl, Format.CSV: as_csv}, out)
    if resume and out is None:
        raise UsageError("--resume goes on with a file; name it with --out FILE")
    if not paths and from_file is None:
        raise UsageError("nothing to scan; name files, folders, archives or patterns, or use --from-file")
    check_fail_on(fail_on or (), settings.policy)
    summary = Summary(fail_on or ())
    progress = Progress(is_quiet=quiet, is_page_free=out is not None or not sys.stdout.isatty())
    named = chain(paths or (), read_list(from_file) if from_file is not None else ())
    items = find_items(named, settings.max_bytes, progress.note)
    executor = LocalExecutor(workers, warm=ctx.obj)
    if out is None:
        _print(items, settings, executor, open_sink(kind, sys.stdout.buffer), summary, progress)
    else:
        output = OutputFile(out, kind, settings.to_json(), resume=resume)
        _write(items, settings, executor, output, summary, progress)
    progress.finish(summary)
    return summary.exit_code


class Interrupted(DoctoredError):
    exit_code = 130


def _print(
    items: Iterator[Item],
    settings: Settings,
    executor: Executor,
    sink: Sink,
    summary: Summary,
    progress: Progress,
) -> None:
    flushed = time.monotonic()
    with closing(scan_items(items, settings, executor)) as rows:
        for row in rows:
            sink.write(row)
            summary.count(row)
            progress.show(summary)
            if time.monotonic() - flushed > FLUSH_S:
                sys.stdout.flush()
                flushed = time.monotonic()
    sink.close()


def _write(
    items: Iterator[Item],
    settings: Settings,
    executor: Executor,
    output: OutputFile,
    summary: Summary,
    progress: Progress,
) -> None:
    try:
        for row in output.resumed(items):
            summary.count(row)
        with closing(scan_items(items, settings, executor)) as rows:
            for row in rows:
                output.write(row)
                summary.count(row)
                progress.show(summary)
        output.finish()
    except KeyboardInterrupt:
        raise Interrupted("interrupted; what was done is kept, go on with --resume") from None
    finally:
        output.close()


def _format(asked: Mapping[Format, bool], out: Path | None) -> Format:
    chosen = [kind for kind, is_asked in asked.items() if is_asked]
    if len(chosen) > 1:
        raise UsageError("--json, --jsonl and --csv exclude each other; choose one")
    if chosen:
        return chosen[0]
    ending = out.suffix.lower().removeprefix(".") if out is not None else ""
    return Format(ending) if ending in list(Format) else Format.TABLE
