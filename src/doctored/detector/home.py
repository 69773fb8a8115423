"""The one folder where Doctored remembers things, `DOCTORED_HOME`; without it, one packs and trusts anew."""

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any


def home() -> Path:
    """`DOCTORED_HOME` where it is set, else the folder for caches that this platform has."""
    if chosen := os.environ.get("DOCTORED_HOME"):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "doctored"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "doctored"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "doctored"


def recall(path: Path) -> dict[str, Any] | None:
    """What `remember` wrote to this path; None where there is nothing, or nothing that can be read."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def remember(path: Path, value: dict[str, Any]) -> None:
    """Write `value` so that a reader sees all of it or nothing; a folder that cannot be written to is no
    error, for nothing that is remembered is needed."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        import tempfile

        descriptor, aside = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                json.dump(value, stream)
            Path(aside).replace(path)
        except OSError:
            Path(aside).unlink(missing_ok=True)
            raise
