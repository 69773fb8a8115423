"""Items to rows: decode, check, decide. One process, no clock, no notion of workers."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from doctored.checks.base import run_checks
from doctored.checks.shipped import CheckSettings, build_checks
from doctored.checks.trust import load_trust
from doctored.detector import Detector, open_detector
from doctored.detector.shelf import default_names
from doctored.errors import PictureError, PictureErrorCode
from doctored.picture import Limits, Picture, decode
from doctored.records import Finding, Record, RecordError, UsedDetector, Verdict
from doctored.scan.items import Item, Preview, Row
from doctored.scan.settings import Settings
from doctored.verdict import decide, not_examined
from doctored.version import __version__

MAX_PICTURES = 256
MAX_PIXELS = 32_000_000
# A group of pictures that takes long to check is halved, one that takes little is doubled: so a slow
# detector is heard of often enough to be told from one that hangs.
QUICK_S, SLOW_S = 0.25, 1.0

DrawPreview = Callable[[Picture, list[Finding], Verdict], Preview | None]

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


class Opened(NamedTuple):
    """A decoded item; `error` where it is none. `seconds` is what that took."""

    item: Item
    picture: Picture | None
    error: RecordError | None
    seconds: float


class Examiner:
    """Opens detectors and policy once, then makes rows of items. Raises DoctoredError where it cannot.

    `threads`: what a detector may use for one call.
    """

    def __init__(self, settings: Settings, threads: int = 1) -> None:
        names = default_names() if settings.detectors is None else settings.detectors
        detectors = tuple(open_detector(name, threads=threads) for name in names)
        self.checks = build_checks(
            CheckSettings(detectors, settings.budget, shows_gps=settings.gps, stability=settings.stability)
        )
        self.policy = settings.read_policy()
        self.limits = Limits(**settings.limits)  # type: ignore[arg-type]  # checked by Limits itself
        self.trust_list = load_trust().to_json()
        self.used = tuple(
            UsedDetector(detector.card.name, detector.card.version, settings.budget) for detector in detectors
        )
        self._draw = _preview_maker(settings, detectors) if settings.previews else None
        self._group = 1

    def examine(self, items: Sequence[Item], alive: Callable[[], None] = lambda: None) -> Iterator[list[Row]]:
        """Rows in the order of the items, in groups as they come; `alive` is called before each step."""
        held: list[Opened] = []
        held_pixels = 0
        for item in items:
            alive()
            opened = self._open(item)
            pixels = opened.picture.pixels.size // 3 if opened.picture else 0
            if held and (len(held) >= self._group or held_pixels + pixels > MAX_PIXELS):
                alive()
                yield self._check(held)
                held, held_pixels = [], 0
            held.append(opened)
            held_pixels += pixels
        if held:
            alive()
            yield self._check(held)

    def _open(self, item: Item) -> Opened:
        began = time.perf_counter()
        picture = error = None
        if item.error is not None:
            error = RecordError(*item.error)
        else:
            try:
                source = item.data if item.file is None else item.file
                picture = decode(source, self.limits, item.path)  # type: ignore[arg-type]
            except PictureError as refused:
                error = RecordError(refused.code.value, refused.message)
            except MemoryError:
                message = "decoding it needs more memory than a worker may use; give a smaller picture"
                error = RecordError(PictureErrorCode.TOO_LARGE.value, message)
        return Opened(item, picture, error, time.perf_counter() - began)

    def _check(self, held: Sequence[Opened]) -> list[Row]:
        began = time.perf_counter()
        pictures = [opened.picture for opened in held if opened.picture is not None]
        findings = iter(run_checks(self.checks, pictures))
        share = (time.perf_counter() - began) / max(1, len(pictures))
        rows = [
            self._judged_row(opened, opened.picture, next(findings), share)
            if opened.picture is not None
            else self._broken_row(opened)
            for opened in held
        ]
        took = time.perf_counter() - began
        if took < QUICK_S:
            self._group = min(2 * self._group, MAX_PICTURES)
        elif took > SLOW_S:
            self._group = max(self._group // 2, 1)
        return rows

    def _judged_row(self, opened: Opened, picture: Picture, findings: list[Finding], share: float) -> Row:
        began = time.perf_counter()
        verdict = decide(findings, self.policy)
        record = Record(
            doctored=__version__,
            path=opened.item.path,
            verdict=verdict,
            policy=self.policy.used,
            sha256=picture.sha256,
            format=picture.format,
            width=picture.width,
            height=picture.height,
            findings=tuple(findings),
            detectors=self.used,
            trust_list=self.trust_list,
            ms=1000 * (opened.seconds + share + time.perf_counter() - began),
        )
        preview = self._draw(picture, findings, verdict) if self._draw is not None else None
        return row(record, preview)

    def _broken_row(self, opened: Opened) -> Row:
        assert opened.error is not None
        record = Record(
            doctored=__version__,
            path=opened.item.path,
            verdict=not_examined(opened.error, self.policy),
            policy=self.policy.used,
            error=opened.error,
            ms=1000 * opened.seconds,
        )
        return row(record)


def _preview_maker(settings: Settings, detectors: Sequence[Detector]) -> DrawPreview:
    from doctored.scan.previews import draw_preview  # nothing that a scan without a page needs

    by_check = {f"detector:{detector.card.name}": detector for detector in detectors}
    return partial(draw_preview, detectors=by_check, budget=settings.budget)


def row(record: Record, preview: Preview | None = None) -> Row:
    """A record as a line of JSON. Text that no UTF-8 can hold stays a JSON escape."""
    line = _encode(record.to_json()).encode("utf-8", "backslashreplace")
    return Row(line, record.verdict.label.value, record.error is not None, preview)
