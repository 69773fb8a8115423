"""Figures and the files they are kept in: `benchmarks/results/NAME.json`.

A file holds `{"command", "commit", "machine", "date", "figures": {ID: figure}}`. Writing a file again
replaces the figures that were measured again and keeps the others; a kept figure that came from another
command, commit, machine or day says so in its own `taken`.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.machine import ROOT, commit, describe_machine
from doctored.measure import summary
from doctored.measure.intervals import clopper_pearson

RESULTS = ROOT / "benchmarks" / "results"
PROVENANCE = ("command", "commit", "machine", "date")
FIGURE_ID = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number: `n` is how many things were measured, `low` and `high` its 95 % interval."""

    value: float
    unit: str
    n: int
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        numbers = [number for number in (self.low, self.value, self.high) if number is not None]
        if not all(math.isfinite(number) for number in numbers):
            raise ValueError(f"a figure is finite, not {numbers}")
        if numbers != sorted(numbers):
            raise ValueError(f"{self.value} lies outside its own interval {self.low} to {self.high}")
        if self.n < 1:
            raise ValueError("a figure comes from at least one measurement")


def kept(figure: summary.Figure, unit: str = "share") -> Figure:
    """A figure of `doctored.measure`, which must have a value, as it is kept."""
    assert figure.value is not None
    return Figure(figure.value, unit, figure.n, figure.low, figure.high)


def share(part: int, whole: int, unit: str = "share") -> Figure:
    """So many of how many, with the exact interval."""
    interval = clopper_pearson(part, whole)
    assert interval is not None
    return Figure(part / whole, unit, whole, interval.low, interval.high)


def write_results(
    name: str, figures: Mapping[str, Figure], command: str, folder: Path = RESULTS
) -> dict[str, Any]:
    """Merge `figures` (by ID) into `folder/name.json`, written whole or not at all; return its content."""
    for figure_id in figures:
        if not FIGURE_ID.fullmatch(figure_id):
            raise ValueError(f"{figure_id!r} is no figure's ID; write it like scan.cold_ratio")
    file = folder / f"{name}.json"
    header = {
        "command": command,
        "commit": commit(),
        "machine": describe_machine(),
        "date": datetime.now(UTC).date().isoformat(),
    }
    kept = _kept_figures(json.loads(file.read_text(encoding="utf-8")), header) if file.exists() else {}
    measured = {figure_id: asdict(figure) for figure_id, figure in figures.items()}
    content = {**header, "figures": dict(sorted((kept | measured).items()))}
    folder.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    partial.replace(file)
    return content


def _kept_figures(old: Mapping[str, Any], header: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    kept = {}
    for figure_id, figure in old["figures"].items():
        taken = figure.get("taken", {key: old[key] for key in PROVENANCE})
        numbers = {key: value for key, value in figure.items() if key != "taken"}
        differs = any(taken[key] != header[key] for key in PROVENANCE)
        kept[figure_id] = {**numbers, "taken": taken} if differs else numbers
    return kept


def read_figures(folder: Path = RESULTS) -> dict[str, dict[str, Any]]:
    """Every figure of every file, by ID; each with the file's provenance in `taken`."""
    figures: dict[str, dict[str, Any]] = {}
    for file in sorted(folder.glob("*.json")):
        content = json.loads(file.read_text(encoding="utf-8"))
        for figure_id, figure in content["figures"].items():
            if figure_id in figures:
                raise ValueError(f"{figure_id} is in {file.name} and in another file; keep one of them")
            figures[figure_id] = {"taken": {key: content[key] for key in PROVENANCE}, **figure}
    return figures
