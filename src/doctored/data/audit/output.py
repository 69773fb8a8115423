"""What an audit or an exploration leaves behind: JSON for programs, `index.html` for people."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from doctored.data.audit.auditing import Audit
from doctored.data.audit.exploring import Exploration
from doctored.data.audit.exploring_page import draw_exploration
from doctored.data.audit.page import draw_page
from doctored.data.files import written_aside


def write_audit(
    audit: Audit, name: str, out: Path, *, after: Audit | None = None, mended: Sequence[str] = ()
) -> None:
    """Write both files under the folder `out`; `after` and `mended` as in `draw_page`.

    Raises DataError where the folder cannot be written.
    """
    with written_aside(out / "audit.json") as aside:
        aside.write_text(json.dumps(describe_audit(audit, after, mended), indent=1) + "\n", encoding="utf-8")
    with written_aside(out / "index.html") as aside:
        aside.write_text(draw_page(audit, name, after, mended), encoding="utf-8")


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
