"""What `doctored scan` does once its arguments are read, and the short way to read the plainest of them."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from doctored.errors import DoctoredError, UsageError
from doctored.scan.executor import Executor, LocalExecutor
from doctored.scan.items import Item, Row, shown
from doctored.scan.pipeline import scan_items
from doctored.scan.progress import Progress
from doctored.scan.settings import POLICY, Settings
from doctored.scan.sinks import Format, Sink, open_sink
from doctored.scan.sources import find_items, read_list
from doctored.scan.summary import Summary, check_fail_on

if TYPE_CHECKING:
    from pathlib import Path

    from doctored.scan.output import OutputFile
    from doctored.workers import Child

FLUSH_S = 0.2
SHOWN_PATHS = 20
FLAGS = {
    "--json": "as_json",
    "--jsonl": "as_jsonl",
    "--csv": "as_csv",
    "--quiet": "quiet",
    "-q": "quiet",
    "--stability": "stability",
    "--gps": "gps",
}


class ScanOptions(NamedTuple):
    """The arguments of `doctored scan`, with their defaults; cli/scan.py says what each means."""

    paths: Sequence[str] = ()
    from_file: str | None = None
    detector: Sequence[str] = ()
    budget: float = 0.01
    policy: str = POLICY
    stability: bool | None = None
    gps: bool = False
    as_json: bool = False
    as_jsonl: bool = False
    as_csv: bool = False
    out: "Path | None" = None
    html: "Path | None" = None
    resume: bool = False
    fail_on: Sequence[str] = ()
    workers: int | None = None
    max_pixels: int | None = None
    max_bytes: int | None = None
    time_limit: float | None = None
    quiet: bool = False


class Interrupted(DoctoredError):
    exit_code = 130


def read_plain(arguments: Sequence[str]) -> ScanOptions | None:
    """The options of a scan that names only paths and flags; None for all that Typer has to read.

    To import Typer takes longer than to judge a picture, and most scans are as plain as that.
    """
    flags: dict[str, Any] = {FLAGS[argument]: True for argument in arguments if argument in FLAGS}
    paths = [argument for argument in arguments if argument not in FLAGS]
    if not paths or any(path.startswith("-") and path != "-" for path in paths):
        return None
    return ScanOptions(paths, **flags)


def run_scan(options: ScanOptions, warm: "Child | None") -> int:
    """Scan and print; the exit code. `warm` is a worker that was started beforehand."""
    limits = {
        "max_pixels": options.max_pixels,
        "max_bytes": options.max_bytes,
        "time_s": options.time_limit,
    }
    settings = Settings(
        detectors=tuple(options.detector) or None,
        budget=options.budget,
        limits={name: limit for name, limit in limits.items() if limit is not None},
        stability=options.html is not None if options.stability is None else options.stability,
        gps=options.gps,
        previews=options.html is not None,
    ).with_policy(options.policy)
    kind = _format(options)
    _check(options)
    if options.fail_on:
        check_fail_on(options.fail_on, settings.read_policy())
    summary = Summary(options.fail_on)
    to_terminal = options.out is None and sys.stdout.isatty()
    progress = Progress(is_quiet=options.quiet, is_page_free=not to_terminal)
    named = chain(options.paths, read_list(options.from_file) if options.from_file is not None else ())
    items = find_items(named, settings.max_bytes, progress.note)
    with _rows(items, settings, LocalExecutor(options.workers, warm=warm), options) as rows:
        if options.out is None:
            _print(rows, open_sink(kind, sys.stdout.buffer), summary, progress)
        else:
            from doctored.scan.output import OutputFile

            # a page changes nothing in the records
            told = settings._replace(previews=False).to_json()
            _write(items, rows, OutputFile(options.out, kind, told, resume=options.resume), summary, progress)
    progress.finish(summary)
    if options.html is not None:
        progress.note(f"the page: {shown(str(options.html))}")
    return summary.exit_code


def _check(options: ScanOptions) -> None:
    """UsageError for options that make no sense together."""
    if options.resume and options.out is None:
        raise UsageError("--resume goes on with a file; name it with --out FILE")
    if not options.paths and options.from_file is None:
        raise UsageError("nothing to scan; name files, folders, archives or patterns, or use --from-file")
    if options.out is not None and options.out.suffix.lower() in (".html", ".htm"):
        raise UsageError("--out writes records and no page; use --html FILE, alone or beside --out")
    if options.html is not None and options.html == options.out:
        raise UsageError("--html and --out name the same file; give each its own")
    if options.resume and options.html is not None:
        raise UsageError(
            "a page needs every picture, so --html does not go on with --resume; leave out one of the two "
            "(a scan with --html is resumed with --stability)"
        )


@contextmanager
def _rows(
    items: Iterator[Item], settings: Settings, executor: Executor, options: ScanOptions
) -> Iterator[Iterator[Row]]:
    """The rows of a scan; with `--html` each goes onto a page on its way, which is there at the end."""
    with closing(scan_items(items, settings, executor)) as rows:
        if options.html is None:
            yield rows
            return
        from doctored.scan.page_file import PageFile

        with closing(PageFile(options.html, command_line(options), settings)) as page:
            yield page.passing(rows)
            page.finish()


def command_line(options: ScanOptions) -> str:
    """The command that these options stand for, as one would type it; many paths are cut short."""
    import shlex

    words = [*options.paths[:SHOWN_PATHS]]
    more = len(options.paths) - len(words)
    for name, default in ScanOptions._field_defaults.items():
        value = getattr(options, name)
        flag = f"--{name.removeprefix('as_').replace('_', '-')}"
        if name == "paths" or value == default:
            continue
        if isinstance(value, bool):
            words.append(flag if value else f"--no{flag[1:]}")
        else:
            for one in value if isinstance(value, list | tuple) else [value]:
                words += [flag, str(one)]
    return shlex.join(["doctored", "scan", *words]) + (f" … and {more:,} paths more" if more > 0 else "")


def _print(rows: Iterator[Row], sink: Sink, summary: Summary, progress: Progress) -> None:
    flushed = time.monotonic()
    for row in rows:
        sink.write(row)
        summary.count(row)
        progress.show(summary)
        if time.monotonic() - flushed > FLUSH_S:
            sys.stdout.flush()
            flushed = time.monotonic()
    sink.close()


def _write(
    items: Iterator[Item], rows: Iterator[Row], output: "OutputFile", summary: Summary, progress: Progress
) -> None:
    """`rows` are those of what `output` leaves of `items`: not one is asked for before that is known."""
    try:
        for row in output.resumed(items):
            summary.count(row)
        for row in rows:
            output.write(row)
            summary.count(row)
            progress.show(summary)
        output.finish()
    except KeyboardInterrupt:
        raise Interrupted("interrupted; what was done is kept, go on with --resume") from None
    finally:
        output.close()


def _format(options: ScanOptions) -> Format:
    asked = {Format.JSON: options.as_json, Format.JSONL: options.as_jsonl, Format.CSV: options.as_csv}
    chosen = [kind for kind, is_asked in asked.items() if is_asked]
    if len(chosen) > 1:
        raise UsageError("--json, --jsonl and --csv exclude each other; choose one")
    if chosen:
        return chosen[0]
    ending = options.out.suffix.lower().removeprefix(".") if options.out is not None else ""
    return Format(ending) if ending in list(Format) else Format.TABLE
