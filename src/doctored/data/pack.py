"""Packs: the decoded pixels of a data set in one memory-mapped file, beside its manifest.

While a pack is made, `decoded.npy` has a place for every row and `journal.jsonl` tells which chunks are
in it: a run that is killed at any moment, and run again, ends with the same bytes. `pack.json` is
written last; a folder without it is no pack.
"""

import hashlib
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from doctored.data.decoding import Chunk, Decoded, decode_chunks
from doctored.data.files import told_plainly, written_aside
from doctored.data.manifest import Box, Manifest, take_sources
from doctored.data.members import Member, MemberStore
from doctored.errors import DataError, UsageError
from doctored.picture import Preprocess
from doctored.workers import available_cores

Progress = Callable[[int, int], None]

SCHEMA = 1
_CHUNK_BYTES = 2 << 20
_MAX_CHUNK_ROWS = 512
_MEASURED = ("sha256", "pixels_sha256", "width", "height", "format", "bytes")
_PIXELS, _MANIFEST, _BROKEN, _INFO = "pixels.npy", "manifest.csv", "broken.jsonl", "pack.json"
_DECODED, _JOURNAL = "decoded.npy", "journal.jsonl"


@dataclass(frozen=True, slots=True)
class Pack:
    """`pixels`: uint8 [N, n, n, 3], RGB, memory-mapped and read-only; row i is `manifest.row(i)`.

    `info` is the pack's own description (`pack.json`): `request` (digests of the manifest and of the
    sources' listings, preprocess), `rows`, `broken` (counted; each is told in `broken.jsonl`), `shape`,
    and `manifest`, the digest of the manifest in the pack.
    """

    path: Path
    pixels: NDArray[np.uint8]
    manifest: Manifest
    info: dict[str, Any]

    @staticmethod
    def open(path: str | Path) -> "Pack":
        """Raises DataError for a folder that holds no finished pack."""
        path = Path(path)
        if not (path / _INFO).is_file():
            raise DataError(f"{path} holds no finished pack; make one with: doctored data pack DATA {path}")
        manifest = Manifest.from_csv(path / _MANIFEST)
        try:
            with told_plainly(path):
                info = json.loads((path / _INFO).read_text("utf-8"))
                pixels = np.load(path / _PIXELS, mmap_mode="r")
            is_whole = list(pixels.shape) == info["shape"] and len(manifest) == len(pixels)
        except (ValueError, KeyError, TypeError, EOFError) as error:
            raise DataError(f"{path}: the pack is damaged ({error}); remove it and pack again") from error
        if not is_whole or pixels.dtype != np.uint8:
            raise DataError(f"{path}: the pack's files do not belong together; remove it and pack again")
        return Pack(path, pixels, manifest, info)

    def fits(self, manifest: Manifest, preprocess: Preprocess) -> bool:
        """Whether this pack was made from just this manifest, its sources as they are now, and this
        preprocess. Raises DataError for a source that cannot be listed."""
        with ExitStack() as stack:
            request = _describe_request(manifest, preprocess, open_stores(manifest, stack))
        return bool(self.info["request"] == request)

    def indices(self, manifest: Manifest) -> NDArray[np.int64]:
        """Where in `pixels` the rows of a manifest lie, int64 [len(manifest)], looked up by id.

        Raises DataError for an id that is not in the pack.
        """
        places = {name: index for index, name in enumerate(self.manifest.column("id"))}
        try:
            return np.array([places[name] for name in manifest.column("id")], np.int64)
        except KeyError as error:
            raise DataError(f"{self.path}: {error} is not in the pack; pack that manifest") from error


def request_digest(manifest: Manifest, preprocess: Preprocess) -> str:
    """SHA-256 of what a pack is made from: the manifest, its sources as they are now, the preprocess.

    The right name for a pack in a cache. Raises DataError for a source that cannot be listed.
    """
    with ExitStack() as stack:
        request = _describe_request(manifest, preprocess, open_stores(manifest, stack))
    return hashlib.sha256(_json_line(request)).hexdigest()


def pack(
    manifest: Manifest,
    preprocess: Preprocess,
    out: str | Path,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
    resume: bool = True,
) -> Pack:
    """Decode every row and keep its pixels under the folder `out`.

    A finished pack of the same request is opened as it is, an unfinished one goes on where it stopped;
    `resume=False` begins anew. Rows that cannot be decoded are left out and listed in `broken.jsonl`.
    `progress(done, total)` counts rows; `workers` is the number of processes, by default one a core.
    Raises DataError where `out` holds a pack of another request, where no row can be decoded, where a
    source is missing or the disk is full; UsageError for `tiles`, which has no fixed number of views.
    """
    out = Path(out)
    if preprocess.kind == "tiles":
        raise UsageError("a pack holds one view a picture; take exact, resize or center instead of tiles")
    if not len(manifest):
        raise DataError("there is nothing to pack: the manifest has no rows; check the path it was read from")
    with ExitStack() as stack:
        stores = open_stores(manifest, stack)
        request = _describe_request(manifest, preprocess, stores)
        if not resume:
            _remove(out, (_INFO, _JOURNAL, _DECODED, _PIXELS, _MANIFEST, _BROKEN))
        if (out / _INFO).exists():
            ready = Pack.open(out)
            if ready.info["request"] != request:
                raise DataError(f"{out} holds a pack of something else; name another folder, or remove it")
            # its sources may have moved since it was made
            return replace(ready, manifest=take_sources(ready.manifest, manifest))
        shape = (len(manifest), preprocess.size, preprocess.size, 3)
        with told_plainly(out), _Unfinished(out, request, shape) as unfinished:
            _decode_rest(unfinished, manifest, preprocess, stores, workers, progress)
            results = [unfinished.results[index] for index in range(len(manifest))]
    _finish(out, manifest, results, {"request": request, "shape": shape})
    return Pack.open(out)


def _decode_rest(
    unfinished: "_Unfinished",
    manifest: Manifest,
    preprocess: Preprocess,
    stores: dict[str, MemberStore],
    workers: int | None,
    progress: Progress | None,
) -> None:
    results = unfinished.results
    report = progress or (lambda done, total: None)
    report(len(results), len(manifest))
    rows: list[tuple[int, str, Member]] = []
    for index, (source, name) in enumerate(
        zip(manifest.column("source"), manifest.column("member"), strict=True)
    ):
        if index not in results:
            try:
                rows.append((index, source, stores[source].member(name)))
            except DataError as error:
                results[index] = {"error": {"code": "unreadable", "message": str(error)}}
    # In the order in which a source's bytes lie: a .tar.gz goes no other way, and disks like it better.
    rows.sort(key=lambda row: (row[1], row[2].offset, row[0]))
    chunks = _cut_chunks(rows, manifest.column("box"), preprocess.size)
    crew = workers or available_cores()
    equalisation = manifest.metadata.equalisation
    for decoded in decode_chunks(chunks, preprocess, crew, equalisation) if rows else ():
        unfinished.keep(decoded)
        report(len(results), len(manifest))


def _cut_chunks(
    rows: Sequence[tuple[int, str, Member]], boxes: Sequence[Box | None], size: int
) -> Iterator[Chunk]:
    most = max(1, min(_MAX_CHUNK_ROWS, _CHUNK_BYTES // (3 * size * size)))
    for source, of_source in groupby(rows, key=lambda row: row[1]):
        while part := list(islice(of_source, most)):
            indices, _, places = zip(*part, strict=True)
            yield Chunk(source, indices, places, tuple(boxes[index] for index in indices))


class _Unfinished:
    """A pack in the making: a place in `decoded.npy` for every row, and a journal of what is there.

    `results` tells, by row number, what decoding found: the measured columns, or an `error`.
    """

    def __init__(self, out: Path, request: dict[str, Any], shape: tuple[int, ...]) -> None:
        self.results: dict[int, dict[str, Any]] = {}
        self._out = out
        self._head = _json_line({"request": request, "shape": shape})
        self._row_bytes = int(np.prod(shape[1:]))
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
        self._npy_header = header.getvalue()
        self._pixel_bytes = shape[0] * self._row_bytes

    def __enter__(self) -> "_Unfinished":
        self._out.mkdir(parents=True, exist_ok=True)
        decoded, journal = self._out / _DECODED, self._out / _JOURNAL
        if not decoded.exists() and (self._out / _PIXELS).exists():
            (self._out / _PIXELS).replace(decoded)  # killed between the last rename and `pack.json`
        kept = self._read_journal(journal) if decoded.exists() else 0
        if not kept:
            self._begin(decoded, journal)
        else:
            os.truncate(journal, kept)
        self._journal = journal.open("ab")
        self._pixels = decoded.open("rb+")
        return self

    def __exit__(self, *_: object) -> None:
        self._journal.close()
        self._pixels.close()

    def keep(self, decoded: Decoded) -> None:
        """Pixels first, then the journal's line: what the journal tells is always there."""
        numbers = np.array(decoded.indices)
        for start, run in zip(*_runs(numbers), strict=True):
            self._pixels.seek(len(self._npy_header) + int(numbers[start]) * self._row_bytes)
            self._pixels.write(decoded.pixels[start : start + run].data)
        self._pixels.flush()
        self._journal.write(_json_line({"indices": decoded.indices, "results": decoded.results}))
        self._journal.flush()
        self.results.update(zip(decoded.indices, decoded.results, strict=True))

    def _begin(self, decoded: Path, journal: Path) -> None:
        free = shutil.disk_usage(self._out).free
        if free < self._pixel_bytes:
            needed = f"{self._pixel_bytes / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free"
            raise DataError(f"{self._out}: the disk is too full (the pack takes {needed}); free some space")
        journal.unlink(missing_ok=True)  # it must not tell of pixels that are no more
        with decoded.open("wb") as file:
            file.write(self._npy_header)
            file.truncate(len(self._npy_header) + self._pixel_bytes)
        with written_aside(journal) as aside:
            aside.write_bytes(self._head)

    def _read_journal(self, journal: Path) -> int:
        """Take over its results; how many of its bytes are sound lines (a kill can cut the last)."""
        if not journal.exists():
            return 0
        with journal.open("rb") as lines:
            if (head := lines.readline()) != self._head and head:
                raise DataError(f"{self._out} holds an unfinished pack of something else; remove it first")
            kept = len(head)
            for line in lines:
                try:
                    entry = json.loads(line)
                except ValueError:
                    break
                if not line.endswith(b"\n"):
                    break
                self.results.update(zip(entry["indices"], entry["results"], strict=True))
                kept += len(line)
        return kept


def _finish(out: Path, manifest: Manifest, results: list[dict[str, Any]], info: dict[str, Any]) -> None:
    errors: list[Any] = [result.get("error") for result in results]
    kept = [index for index, error in enumerate(errors) if error is None]
    if not kept:
        raise DataError(f"none of {len(manifest)} pictures can be packed; the first: {errors[0]['message']}")
    measured = {name: [results[index][name] for index in kept] for name in _MEASURED}
    packed = manifest.select(kept).with_columns(**measured)
    with told_plainly(out):
        if len(kept) == len(manifest):
            (out / _DECODED).replace(out / _PIXELS)
        else:
            _copy_rows(out / _DECODED, out / _PIXELS, np.array(kept))
    packed.to_csv(out / _MANIFEST)
    with written_aside(out / _BROKEN) as aside, aside.open("wb") as lines:
        for row, error in zip(manifest.rows(), errors, strict=True):
            if error is not None:
                lines.write(_json_line({"id": row.id, "member": row.member, **error}))
    counts = {"rows": len(kept), "broken": len(manifest) - len(kept), "manifest": packed.digest()}
    shape = [len(kept), *info["shape"][1:]]
    with written_aside(out / _INFO) as aside:
        aside.write_text(
            json.dumps({"schema": SCHEMA, **info, **counts, "shape": shape}, indent=2) + "\n", "utf-8"
        )
    _remove(out, (_JOURNAL, _DECODED))


def _copy_rows(source: Path, target: Path, kept: NDArray[np.int64]) -> None:
    pixels = np.load(source, mmap_mode="r")
    rows_at_once = max(1, _CHUNK_BYTES // int(np.prod(pixels.shape[1:])))
    with written_aside(target) as aside, aside.open("wb") as file:
        shape = (len(kept), *pixels.shape[1:])
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        for start in range(0, len(kept), rows_at_once):
            file.write(pixels[kept[start : start + rows_at_once]].data)


def open_stores(manifest: Manifest, stack: ExitStack) -> dict[str, MemberStore]:
    for name in ("source", "member"):
        if None in manifest.column(name):
            row = manifest.row(manifest.column(name).index(None))
            raise DataError(f"{row.id} has no {name}; tell where its picture lies, or leave the row out")
    sources = dict.fromkeys(manifest.column("source"))
    return {source: stack.enter_context(MemberStore(source)) for source in sources}


def _describe_request(
    manifest: Manifest, preprocess: Preprocess, stores: dict[str, MemberStore]
) -> dict[str, Any]:
    return {
        "manifest": manifest.digest(),
        "preprocess": preprocess.to_json(),
        "sources": [store.digest() for store in stores.values()],
    }


def _runs(numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where runs of consecutive numbers start, and how long they are."""
    starts = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 2) != 1)
    return starts, np.diff(starts, append=len(numbers))


def _json_line(value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _remove(folder: Path, names: Sequence[str]) -> None:
    with told_plainly(folder):
        for name in names:
            (folder / name).unlink(missing_ok=True)
