"""`--html`: one page for a batch, written row by row, so that memory does not grow with their number."""

import contextlib
import errno
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import IO, Any

from doctored.checks.texts import LIMITS
from doctored.errors import DoctoredError, UsageError
from doctored.page import document as page
from doctored.page.markup import Markup, closing, join, opening, tag
from doctored.records import Label
from doctored.scan.items import Row, shown
from doctored.scan.page_cards import codes, detectors_text, draw_card, kinds, trust_list_text
from doctored.scan.settings import Settings
from doctored.scan.sinks import printable
from doctored.version import __version__

MAX_SHOWN = 2_000
LIBRARIES = ("numpy", "Pillow", "onnxruntime", "c2pa-python")


class Chapter:
    """The cards of one sort, in a file of their own until the page is put together."""

    def __init__(self, heading: str, text: str, folder: Path) -> None:
        self.heading, self.text = heading, text
        self.count = 0
        self._folder = folder
        self._ends: list[int] = []
        self._stream: IO[bytes] | None = None

    def write(self, card: Markup) -> None:
        if self._stream is None:
            from tempfile import TemporaryFile

            self._stream = TemporaryFile(dir=self._folder)  # noqa: SIM115 - closed by `close`
        self._stream.write(card.encode("utf-8"))
        self._ends.append(self._stream.tell())

    def copy_to(self, stream: IO[bytes], at_most: int) -> int:
        """Put the first cards into a page, and say how many they are."""
        shown_here = min(at_most, len(self._ends))
        if shown_here and self._stream is not None:
            self._stream.seek(self._ends[shown_here - 1])
            self._stream.truncate()
            self._stream.seek(0)
            shutil.copyfileobj(self._stream, stream)
        return shown_here

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()


class PageFile:
    """Takes rows, and makes the page when `finish` is called; before that there is only `FILE.partial`.

    `command`: what was typed. `at_most`: pictures on the page; those most in need of a look come first, and
    those left out are counted. Raises UsageError where the file cannot be written, DoctoredError where that
    turns out later.
    """

    def __init__(self, path: Path, command: str, settings: Settings, at_most: int = MAX_SHOWN) -> None:
        self._path, self._command, self._settings, self._at_most = path, command, settings, at_most
        self._partial = path.with_name(f"{path.name}.partial")
        self._labels: Counter[str] = Counter()
        self._codes: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()
        self._has_overlays = False
        self._used: dict[str, dict[str, None]] = {"policy": {}, "detectors": {}, "trust": {}}
        try:
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, "it is a folder")
            self._stream = self._partial.open("wb")
        except OSError as error:
            reason = f"{shown(str(path))} cannot be written ({error.strerror}); choose another place"
            raise UsageError(reason) from error
        self._chapters = [Chapter(heading, text, path.parent) for heading, text in CHAPTERS]

    def write(self, row: Row) -> None:
        record = json.loads(row.line)
        self._labels[row.label] += 1
        self._remember(record)
        self._has_overlays |= row.preview is not None and bool(row.preview.overlays)
        chapter = self._chapters[_chapter(record)]
        chapter.count += 1
        if chapter.count <= self._at_most:
            with self._told():
                chapter.write(draw_card(record, row.preview))

    def passing(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The same rows, each written on its way."""
        for row in rows:
            self.write(row)
            yield row

    def finish(self) -> None:
        before, after = page.frame(self._title(), lead=self._lead(), foot=self._foot(), has_script=True)
        with self._told(), self._stream as stream:
            stream.write(join(before, *self._head()).encode("utf-8"))
            left = self._at_most
            for chapter in self._chapters:
                if chapter.count:
                    left -= self._write_chapter(chapter, left)
            stream.write(join(draw_limits(), after).encode("utf-8"))
        with self._told():
            self._partial.replace(self._path)

    def close(self) -> None:
        """Leave nothing half-written behind."""
        with contextlib.suppress(OSError):
            self._stream.close()
            for chapter in self._chapters:
                chapter.close()
            self._partial.unlink(missing_ok=True)

    def _write_chapter(self, chapter: Chapter, left: int) -> int:
        heading = tag("h2", f"{chapter.heading} ({chapter.count:,})")
        here = min(left, chapter.count)
        missing = chapter.count - here
        note = f"{missing:,} more are left out here, for a page holds {self._at_most:,}; " if missing else ""
        advice = "--jsonl has them all." if missing else ""
        start = opening("section", class_="cards", id=_place(chapter.heading))
        start = join(start, heading, tag("p", chapter.text, class_="soft"))
        start = join(start, tag("p", note, advice) if missing else "", opening("div", class_="rows"))
        self._stream.write(start.encode("utf-8"))
        chapter.copy_to(self._stream, here)
        self._stream.write(join(closing("div"), closing("section")).encode("utf-8"))
        return here

    def _remember(self, record: dict[str, Any]) -> None:
        self._codes.update(codes(record))
        self._kinds.update(kinds(record))
        policy = record["policy"]
        self._used["policy"][printable(f"{policy['name']}, {policy['digest']}")] = None
        if record["error"] is None:
            self._used["detectors"][detectors_text(record["detectors"])] = None
            self._used["trust"][trust_list_text(record["trust_list"])] = None

    # ----------------------------------------------------------------------------------------------- its head

    def _title(self) -> str:
        total = self._labels.total()
        return "1 picture examined" if total == 1 else f"{total:,} pictures examined"

    def _lead(self) -> str:
        return "Are these pictures what they claim to be? Each answer is real, fake or unsure, and says why."

    def _head(self) -> list[Markup]:
        counts = [
            tag("li", page.badge(label, f"{self._labels[label.value]:,} {label.value}"))
            for label in (Label.FAKE, Label.UNSURE, Label.REAL)
        ]
        broken = self._chapters[BROKEN].count
        unread = [tag("p", f"{broken:,} of the unsure could not be examined.")] if broken else []
        choices = (
            page.choice("label", "Verdict", [(label.value, label.value) for label in Label]),
            page.choice("kind", "Kind", _options(self._kinds)),
            page.choice("code", "Finding", _options(self._codes)),
        )
        places = [chapter.heading for chapter in self._chapters if chapter.count] + [LIMITS_HEADING]
        return [
            tag("ul", *counts, class_="counts"),
            *unread,
            self._circumstances(),
            page.caution(),
            page.links("On this page", *((_place(heading), heading) for heading in places)),
            page.filters(*choices),
            page.legend("In the overlays:") if self._has_overlays else Markup(),
        ]

    def _circumstances(self) -> Markup:
        used = {name: "; ".join(values) for name, values in self._used.items()}
        date = datetime.now(UTC).isoformat(" ", "seconds")
        stability = "judged too, where a detector answers" if self._settings.stability else "not judged"
        return page.facts(
            ("command", tag("code", printable(self._command))),
            ("date", tag("time", date.replace("+00:00", " UTC"), datetime=date)),
            ("Doctored", f"{__version__} ({', '.join(_versions(LIBRARIES))})"),
            ("policy", used["policy"]),
            ("detectors", used["detectors"]),
            ("trust list", used["trust"]),
            ("mild copies", stability),
            ("limits", "; ".join(f"{name}: {value:g}" for name, value in self._settings.limits.items())),
        )

    def _foot(self) -> str:
        return (
            f"Made by Doctored {__version__}. This page is complete in itself; it asks nobody for anything."
        )

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = f"{shown(str(self._path))} cannot be written ({error.strerror})"
            raise DoctoredError(f"{reason}; make room and scan again") from error


CHAPTERS = (
    ("Fake", "Strong or decisive signs say so, and none against them."),
    ("Unsure, with a sign", "At least one finding says fake, but not enough to call the picture that."),
    ("Unsure", "No finding says fake. That does not make a picture real."),
    ("Real", "The whole question was examined, and strong signs say real."),
    ("Not examined", "These could not be read, so nothing is known about them."),
)
LIMITS_HEADING = "Limits of each check"
FAKE, SIGN, UNSURE, REAL, BROKEN = range(len(CHAPTERS))


def _chapter(record: Mapping[str, Any]) -> int:
    if record["error"] is not None:
        return BROKEN
    if record["verdict"] != Label.UNSURE:
        return FAKE if record["verdict"] == Label.FAKE else REAL
    has_sign = any(finding["says"] == Label.FAKE for finding in record["findings"])
    return SIGN if has_sign else UNSURE


def draw_limits() -> Markup:
    pairs = [(check.replace("_", " ").replace(":", ": "), text) for check, text in LIMITS.items()]
    return page.section(LIMITS_HEADING, page.facts(*pairs), place=_place(LIMITS_HEADING))


def _place(heading: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in heading.lower())


def _options(counted: Counter[str]) -> Sequence[tuple[str, str]]:
    return [(value, f"{value.replace('_', ' ')} ({count:,})") for value, count in sorted(counted.items())]


def _versions(libraries: Iterable[str]) -> Iterator[str]:
    for library in libraries:
        with contextlib.suppress(metadata.PackageNotFoundError):
            yield f"{library} {metadata.version(library)}"
