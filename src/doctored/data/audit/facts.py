"""One pass over a data set: everything that the audit and the exploration know of each picture."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from doctored.data.audit.record import CATEGORIES, RECORD
from doctored.data.decoding import Answered, Chunk, work_through
from doctored.data.manifest import Manifest
from doctored.data.members import Member
from doctored.data.pack import Progress, open_stores
from doctored.data.picture_tables import file_of
from doctored.errors import DataError
from doctored.workers import available_cores

WORKER = "doctored.data.audit.examining_worker"
_CHUNK_BYTES = 1 << 20
_MAX_CHUNK_ROWS = 512


@dataclass(frozen=True, slots=True)
class Words:
    """A column of words: `codes` int32 [N] into `names`."""

    codes: NDArray[np.int32]
    names: tuple[str, ...]

    @staticmethod
    def of(values: Sequence[str]) -> "Words":
        numbers: dict[str, int] = {}
        codes = [numbers.setdefault(value, len(numbers)) for value in values]
        return Words(np.array(codes, np.int32), tuple(numbers))

    def __getitem__(self, rows: NDArray[Any]) -> "Words":
        return Words(self.codes[rows], self.names)


@dataclass(frozen=True, eq=False)
class Facts:
    """A record (see `record.RECORD`) for each row of `manifest`, in its order, and columns of words.

    `modified` is the time that an archive gives each member, int64 [N], 0 where it does not; `problems`
    tells by row number why a picture could not be read, as {code, message}. After an equalisation the
    records tell of the equalised picture, and its file.
    """

    manifest: Manifest
    records: NDArray[Any]
    words: dict[str, Words]
    modified: NDArray[np.int64]
    problems: dict[int, dict[str, str]]

    def __len__(self) -> int:
        return len(self.records)

    @property
    def is_equalised(self) -> bool:
        return self.manifest.metadata.equalisation is not None

    @cached_property
    def is_fake(self) -> NDArray[np.bool_]:
        return np.array([label == "fake" for label in self.manifest.column("label")], bool)

    @cached_property
    def is_usable(self) -> NDArray[np.bool_]:
        """Rows that were read and carry a label."""
        labelled = np.array([label is not None for label in self.manifest.column("label")], bool)
        return np.asarray(labelled & self.records["is_read"])

    def with_digests(self) -> Manifest:
        """The manifest with what was measured filled in; rows that could not be read as they were."""
        table, read = self.records, self.records["is_read"].tolist()
        whole = {
            "sha256": [bytes(digest).hex() for digest in table["file_digest"]],
            "pixels_sha256": [bytes(digest).hex() for digest in table["pixels_digest"]],
            "format": [self.words["format"].names[code] for code in self.words["format"].codes],
            "bytes": table["file_bytes"].tolist(),
            "width": table["width"].tolist(),
            "height": table["height"].tolist(),
        }
        known = {
            name: [value if is_read else None for value, is_read in zip(values, read, strict=True)]
            for name, values in whole.items()
        }
        return self.manifest.with_columns(**known)


def collect_facts(
    manifest: Manifest, *, workers: int | None = None, progress: Progress | None = None
) -> Facts:
    """Read every picture once, in `workers` processes (one a core if not told).

    A picture that cannot be read, or that kills its process, is a row of `problems`. `progress(done,
    total)` counts rows. Raises DataError where a source is missing or no row can be read.
    """
    report = progress or (lambda done, total: None)
    records = np.zeros(len(manifest), RECORD)
    modified = np.zeros(len(manifest), np.int64)
    problems: dict[int, dict[str, str]] = {}
    words: dict[str, dict[str, int]] = {name: {"": 0} for name in CATEGORIES}
    done = 0
    with ExitStack() as stack:
        stores = open_stores(manifest, stack)
        rows: list[tuple[int, str, Member]] = []
        pairs = zip(manifest.column("source"), manifest.column("member"), strict=True)
        for index, (source, name) in enumerate(pairs):
            try:
                member = stores[source].member(name)
                modified[index] = member.modified
                rows.append((index, source, member))
            except DataError as error:
                problems[index] = {"code": "unreadable", "message": str(error)}
        rows.sort(key=lambda row: (row[1], row[2].offset, row[0]))
        request = {"equalisation": manifest.metadata.equalisation}
        crew = workers or available_cores()
        chunks = _cut_chunks(rows, manifest.column("box"))
        for answered in work_through(chunks, WORKER, request, crew) if rows else ():
            _keep(answered, records, words, problems)
            done += len(answered.chunk.indices)
            report(done, len(manifest))
    if not records["is_read"].any():
        first = next(iter(problems.values()), {"message": "there are no rows"})["message"]
        raise DataError(f"not one picture can be read (the first: {first}); check the path")
    columns = {name: Words(records[name], tuple(words[name])) for name in CATEGORIES}
    members = manifest.column("member")
    columns["extension"] = Words.of(["." + file_of(name).rpartition(".")[2] for name in members])
    return Facts(manifest, records, columns, modified, problems)


def _cut_chunks(rows: Sequence[tuple[int, str, Member]], boxes: Sequence[Any]) -> Iterator[Chunk]:
    for source, of_source in groupby(rows, key=lambda row: row[1]):
        part: list[tuple[int, str, Member]] = []
        held = 0
        for row in of_source:
            part.append(row)
            held += row[2].size
            if len(part) >= _MAX_CHUNK_ROWS or held >= _CHUNK_BYTES:
                yield _chunk(source, part, boxes)
                part, held = [], 0
        if part:
            yield _chunk(source, part, boxes)


def _chunk(source: str, part: Sequence[tuple[int, str, Member]], boxes: Sequence[Any]) -> Chunk:
    indices, _, places = zip(*part, strict=True)
    return Chunk(source, indices, places, tuple(boxes[index] for index in indices))


def _keep(
    answered: Answered,
    records: NDArray[Any],
    words: dict[str, dict[str, int]],
    problems: dict[int, dict[str, str]],
) -> None:
    for index, result in zip(answered.chunk.indices, answered.results, strict=True):
        if "error" in result:
            problems[index] = result["error"]
    if not answered.blobs:
        return
    part = np.frombuffer(answered.blobs[0], RECORD).copy()
    for name in CATEGORIES:
        known = words[name]
        told = answered.header["words"][name]
        codes = np.array([known.setdefault(word, len(known)) for word in told] or [0], np.int32)
        part[name] = np.where(part["is_read"], codes[part[name]], 0)
    records[list(answered.chunk.indices)] = part
