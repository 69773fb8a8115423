"""The files of a run, each read once; a folder may hold any of them, written by this Doctored or another."""

import csv
import hashlib
import json
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from doctored.data.files import told_plainly
from doctored.errors import DataError, MissingExtra, UsageError

Json = dict[str, Any]

EVALUATION = "evaluation.json"
METRICS = "metrics.jsonl"
TRAINING = "training_metrics.json"
CARD = "model_card.json"
CONFIG = "config.toml"
AUDIT = "audit.json"
SPLIT = "split.json"
ROBUSTNESS = "robustness.json"
ATTACKS = "attacks.json"
EXPLANATIONS = "explanations.json"
GRADCAM = "gradcam_results.json"
ERRORS = "errors.json"
DETECTOR = "detector.onnx"
PREDICTIONS = ("predictions.parquet", "predictions.csv")
SHOWN = (
    EVALUATION, METRICS, TRAINING, CARD, CONFIG, AUDIT, SPLIT, ROBUSTNESS, ATTACKS, EXPLANATIONS, GRADCAM,
    ERRORS, *PREDICTIONS,
)  # fmt: skip
SPLITS = ("test", "val", "train")


class Absent(Exception):
    """What a section would show is not in the files; its text says why, and what would bring it."""


@dataclass(frozen=True, slots=True, eq=False)
class Epoch:
    """A line of `metrics.jsonl`; losses in nats, accuracy and AUC of the validation split, `attacked` the
    accuracy on attacked validation pictures, where training was adversarial."""

    epoch: int
    train_loss: float
    val_loss: float
    val_accuracy: float
    val_auc: float | None
    attacked: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """The scored pictures of one split: `ids` [N], `labels` int64 [N] with fake = 1, `logits` float64 [N]."""

    split: str
    ids: tuple[str, ...]
    labels: NDArray[np.int64]
    logits: NDArray[np.float64]


class Run:
    """A run's folder; `at` is the file that was asked for last.

    Raises UsageError where there is none of the files that a page shows.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise UsageError(f"{folder} is no folder; give the one that 'doctored train' wrote with --out")
        self.folder = folder
        if not any(self.has(name) for name in SHOWN):
            raise UsageError(
                f"{folder} holds no files of a run; 'doctored train DATA --out {folder}' makes them"
            )
        self._read: dict[str, Json] = {}
        self.at = ""

    @property
    def name(self) -> str:
        """The folder's own name, also where it was given as `.`."""
        return self.folder.resolve().name

    @property
    def place(self) -> str:
        """The folder as a command would name it, without the folders of this machine."""
        given = self.folder
        is_plain = not given.is_absolute() and ".." not in given.parts and given.name != ""
        return given.as_posix() if is_plain else self.name

    @property
    def data(self) -> str:
        """What the data set was called when the run was trained, else a word in its place."""
        if not self.has(CONFIG):
            return "DATA"
        try:
            return str(self.settings["data"]["name"])
        except (DataError, Absent, KeyError, TypeError):
            return "DATA"

    def has(self, *names: str) -> bool:
        """Whether any of these files is there."""
        return any((self.folder / name).is_file() for name in names)

    def json(self, name: str) -> Json:
        """A JSON file; Absent where it is not there, DataError where it is broken."""
        self.at = name
        if name not in self._read:
            value = self._parse(name, lambda text: json.loads(text, parse_constant=_refuse))
            if not isinstance(value, dict):
                raise DataError(f"{name} holds no JSON object")
            self._read[name] = value
        return self._read[name]

    def derived(self, name: str, make: Callable[[], Json]) -> Json:
        """What is computed from a file, once."""
        if name not in self._read:
            self._read[name] = make()
        return self._read[name]

    @cached_property
    def settings(self) -> Json:
        """`config.toml`."""
        settings: Json = self._parse(CONFIG, tomllib.loads)
        return settings

    @cached_property
    def history(self) -> list[Epoch]:
        """`metrics.jsonl`, in order."""
        rows = self._parse(METRICS, lambda text: [json.loads(line) for line in text.splitlines() if line])
        if not rows:
            raise Absent(f"{METRICS} holds no epoch yet.")
        return [
            Epoch(
                int(row["epoch"]),
                float(row["train_loss"]),
                float(row["val_loss"]),
                float(row["val_accuracy"]),
                _or_none(row.get("val_auc")),
                _or_none(row.get("val_accuracy_attacked")),
            )
            for row in rows
        ]

    @cached_property
    def predictions(self) -> Predictions:
        """The scored pictures of the test split, else of the validation split, else of all."""
        columns = self._columns()
        splits = columns.get("split") or [None] * len(columns["label"])
        present = set(splits)
        chosen = next((split for split in SPLITS if split in present), None)
        rows = [
            (name, label == "fake", float(logit))
            for name, label, logit, split in zip(
                columns["id"], columns["label"], columns["logit"], splits, strict=True
            )
            if split == chosen and logit not in (None, "") and label in ("real", "fake")
        ]
        if not rows:
            raise Absent("The predictions hold no scored picture with a label.")
        ids, labels, logits = zip(*rows, strict=True)
        return Predictions(chosen or "all", ids, np.array(labels, np.int64), np.array(logits, np.float64))

    def picture(self, name: str) -> bytes:
        """A file that lies in the run's folder or below; Absent for any other, and where it is not there."""
        root = self.folder.resolve()
        file = (root / name).resolve()
        if not file.is_relative_to(root) or not file.is_file():
            raise Absent(f"The picture {name} is not in the run's folder.")
        with told_plainly(file):
            return file.read_bytes()

    def sha256(self, name: str) -> str | None:
        """Of a file's bytes; None where it is not there."""
        if not self.has(name):
            return None
        with told_plainly(self.folder / name), (self.folder / name).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _parse(self, name: str, parse: Any) -> Any:
        self.at = name
        if not self.has(name):
            raise Absent(missing(self, name))
        try:
            with told_plainly(self.folder / name):
                return parse((self.folder / name).read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:  # JSON's, TOML's and UTF-8's errors are ValueErrors
            raise DataError(f"{name} cannot be read ({error})") from error

    def _columns(self) -> dict[str, list[Any]]:
        parquet, table = PREDICTIONS
        self.at = parquet if self.has(parquet) else table
        if self.has(parquet):
            return _read_parquet(self.folder / parquet)
        if not self.has(table):
            raise Absent(missing(self, parquet))
        with (
            told_plainly(self.folder / table),
            (self.folder / table).open(encoding="utf-8", newline="") as file,
        ):
            rows = list(csv.DictReader(file))
        return {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}


def _read_parquet(path: Path) -> dict[str, list[Any]]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra("train", f"reading {path.name}") from error
    try:
        with told_plainly(path):
            names = [name for name in parquet.read_schema(path).names if name in _COLUMNS]
            columns: dict[str, list[Any]] = parquet.read_table(path, columns=names).to_pydict()
    except pyarrow.ArrowException as error:
        raise DataError(f"{path.name} cannot be read ({error})") from error
    return columns


_COLUMNS = ("id", "split", "label", "logit")


def missing(run: Run, name: str) -> str:
    """That a file is not there, and the command that makes it."""
    return f"{name} is not here yet: {command_for(run, name)} makes it."


def command_for(run: Run, name: str) -> str:
    """The command that makes a file of this run."""
    if name in (METRICS, TRAINING, CARD, CONFIG, AUDIT, SPLIT, PREDICTIONS[0]):
        return f"doctored train {run.data} --out {run.place}"
    options = {ROBUSTNESS: " --robustness", ATTACKS: " --robustness", EXPLANATIONS: " --explanations"}
    options |= {GRADCAM: " --explanations", ERRORS: " --errors"}
    return f"doctored evaluate {run.place}/{DETECTOR} {run.data}{options.get(name, '')} --out {run.place}"


def names(found: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = found
    return f"{', '.join(most)} and {last}" if most else last


def _or_none(value: Any) -> float | None:
    return None if value is None else float(value)


def _refuse(constant: str) -> float:
    raise ValueError(f"it holds {constant}, which is no number")
