"""Rows on a terminal, in colours, as they come."""

import json
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from doctored.scan.items import Row
from doctored.scan.sinks import printable
from doctored.scan.wording import is_neutral, lead, mark, strongest_first

STYLES = {"real": "bold white on green", "fake": "bold white on red", "unsure": "bold black on yellow"}
MARKS = {"real": "green", "fake": "red", "neutral": "dim"}
MARK_WIDTH = len("decisive fake")
NARROW = 60  # columns; below, a mark stands before its sentence, not beside it
IN_FULL = 20
FEWER = (
    f"From here on, after {IN_FULL} pictures, those with nothing but neutral findings get one reason; "
    "a pipe, --jsonl and --html have all."
)


class TerminalSink:
    """For each picture its verdict and name, then its findings, one a line.

    After the first 20 pictures, one with nothing but neutral findings gets its verdict's text alone.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._count = 0
        self._has_told = False

    def write(self, row: Row) -> None:
        record = json.loads(row.line)
        self._count += 1
        is_short = self._count > IN_FULL and is_neutral(record) and bool(record["findings"])
        if is_short and not self._has_told:
            self._console.print(Text(FEWER), style="dim italic")
            self._has_told = True
        label = Text(f" {record['verdict'].upper():<6} ", STYLES[record["verdict"]])
        head = Text.assemble(label, " ", (printable(record["path"]), "bold"))
        if record["probability"] is not None:
            head.append(f"  probability of fake {record['probability']:.3f}", "dim")
        self._console.print(head, soft_wrap=True)
        self._console.print(Text(printable(record["text"] if is_short else lead(record))), style="dim")
        if record["findings"] and not is_short:
            self._console.print(self._findings(record["findings"]))

    def _findings(self, findings: list[dict[str, Any]]) -> Table:
        lines = Table.grid(padding=(0, 2, 0, 0))
        lines.add_column(width=1)
        is_wide = self._console.width >= NARROW
        if is_wide:
            lines.add_column(width=MARK_WIDTH, no_wrap=True)
        lines.add_column(overflow="fold")
        for finding in strongest_first(findings):
            says = Text(mark(finding), MARKS[finding["says"]])
            text = Text(printable(finding["text"]))
            if is_wide:
                lines.add_row("", says, text)
            else:
                lines.add_row("", Text.assemble(says, ": ", text))
        return lines

    def close(self) -> None:
        self._console.file.flush()
