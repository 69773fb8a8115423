"""The listing of a data set: one row a picture, or a crop of one.

`fake` is the positive class. A value that is not known, or not known yet, is None. A manifest never
changes: every operation returns a new one. Its rows are held by column, so a million of them is fine.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from doctored.errors import DataError
from doctored.spelling import suggest

LABELS = ("real", "fake")
KINDS = ("generated", "spliced", "copy_move", "retouched")
SPLITS = ("train", "val", "test")

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Row:
    """One picture, or the crop `box` (x, y, width, height, in pixels of the upright picture) of one.

    `source` is a folder or an archive, `member` the picture's name in it and `mask` its mask's; pictures
    that share a `group` (a scene, a source, an identity) never cross splits; `subject` is what the picture
    shows, where the set says so. `sha256` is of the file's bytes, `pixels_sha256` of the upright crop's
    size and pixels, `width` and `height` are the crop's, `bytes` is the size of the file.
    """

    id: str
    source: str | None = None
    member: str | None = None
    box: Box | None = None
    label: str | None = None
    kind: str | None = None
    split: str | None = None
    generator: str | None = None
    group: str | None = None
    subject: str | None = None
    mask: str | None = None
    sha256: str | None = None
    pixels_sha256: str | None = None
    width: int | None = None
    height: int | None = None
    format: str | None = None
    bytes: int | None = None
    licence: str | None = None


COLUMNS = tuple(column.name for column in fields(Row))
INTEGER_COLUMNS = frozenset({"width", "height", "bytes"})
TEXT_COLUMNS = frozenset(COLUMNS) - INTEGER_COLUMNS - {"box"}
_ALLOWED = {"label": LABELS, "kind": KINDS, "split": SPLITS}
# Where the bytes lie is not what they are: a set has the same digest on every machine.
_DIGESTED = tuple(name for name in COLUMNS if name != "source")


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is true of the whole table: the `equalisation` that training and evaluation apply (JSON), the
    `reader` that made the table, and `notes` in plain words."""

    equalisation: Mapping[str, Any] | None = None
    reader: str | None = None
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        equalisation = dict(self.equalisation) if self.equalisation is not None else None
        return {"equalisation": equalisation, "reader": self.reader, "notes": list(self.notes)}

    @staticmethod
    def from_json(value: Any) -> "Metadata":
        if not isinstance(value, Mapping):
            raise DataError("its metadata is not a JSON object; leave the metadata out")
        return Metadata(value.get("equalisation"), value.get("reader"), tuple(value.get("notes") or ()))


@dataclass(frozen=True, slots=True, eq=False)
class Manifest:
    """Equal-length columns, named as the fields of `Row`; those not given are all None.

    Raises DataError for an unknown column, unequal lengths, values of the wrong type, labels, kinds or
    splits outside their enumerations, and ids that are missing or not unique.
    """

    columns: Mapping[str, Sequence[Any]]
    metadata: Metadata = field(default_factory=Metadata)

    def __post_init__(self) -> None:
        _refuse_unknown(self.columns)
        if "id" not in self.columns:
            raise DataError("a manifest needs a column 'id' that names each row; add one")
        lengths = {name: len(values) for name, values in self.columns.items()}
        rows = lengths["id"]
        if uneven := [name for name, length in lengths.items() if length != rows]:
            raise DataError(
                f"column {uneven[0]!r} has {lengths[uneven[0]]} values and 'id' has {rows}; give each row one"
            )
        nothing = (None,) * rows
        whole = {name: tuple(self.columns[name]) if name in lengths else nothing for name in COLUMNS}
        for name, values in whole.items():
            _validate_column(name, values)
        object.__setattr__(self, "columns", whole)

    def __len__(self) -> int:
        return len(self.columns["id"])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Manifest):
            return NotImplemented
        return self.columns == other.columns and self.metadata == other.metadata

    def column(self, name: str) -> tuple[Any, ...]:
        """The values of one column, in row order."""
        _refuse_unknown([name])
        values = self.columns[name]
        return values if isinstance(values, tuple) else tuple(values)

    def row(self, index: int) -> Row:
        return Row(*(self.columns[name][index] for name in COLUMNS))

    def rows(self) -> Iterator[Row]:
        return map(Row, *(self.columns[name] for name in COLUMNS))

    def targets(self) -> NDArray[np.uint8]:
        """The labels as numbers, uint8 [N]: fake 1, real 0. Raises DataError where one is not known."""
        labels = self.columns["label"]
        if None in labels:
            name = self.columns["id"][labels.index(None)]
            raise DataError(f"{name} has no label; label every row, or select those that have one")
        return np.fromiter((label == "fake" for label in labels), dtype=np.uint8, count=len(labels))

    def select(self, which: ArrayLike) -> "Manifest":
        """The rows that a boolean mask [N] or row numbers [K] pick, in that order."""
        chosen = np.asarray(which)
        if chosen.dtype == bool:
            if chosen.shape != (len(self),):
                raise ValueError(f"a mask of shape {chosen.shape} does not fit {len(self)} rows")
            chosen = np.flatnonzero(chosen)
        indices = chosen.astype(np.int64).tolist()
        return replace(self, columns={name: [v[i] for i in indices] for name, v in self.columns.items()})

    def with_columns(self, **columns: Sequence[Any]) -> "Manifest":
        return replace(self, columns={**self.columns, **columns})

    def with_metadata(self, **values: Any) -> "Manifest":
        return replace(self, metadata=replace(self.metadata, **values))

    def counts(self, name: str) -> dict[Any, int]:
        """How many rows hold each value of a column, most frequent first."""
        counts = Counter(self.column(name))
        return dict(sorted(counts.items(), key=lambda item: (-item[1], str(item[0]))))

    def digest(self) -> str:
        """SHA-256 of the rows, in order, and the equalisation: the same whatever file they are kept in.

        It does not depend on `source`, the reader or the notes.
        """
        digest = hashlib.sha256(b"doctored manifest 1\n")
        digest.update(_canonical(self.metadata.to_json()["equalisation"]))
        for name in _DIGESTED:
            digest.update(_canonical([name, self.columns[name]]))
        return digest.hexdigest()

    def to_csv(self, path: str | Path) -> None:
        from doctored.data import tables

        tables.write_csv(self, Path(path))

    @staticmethod
    def from_csv(path: str | Path) -> "Manifest":
        from doctored.data import tables

        return tables.read_csv(Path(path))

    def to_parquet(self, path: str | Path) -> None:
        from doctored.data import tables

        tables.write_parquet(self, Path(path))

    @staticmethod
    def from_parquet(path: str | Path) -> "Manifest":
        from doctored.data import tables

        return tables.read_parquet(Path(path))


def from_rows(rows: Iterable[Row], metadata: Metadata | None = None) -> Manifest:
    """A manifest of the given rows, in their order."""
    held = list(rows)
    columns = {name: [getattr(row, name) for row in held] for name in COLUMNS}
    return Manifest(columns, metadata or Metadata())


def concat(manifests: Sequence[Manifest]) -> Manifest:
    """All rows of all manifests, in order; DataError where ids clash or the equalisations differ."""
    equalisations = [manifest.metadata.equalisation for manifest in manifests]
    if any(other != equalisations[0] for other in equalisations[1:]):
        raise DataError("the manifests are equalised differently; equalise them alike before joining them")
    readers = {manifest.metadata.reader for manifest in manifests}
    notes = dict.fromkeys(note for manifest in manifests for note in manifest.metadata.notes)
    columns = {
        name: [value for manifest in manifests for value in manifest.columns[name]] for name in COLUMNS
    }
    return Manifest(
        columns,
        Metadata(
            equalisations[0] if equalisations else None,
            readers.pop() if len(readers) == 1 else None,
            tuple(notes),
        ),
    )


def _refuse_unknown(names: Iterable[str]) -> None:
    for name in names:
        if name not in COLUMNS:
            raise DataError(f"a manifest has no column {name!r}; {suggest(name, COLUMNS)}")


def _validate_column(name: str, values: tuple[Any, ...]) -> None:
    types = set(map(type, values)) - {type(None)}
    if name == "id":
        _validate_ids(values)
    if name in _ALLOWED:
        if strange := set(values) - {None, *_ALLOWED[name]}:
            worst = sorted(map(repr, strange))[0]
            known = ", ".join(_ALLOWED[name])
            raise DataError(f"{name} {worst} is not known; use one of {known}, or leave it empty")
    elif name == "box":
        _refuse_values(name, values, _is_no_box, "x, y, width, height in pixels")
    elif name in INTEGER_COLUMNS:
        if types - {int}:
            _refuse_values(name, values, lambda value: type(value) is not int, "a whole number")
        _refuse_values(name, values, lambda value: value < 0, "zero or more")
    elif types - {str} or "" in values:
        _refuse_values(name, values, lambda v: type(v) is not str or not v, "text, or nothing at all")


def _validate_ids(values: tuple[Any, ...]) -> None:
    if None in values:
        raise DataError(f"row {values.index(None)} has no id; give every row one")
    if len(set(values)) != len(values):
        twice = next(value for value, count in Counter(values).items() if count > 1)
        raise DataError(f"two rows have the id {twice!r}; put the set's name before each id, for example")


def _is_no_box(value: Any) -> bool:
    if type(value) is not tuple or len(value) != 4 or set(map(type, value)) != {int}:
        return True
    x, y, width, height = value
    return bool(min(x, y) < 0 or min(width, height) < 1)


def _refuse_values(name: str, values: tuple[Any, ...], is_wrong: Callable[[Any], bool], wanted: str) -> None:
    for index, value in enumerate(values):
        if value is not None and is_wrong(value):
            raise DataError(f"{name} of row {index} is {value!r}; it must be {wanted}")


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def take_sources(manifest: Manifest, moved: Manifest) -> Manifest:
    """The same rows with the sources that another listing of the set names for them."""
    sources = dict(zip(moved.column("id"), moved.column("source"), strict=True))
    try:
        return manifest.with_columns(source=[sources[name] for name in manifest.column("id")])
    except KeyError as error:
        raise DataError(
            f"the data set lacks {error}, which the run was trained on; give the set it was trained on"
        ) from error
