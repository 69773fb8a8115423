"""From run folders to one page on disk."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from doctored.data.files import written_aside
from doctored.errors import UsageError
from doctored.report.artefacts import Run
from doctored.report.comparison import draw_comparison
from doctored.report.page import draw_report

PAGE = "index.html"
COMPARED = Path("report")


@dataclass(frozen=True, slots=True)
class Report:
    """Where the page is, and what of the files could not be read, one sentence each."""

    page: Path
    problems: tuple[str, ...]


def write_report(runs: Sequence[str | PathLike[str]], out: str | PathLike[str] | None = None) -> Report:
    """Write `index.html` into `out`: by default the run's own folder, for several runs `report`.

    Raises UsageError where a folder holds no run, DataError where the page cannot be written.
    """
    if not runs:
        raise UsageError("there is no run to report on; name the folder of one")
    opened = [Run(Path(run)) for run in runs]
    if len(opened) == 1:
        folder, drawn = Path(out) if out is not None else opened[0].folder, draw_report(opened[0])
    else:
        folder, drawn = Path(out) if out is not None else COMPARED, draw_comparison(opened)
    with written_aside(folder / PAGE) as aside:
        aside.write_text(drawn.page, encoding="utf-8")
    return Report(folder / PAGE, drawn.problems)
