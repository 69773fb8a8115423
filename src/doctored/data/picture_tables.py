"""Tables that hold pictures as bytes: Parquet, and Arrow as Hugging Face `datasets` saves it.

The one place where pyarrow reads pictures; it is imported when the first table is opened. A row is named
`file.parquet#17`, counted from 0. Formats: Apache Parquet, Arrow IPC (stream and file); the features that
`datasets` writes into the schema, under the key `huggingface`.
"""

import bisect
import itertools
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from doctored.errors import DataError, MissingExtra

TABLE_SUFFIXES = (".parquet", ".arrow")
MAX_GROUP_BYTES = 2 << 30
_ROW_NAME = re.compile(r"(.+\.(?:parquet|arrow))#(0|[1-9]\d{0,17})", re.IGNORECASE | re.DOTALL)
_PICTURE_NAMES = ("image", "img", "picture", "photo", "jpg", "png", "bytes")


class RowName(NamedTuple):
    table: str
    row: int


def is_table(name: str) -> bool:
    return name.lower().endswith(TABLE_SUFFIXES)


def split_row_name(name: str) -> RowName | None:
    """`("a.parquet", 17)` for `a.parquet#17`; None for the name of a plain file."""
    found = _ROW_NAME.fullmatch(name) if "#" in name else None
    return RowName(found[1], int(found[2])) if found else None


def file_of(name: str) -> str:
    """The file that a member lies in: the table of a row, else the member itself."""
    row = split_row_name(name)
    return row.table if row else name


class PictureTable:
    """One open table: `len`, `names` of its columns, `features` as `datasets` describes them.

    `source` is the file's path, read in place, or its bytes; `name` is for messages, and its suffix tells
    the format. `picture_column` is None where no column holds pictures. One row group is held at a time.
    Raises MissingExtra without pyarrow, DataError for a file that is no such table.
    """

    def __init__(self, source: Path | bytes, name: str) -> None:
        self.name = name
        self._pyarrow = _import_pyarrow()
        self._file: Any = None
        self._table: Any = None
        self._held: tuple[int, Any] = (-1, None)
        try:
            self._open(source)
        except (self._pyarrow.ArrowException, OSError, ValueError) as error:
            raise self._unreadable(error) from error
        self.names: list[str] = self._schema.names
        self.features = _features_of(self._schema.metadata)
        self.picture_column = self._find_picture_column()

    def __len__(self) -> int:
        return int(self._starts[-1])

    def close(self) -> None:
        self._held = (-1, None)
        self._table = self._file = None

    def column(self, name: str) -> list[Any]:
        """All values of one column, as Python objects; not for the pictures."""
        try:
            table = self._table if self._file is None else self._file.read(columns=[name])
            values: list[Any] = table.column(name).to_pylist()
        except (self._pyarrow.ArrowException, OSError, ValueError, KeyError) as error:
            raise self._unreadable(error) from error
        return values

    def read(self, row: int) -> bytes:
        """The bytes of one picture; DataError where the row has none or cannot be read.

        A row that holds a path instead is not followed.
        """
        if not 0 <= row < len(self):
            raise DataError(f"{self.name!r} has {len(self)} rows, and no row {row}; check the manifest")
        if self.picture_column is None:
            raise DataError(f"{self.name!r} has no column of pictures; leave it out")
        try:
            value = self._scalar(row)
        except (self._pyarrow.ArrowException, OSError, ValueError) as error:
            raise self._unreadable(error) from error
        if isinstance(value, dict):
            value = value.get("bytes")
        if not isinstance(value, bytes):
            raise DataError(
                f"{f'{self.name}#{row}'!r} holds no picture, at most a path; save the set with bytes"
            )
        return value

    def _open(self, source: Path | bytes) -> None:
        if self.name.lower().endswith(".parquet"):
            from pyarrow import parquet

            place = source if isinstance(source, Path) else self._pyarrow.BufferReader(source)
            self._file = parquet.ParquetFile(place)
            self._schema = self._file.schema_arrow
            groups = [
                self._file.metadata.row_group(i).num_rows for i in range(self._file.metadata.num_row_groups)
            ]
        else:
            self._table = self._read_arrow(source)
            self._schema = self._table.schema
            groups = [self._table.num_rows]
        self._starts = [0, *itertools.accumulate(groups)]

    def _read_arrow(self, source: Path | bytes) -> Any:
        """Mapped into memory, not read: an Arrow file is its own index."""
        pyarrow = self._pyarrow
        place = pyarrow.memory_map(str(source)) if isinstance(source, Path) else pyarrow.BufferReader(source)
        try:
            return pyarrow.ipc.open_stream(place).read_all()
        except pyarrow.ArrowInvalid:
            return pyarrow.ipc.open_file(place).read_all()

    def _scalar(self, row: int) -> Any:
        if self._file is None:
            return self._table.column(self.picture_column)[row].as_py()
        group = bisect.bisect_right(self._starts, row) - 1
        if self._held[0] != group:
            self._refuse_bombs(group)
            column = self._file.read_row_group(group, columns=[self.picture_column])[self.picture_column]
            self._held = (group, column)
        return self._held[1][row - self._starts[group]].as_py()

    def _refuse_bombs(self, group: int) -> None:
        told = self._file.metadata.row_group(group)
        size = sum(
            told.column(i).total_uncompressed_size
            for i in range(told.num_columns)
            if told.column(i).path_in_schema.split(".")[0] == self.picture_column
        )
        if size > MAX_GROUP_BYTES:
            limit = f"{MAX_GROUP_BYTES >> 30} GiB"
            raise DataError(f"{self.name!r}: a row group is larger than {limit}; write smaller row groups")

    def _find_picture_column(self) -> str | None:
        for name, feature in self.features.items():
            if isinstance(feature, dict) and feature.get("_type") == "Image" and name in self.names:
                return name
        types = self._pyarrow.types
        able: list[str] = []
        for field in self._schema:
            kind = field.type
            if types.is_struct(kind):
                index = kind.get_field_index("bytes")
                if index < 0:
                    continue
                kind = kind.field(index).type
            if types.is_binary(kind) or types.is_large_binary(kind):
                able.append(field.name)
        return next((name for name in able if name.lower() in _PICTURE_NAMES), able[0] if able else None)

    def _unreadable(self, error: Exception) -> DataError:
        told = " ".join(str(error).split())[:200]
        return DataError(f"{self.name!r} is damaged, or no table of pictures ({told}); fetch it again")


def _features_of(metadata: dict[bytes, bytes] | None) -> dict[str, Any]:
    try:
        told = json.loads((metadata or {}).get(b"huggingface", b"{}"))
        features = told["info"]["features"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return features if isinstance(features, dict) else {}


def _import_pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.ipc
    except ImportError as error:
        raise MissingExtra("train", "a data set in Parquet or Arrow") from error
    return pyarrow
