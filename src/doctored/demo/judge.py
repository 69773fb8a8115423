"""Every exhibit through the same scan that users call, and the evidence where a detector has some."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from doctored.demo.exhibits import Exhibit
from doctored.detector import Detector, open_detector
from doctored.detector.shelf import default_names
from doctored.errors import DetectorError
from doctored.explain import Explanation, explain
from doctored.records import Label
from doctored.scan.pipeline import scan
from doctored.scan.previews import has_evidence


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """An exhibit, its scan record, and the explanation where it lies in a detector's domain."""

    exhibit: Exhibit
    record: dict[str, Any]
    explanation: Explanation | None = None

    @property
    def label(self) -> Label:
        return Label(self.record["verdict"])


def judge(exhibits: Sequence[Exhibit], detectors: Sequence[str | Path] | None = None) -> list[Judged]:
    """`detectors` as names or paths, by default the shelf's defaults."""
    names = default_names() if detectors is None else [str(name) for name in detectors]
    records = scan((exhibit.path for exhibit in exhibits), detectors=names)
    with ExitStack() as stack:
        opened = [stack.enter_context(open_detector(name)) for name in names]
        by_name = {detector.card.name: detector for detector in opened}
        return [
            Judged(exhibit, record, _explain(exhibit, record, by_name))
            for exhibit, record in zip(exhibits, records, strict=True)
        ]


def _explain(exhibit: Exhibit, record: dict[str, Any], detectors: dict[str, Detector]) -> Explanation | None:
    for finding in record["findings"]:
        if has_evidence(finding["check"], finding["code"]):
            try:
                return explain(
                    exhibit.path, detectors[finding["check"].removeprefix("detector:")], stability=False
                )
            except DetectorError:  # it has no evidence map; the verdict stands without an overlay
                continue
    return None
