"""Rows to a reader: a terminal, a pipe, JSON, JSON lines or CSV."""

import io
import json
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any, BinaryIO, Protocol

from doctored.scan.items import Row
from doctored.scan.wording import lead, mark, strongest_first


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


CSV_COLUMNS = (
    "path", "verdict", "kind", "probability", "text", "why", "sha256", "format", "width", "height",
    "detectors", "policy", "error_code", "error_message", "ms", "doctored",
)  # fmt: skip
# A spreadsheet would run a cell that begins so.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class Sink(Protocol):
    """Takes rows one by one; `close` writes what belongs at the end. Neither closes the stream."""

    def write(self, row: Row) -> None: ...

    def close(self) -> None: ...


def open_sink(kind: Format, stream: BinaryIO) -> Sink:
    """The sink for a format. A table in colours needs a terminal; elsewhere it is plain text."""
    if kind is Format.TABLE and stream.isatty():
        from doctored.scan.terminal import TerminalSink

        return TerminalSink()
    return _SINKS[kind](stream)


class JsonLinesSink:
    """One record a line."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, row: Row) -> None:
        self._stream.write(row.line + b"\n")

    def close(self) -> None:
        self._stream.flush()


class JsonSink:
    """One array of records, one record a line."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._before = b"[\n"

    def write(self, row: Row) -> None:
        self._stream.write(self._before + row.line)
        self._before = b",\n"

    def close(self) -> None:
        self._stream.write(b"[]\n" if self._before == b"[\n" else b"\n]\n")
        self._stream.flush()


class CsvSink:
    """One row a record, flat: `why` and `detectors` are joined by blanks, findings are left out.

    UTF-8, RFC 4180. Cells that a spreadsheet would take for a formula get an apostrophe in front.
    """

    def __init__(self, stream: BinaryIO) -> None:
        import csv

        self._text = io.TextIOWrapper(stream, "utf-8", "backslashreplace", newline="", write_through=True)
        self._csv = csv.writer(self._text)
        self._csv.writerow(CSV_COLUMNS)

    def write(self, row: Row) -> None:
        self._csv.writerow(_csv_cells(json.loads(row.line)))

    def close(self) -> None:
        self._text.flush()
        self._text.detach()


class PlainSink:
    """One line a picture, separated by tabs: verdict, probability of fake (or -), path, verdict in words; and
    one a finding, after a tab: what it says and how strongly, its sentence."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, row: Row) -> None:
        record = json.loads(row.line)
        probability = "-" if record["probability"] is None else f"{record['probability']:.3f}"
        lines = [[record["verdict"], probability, record["path"], lead(record)]]
        lines += [["", mark(finding), finding["text"]] for finding in strongest_first(record["findings"])]
        text = "".join("\t".join(map(printable, cells)) + "\n" for cells in lines)
        self._stream.write(text.encode("utf-8", "backslashreplace"))

    def close(self) -> None:
        self._stream.flush()


_SINKS: dict[Format, type[PlainSink] | type[JsonSink] | type[JsonLinesSink] | type[CsvSink]] = {
    Format.TABLE: PlainSink,
    Format.JSON: JsonSink,
    Format.JSONL: JsonLinesSink,
    Format.CSV: CsvSink,
}


def printable(text: str) -> str:
    """Text without what a terminal would obey: control characters and direction marks become escapes."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def convert(lines: Iterable[bytes], kind: Format, stream: BinaryIO) -> None:
    """Records as JSON lines to another format."""
    sink = open_sink(kind, stream)
    for row in _as_rows(lines):
        sink.write(row)
    sink.close()


def _as_rows(lines: Iterable[bytes]) -> Iterator[Row]:
    return (Row(line.rstrip(b"\n"), "", False) for line in lines)


def _csv_cells(record: dict[str, Any]) -> list[object]:
    error = record["error"] or {"code": None, "message": None}
    flat = {
        **record,
        "why": " ".join(record["why"]),
        "detectors": " ".join(f"{used['name']}@{used['version']}" for used in record["detectors"]),
        "policy": record["policy"]["name"],
        "error_code": error["code"],
        "error_message": error["message"],
    }
    return [_defused(flat[column]) for column in CSV_COLUMNS]


def _defused(cell: object) -> object:
    if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS):
        return f"'{cell}"
    return cell
