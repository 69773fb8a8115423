"""Rows on a terminal, in colours, as they come."""

import json

from rich.console import Console
from rich.text import Text

from doctored.scan.items import Row
from doctored.scan.sinks import printable

STYLES = {"real": "bold white on green", "fake": "bold white on red", "unsure": "bold black on yellow"}


class TerminalSink:
    """Two lines a picture: its verdict and name, and why."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)

    def write(self, row: Row) -> None:
        record = json.loads(row.line)
        label = Text(f" {record['verdict'].upper():<6} ", STYLES[record["verdict"]])
        head = Text.assemble(label, " ", (printable(record["path"]), "bold"))
        if record["probability"] is not None:
            head.append(f"  probability of fake {record['probability']:.3f}", "dim")
        self._console.print(head, soft_wrap=True)
        self._console.print(Text(printable(record["text"])), style="dim", soft_wrap=False)

    def close(self) -> None:
        self._console.file.flush()
