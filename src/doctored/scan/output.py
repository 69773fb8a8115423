"""A result file that is whole or not there: written aside, renamed at the end, taken up after a kill."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from doctored.errors import DoctoredError, UsageError
from doctored.scan.items import Item, Row, shown
from doctored.scan.sinks import Format, convert
from doctored.version import __version__


class OutputFile:
    """Collects rows in `FILE.partial` (always JSON lines) and turns it into `FILE` when `finish` is called.

    `FILE.partial.json` names the settings. A partial file that is already there is an error without
    `resume`; with it, `resumed` yields the rows that are done, and new ones go behind them.
    """

    def __init__(self, path: Path, kind: Format, settings: Mapping[str, Any], *, resume: bool) -> None:
        self._path, self._kind = path, kind
        self._partial = path.with_name(f"{path.name}.partial")
        self._note = path.with_name(f"{path.name}.partial.json")
        settings = {"doctored": __version__, "settings": settings}
        if self._partial.exists():
            if not resume:
                raise UsageError(
                    f"{shown(str(self._partial))} is left from an interrupted scan; go on with --resume, "
                    "or delete it"
                )
            self._check_settings(settings)
        try:
            if not self._partial.exists():
                self._note.write_text(json.dumps(settings), "utf-8")
            self._stream: BinaryIO = self._partial.open("r+b" if self._partial.exists() else "x+b")
        except OSError as error:
            raise UsageError(
                f"{shown(str(path))} cannot be written ({error.strerror}); choose another place"
            ) from error

    def resumed(self, items: Iterator[Item]) -> Iterator[Row]:
        """The rows that an interrupted scan has left, each taken from `items`; then writing may begin.

        Raises UsageError where they are not the rows of these items, in this order.
        """
        whole = 0
        for line in self._stream:
            if not line.endswith(b"\n"):  # torn by a kill
                break
            row, path = self._read(line)
            item = next(items, None)
            if item is None or item.path != path:
                raise UsageError(
                    f"{shown(str(self._partial))} belongs to other pictures (it has {path}, now comes "
                    f"{item.path if item else 'nothing'}); give the same paths, or delete it"
                )
            whole += len(line)
            yield row
        self._stream.seek(whole)
        self._stream.truncate()

    def write(self, row: Row) -> None:
        with self._told():
            self._stream.write(row.line + b"\n")

    def finish(self) -> None:
        """Make the partial file the result; on the way nothing half-written ever has its name."""
        with self._told():
            self._stream.close()
            if self._kind is Format.JSONL:
                self._partial.replace(self._path)
            else:
                aside = self._path.with_name(f"{self._path.name}.partial.{self._kind.value}.tmp")
                with self._partial.open("rb") as lines, aside.open("wb") as stream:
                    convert(lines, self._kind, stream)
                aside.replace(self._path)
                self._partial.unlink()
            self._note.unlink()

    def close(self) -> None:
        """Leave the partial file as it is, to be resumed; an empty one is no use and goes."""
        with contextlib.suppress(OSError):
            self._stream.close()
            if self._partial.stat().st_size == 0:
                self._partial.unlink()
                self._note.unlink()

    def _check_settings(self, settings: dict[str, Any]) -> None:
        try:
            before = json.loads(self._note.read_text("utf-8"))
        except (OSError, ValueError):
            before = None
        if before != settings:
            raise UsageError(
                f"{shown(str(self._partial))} was made with other settings or another version of Doctored; "
                "repeat the same command with --resume, or delete it"
            )

    def _read(self, line: bytes) -> tuple[Row, str]:
        try:
            record = json.loads(line)
            return Row(line[:-1], record["verdict"], record["error"] is not None), record["path"]
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{shown(str(self._partial))} is damaged; delete it and scan again") from error

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DoctoredError(
                f"{shown(str(self._path))} cannot be written ({error.strerror}); make room, then --resume"
            ) from error
