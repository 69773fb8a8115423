"""Manifests as files: CSV with the standard library, Parquet with pyarrow.

A CSV starts with one line `# {...}`, the table's metadata as JSON (it may be missing), then the column
names; an empty cell is None, a box is four numbers with spaces between. In Parquet the metadata is the
schema's value for the key `doctored`.
"""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from doctored.data.files import told_plainly, written_aside
from doctored.data.manifest import COLUMNS, INTEGER_COLUMNS, Manifest, Metadata
from doctored.errors import DataError, MissingExtra

_KEY = b"doctored"


def write_csv(manifest: Manifest, path: Path) -> None:
    with written_aside(path) as aside, aside.open("w", encoding="utf-8", newline="") as file:
        file.write(f"# {json.dumps(manifest.metadata.to_json())}\n")
        # The writer quotes what is in its line end: with "\r\n" neither can break a cell in two.
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(COLUMNS)
        boxes = [None if box is None else " ".join(map(str, box)) for box in manifest.column("box")]
        columns = [boxes if name == "box" else manifest.column(name) for name in COLUMNS]
        writer.writerows(zip(*columns, strict=True))


def read_csv(path: Path) -> Manifest:
    """Raises DataError for a file that is not such a table."""
    metadata = Metadata()
    try:
        with told_plainly(path), path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            if first.startswith("# {"):
                metadata = Metadata.from_json(json.loads(first[2:]))
            else:
                file.seek(0)
            reader = csv.reader(file)
            header = next(reader, [])
            rows = list(reader)
    except (UnicodeDecodeError, csv.Error, json.JSONDecodeError) as error:
        raise DataError(f"{path} is not a manifest ({error}); save it as UTF-8 CSV") from error
    if len(set(header)) != len(header):
        raise DataError(f"{path} names a column twice; keep one of them")
    for number, row in enumerate(rows):
        if len(row) != len(header):
            raise DataError(f"{path}: row {number} has {len(row)} cells, not {len(header)}; mend the row")
    cells = zip(*rows, strict=True) if rows else [()] * len(header)
    columns = {name: _parse_column(path, name, column) for name, column in zip(header, cells, strict=True)}
    return _named(path, columns, metadata)


def _parse_column(path: Path, name: str, cells: Sequence[str]) -> list[Any]:
    try:
        if name in INTEGER_COLUMNS:
            return [int(cell) if cell else None for cell in cells]
        if name == "box":
            return [tuple(map(int, cell.split())) if cell else None for cell in cells]
    except ValueError as error:
        raise DataError(f"{path}: column {name!r} needs whole numbers ({error}); mend it") from error
    return [cell or None for cell in cells]


def write_parquet(manifest: Manifest, path: Path) -> None:
    """Raises MissingExtra without pyarrow."""
    pyarrow, parquet = _import_pyarrow()
    types = {name: pyarrow.int64() if name in INTEGER_COLUMNS else pyarrow.string() for name in COLUMNS}
    types["box"] = pyarrow.list_(pyarrow.int64())
    metadata = {_KEY: json.dumps(manifest.metadata.to_json()).encode()}
    schema = pyarrow.schema([pyarrow.field(name, types[name]) for name in COLUMNS], metadata=metadata)
    table = pyarrow.table([pyarrow.array(manifest.column(n), types[n]) for n in COLUMNS], schema=schema)
    with written_aside(path) as aside:
        parquet.write_table(table, aside)


def read_parquet(path: Path) -> Manifest:
    """Raises MissingExtra without pyarrow, DataError for a file that is not such a table."""
    pyarrow, parquet = _import_pyarrow()
    try:
        with told_plainly(path), path.open("rb") as file:
            table = parquet.read_table(file)
        metadata = Metadata.from_json(json.loads((table.schema.metadata or {}).get(_KEY, b"{}")))
    except (pyarrow.ArrowException, json.JSONDecodeError) as error:
        raise DataError(f"{path} is not a manifest in Parquet ({error}); write it again") from error
    columns = {name: table.column(name).to_pylist() for name in table.column_names}
    if "box" in columns:
        columns["box"] = [None if box is None else tuple(box) for box in columns["box"]]
    return _named(path, columns, metadata)


def _import_pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra("train", "a manifest in Parquet (CSV needs nothing)") from error
    return pyarrow, parquet


def _named(path: Path, columns: dict[str, list[Any]], metadata: Metadata) -> Manifest:
    try:
        return Manifest(columns, metadata)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
