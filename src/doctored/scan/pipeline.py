"""The way of a million pictures: sources, batches, an executor, and rows in the order of the input."""

import json
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

from doctored.scan.executor import Executor, LocalExecutor
from doctored.scan.items import Item, Row, make_batches
from doctored.scan.settings import Settings
from doctored.scan.sources import find_items

if TYPE_CHECKING:
    from doctored.picture.limits import Limits

Source = str | PathLike[str]


def scan(
    paths: Source | Iterable[Source],
    *,
    detectors: Sequence[str] | None = None,
    budget: float = 0.01,
    policy: str = "careful",
    limits: "Limits | None" = None,
    workers: int | None = None,
    stability: bool = False,
    gps: bool = False,
) -> Iterator[dict[str, Any]]:
    """Judge pictures: one record (`docs/scan.md`) for each, as a dict, in input order, as they are done.

    `paths`: files, folders, archives (.zip, .tar, .tar.gz) and patterns. `detectors`: names or paths, by
    default the shelf's defaults. `budget`: the share of errors that the detectors' thresholds may cost.
    `policy`: `careful`, `platform`, or the path of one's own (`docs/policy.md`). `workers`: child processes,
    by default one a core, at most 8. `stability`: judge mild copies too, and answer `unsure` where they
    would change the answer. `gps`: findings may show where a picture was taken. Memory does not grow with
    the number of pictures. A picture that cannot be read is a record with an `error`, never an exception.

    Raises DetectorError for a detector that cannot be opened, UsageError for settings that make no sense.
    """
    settings = Settings(
        detectors=None if detectors is None else tuple(detectors),
        budget=budget,
        limits=_as_dict(limits) if limits is not None else {},
        stability=stability,
        gps=gps,
    ).with_policy(policy)
    named = [paths] if isinstance(paths, str | PathLike) else paths
    items = find_items((fspath(path) for path in named), settings.max_bytes)
    for row in scan_items(items, settings, LocalExecutor(workers)):
        yield json.loads(row.line)


def scan_items(items: Iterable[Item], settings: Settings, executor: Executor) -> Generator[Row, None, None]:
    """The row of every item, in order. Closing the iterator ends the executor's work."""
    with closing(executor.map_unordered(settings, make_batches(items))) as done:
        yield from _in_order(done)


def _as_dict(limits: "Limits") -> dict[str, float]:
    from dataclasses import asdict

    return asdict(limits)


def _in_order(done: Iterable[tuple[int, list[Row]]]) -> Iterator[Row]:
    waiting: dict[int, list[Row]] = {}
    wanted = 0
    for number, rows in done:
        waiting[number] = rows
        while wanted in waiting:
            yield from waiting.pop(wanted)
            wanted += 1
