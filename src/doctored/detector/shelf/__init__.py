"""The shelf: the detector files that ship with Doctored, and their sha256. What is listed here is trusted."""

import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from doctored.detector.card import Card
from doctored.detector.onnx_file import read_card_text
from doctored.errors import DetectorError, UsageError

SCHEMA = 1
FOLDER = Path(__file__).parent
_LIST = "shelf.json"
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ShelfEntry:
    """One shipped detector: `changelog` says where its history is told; `golden`, where there is one, is the
    file of scores that it must give (`golden.py`). One that `is_default` judges pictures where none is named;
    the others are there to be named."""

    name: str
    path: Path
    sha256: str
    changelog: str
    golden: Path | None = None
    is_default: bool = True

    @property
    def card(self) -> Card:
        """The card in its file, read anew."""
        return Card.from_json(read_card_text(self.path.read_bytes()))


def shelf(folder: Path | None = None) -> list[ShelfEntry]:
    """What is on the shelf, in its order; DetectorError where the list itself is damaged."""
    folder = folder or FOLDER
    try:
        listed = json.loads((folder / _LIST).read_text(encoding="utf-8"))
        if listed["schema"] != SCHEMA:
            raise ValueError("another schema")
        return [_read_entry(row, folder) for row in listed["detectors"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DetectorError(
            f"the shelf's list cannot be read ({error}): install Doctored again "
            "(pip install --force-reinstall doctored)"
        ) from error


def default_names() -> list[str]:
    """The detectors that judge where none is named."""
    return [entry.name for entry in shelf() if entry.is_default]


def shelve(
    file: Path,
    *,
    changelog: str,
    golden: Path | None = None,
    is_default: bool = True,
    folder: Path | None = None,
) -> ShelfEntry:
    """Put a detector file on the shelf, in the place of one with the same name; for maintainers.

    `golden` is a folder with golden.json and its pictures, which is copied along; `changelog` is told from
    the root of the checkout. Raises UsageError for a changelog elsewhere, and for golden scores of another
    file.
    """
    folder = folder or FOLDER
    if Path(changelog).is_absolute():
        raise UsageError(f"a changelog is named from the root of the checkout, not as {changelog}")
    file_bytes = file.read_bytes()
    card = Card.from_json(read_card_text(file_bytes))
    sha256 = hashlib.sha256(file_bytes).hexdigest()
    (folder / f"{card.name}.onnx").write_bytes(file_bytes)
    row: dict[str, Any] = {"name": card.name, "file": f"{card.name}.onnx", "sha256": sha256}
    row |= {"changelog": changelog, "default": is_default}
    if golden is not None:
        if json.loads((golden / "golden.json").read_text(encoding="utf-8")).get("sha256") != sha256:
            raise UsageError("the golden scores are of another file: measure them again with this one")
        shutil.copytree(golden, folder / card.name, dirs_exist_ok=True)
        row["golden"] = f"{card.name}/golden.json"
    rows = json.loads((folder / _LIST).read_text(encoding="utf-8"))["detectors"]
    rows = sorted([*(old for old in rows if old["name"] != card.name), row], key=lambda each: each["name"])
    text = json.dumps({"schema": SCHEMA, "detectors": rows}, indent=2)
    (folder / _LIST).write_text(text + "\n", encoding="utf-8")
    return _read_entry(row, folder)


def _read_entry(row: dict[str, Any], folder: Path) -> ShelfEntry:
    if not _SHA256.fullmatch(row["sha256"]):
        raise ValueError(f"{row['name']} has no sha256")
    golden = folder / row["golden"] if "golden" in row else None
    file, is_default = folder / row["file"], row["default"]
    return ShelfEntry(row["name"], file, row["sha256"], row["changelog"], golden, is_default)
