"""What several commands on data sets share: options, and a progress bar."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from doctored.data.pack import Progress

ReaderName = Annotated[str | None, typer.Option("--reader", help="The layout; recognised if not named.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Processes; one a core if not given.")]


@contextmanager
def shown_progress(title: str) -> "Iterator[Progress]":
    """A progress bar on a terminal's stderr; silent in a pipe."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
