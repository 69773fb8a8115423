"""What an audit or an exploration leaves behind: JSON for programs, `index.html` for people."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from doctored.data.audit.auditing import Audit
from doctored.data.audit.exploring import Exploration
from doctored.data.audit.exploring_page import draw_exploration
from doctored.data.audit.leaks import equal_pairs
from doctored.data.audit.page import draw_page
from doctored.data.files import written_aside


def write_audit(
    audit: Audit, name: str, out: Path, *, after: Audit | None = None, mended: Sequence[str] = ()
) -> None:
    """Write `audit.json`, `copies.csv` and the page into `out`; `after` and `mended` as in `draw_page`.

    Raises DataError where the folder cannot be written.
    """
    with written_aside(out / "audit.json") as aside:
        aside.write_text(json.dumps(describe_audit(audit, after, mended), indent=1) + "\n", encoding="utf-8")
    with written_aside(out / "copies.csv") as aside:
        _write_copies(audit, aside)
    with written_aside(out / "index.html") as aside:
        aside.write_text(draw_page(audit, name, after, mended), encoding="utf-8")


def _write_copies(audit: Audit, file: Path) -> None:
    """A line a pair, of all pairs: `equal` or `near`, and both pictures with split and label."""
    manifest = audit.facts.manifest
    columns = [manifest.column(name) for name in ("id", "split", "label")]
    with file.open("w", encoding="utf-8", newline="") as stream:
        lines = csv.writer(stream)
        lines.writerow(("copy", "first", "split", "label", "second", "split of second", "label of second"))
        for kind, pairs in (("equal", equal_pairs(audit.twins.same)), ("near", audit.twins.near)):
            for pair in pairs.tolist():
                lines.writerow((kind, *(column[row] for row in pair for column in columns)))


def write_exploration(exploration: Exploration, name: str, out: Path, seed: int = 0) -> None:
    """Write `exploration.json` and `index.html` under the folder `out`.

    Raises DataError where the folder cannot be written.
    """
    with written_aside(out / "exploration.json") as aside:
        aside.write_text(json.dumps(exploration.to_json(), indent=1) + "\n", encoding="utf-8")
    with written_aside(out / "index.html") as aside:
        aside.write_text(draw_exploration(exploration, name, seed), encoding="utf-8")


def describe_audit(audit: Audit, after: Audit | None, mended: Sequence[str]) -> dict[str, Any]:
    """The audit as JSON, with that of the mended set under `after` where there is one."""
    if after is None:
        return audit.to_json()
    return audit.to_json() | {"after": after.to_json(), "mended": list(mended)}
