"""Which of the judged pictures are looked at again, and their pixels."""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from doctored.data.decoding import Chunk, decode_chunks
from doctored.data.decoding_worker import cut
from doctored.data.equalisation import equalise
from doctored.data.manifest import Manifest
from doctored.data.members import Member
from doctored.data.pack import open_stores
from doctored.errors import DataError, PictureError
from doctored.evaluate.judge import Judgements
from doctored.picture import Preprocess, decode
from doctored.workers import available_cores

Rows = NDArray[np.int64]
STRATA = ("label", "generator", "subject")
_CHUNK_BYTES = 4 << 20
_MAX_CHUNK_ROWS = 512
_ROWS_WORTH_A_WORKER = 64


def draw_sample(judgements: Judgements, at_most: int, seed: int = 0) -> Rows:
    """At most `at_most` of the rows that were scored, int64, ascending: a fixed, stratified draw.

    Rows are ordered by label, generator and subject, at random within, and every k-th is taken, so that each
    stratum keeps its share.
    """
    rows = np.flatnonzero(judgements.is_scored)
    if len(rows) <= at_most:
        return rows
    columns = [judgements.manifest.column(name) for name in STRATA]
    strata = ["\0".join(str(column[row]) for column in columns) for row in rows]
    _, stratum = np.unique(np.array(strata, dtype=object), return_inverse=True)
    random = np.random.default_rng(seed).random(len(rows))
    ordered = rows[np.lexsort((random, stratum))]
    places = ((np.arange(at_most) + 0.5) * len(rows) / at_most).astype(np.int64)
    return np.sort(ordered[places])


def cut_chunks(manifest: Manifest, rows: Rows, bytes_a_row: int) -> Iterator[Chunk]:
    """These rows of a manifest as work for `data.decoding`, in the order in which their bytes lie.

    Raises DataError where a source or a member is not there.
    """
    with ExitStack() as stack:
        chosen = manifest.select(rows)
        stores = open_stores(chosen, stack)
        places: list[tuple[str, int, int, Member]] = []
        named = zip(rows.tolist(), chosen.column("source"), chosen.column("member"), strict=True)
        for row, source, name in named:
            member = stores[source].member(name)
            places.append((source, member.offset, row, member))
    places.sort(key=lambda place: place[:3])
    boxes = manifest.column("box")
    most = max(1, min(_MAX_CHUNK_ROWS, _CHUNK_BYTES // bytes_a_row))
    for source, of_source in groupby(places, key=lambda place: place[0]):
        group = list(of_source)
        for start in range(0, len(group), most):
            part = group[start : start + most]
            numbers = tuple(row for _, _, row, _ in part)
            members = tuple(member for *_, member in part)
            yield Chunk(source, numbers, members, tuple(boxes[number] for number in numbers))


def count_workers(rows: int) -> int:
    """One process a core, but none for fewer rows than it takes to start it."""
    return min(available_cores(), 1 + rows // _ROWS_WORTH_A_WORKER)


def read_views(
    manifest: Manifest, rows: Rows, preprocess: Preprocess, workers: int | None = None
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """What the detector sees of these rows: uint8 [n, size, size, 3], and which could be read, bool [n].

    From the files themselves, equalised where the manifest says so; zeros where a row cannot be read.
    """
    size = preprocess.size
    views = np.zeros((len(rows), size, size, 3), np.uint8)
    is_read = np.zeros(len(rows), bool)
    place = {row: index for index, row in enumerate(rows.tolist())}
    chunks = cut_chunks(manifest, rows, size * size * 3)
    crew = workers or count_workers(len(rows))
    if not len(rows):
        return views, is_read
    for decoded in decode_chunks(chunks, preprocess, crew, manifest.metadata.equalisation):
        numbers = [place[index] for index in decoded.indices]
        views[numbers] = decoded.pixels
        is_read[numbers] = ["error" not in result for result in decoded.results]
    return views, is_read


def read_pictures(manifest: Manifest, rows: Rows) -> Iterator[tuple[int, NDArray[np.uint8] | None]]:
    """Each row with its pixels, uint8 [H, W, 3], as the detector's preprocess gets them; None where it cannot
    be read. In this process, one after another: for a few."""
    if not len(rows):
        return
    with ExitStack() as stack:
        stores = open_stores(manifest.select(rows), stack)
        for number in rows.tolist():
            row = manifest.row(number)
            assert row.source is not None  # open_stores saw to it
            assert row.member is not None
            try:
                pixels = cut(decode(stores[row.source].read(row.member)).pixels, list(row.box or ()) or None)
                if manifest.metadata.equalisation is not None:
                    pixels = equalise(pixels, manifest.metadata.equalisation).pixels
            except (DataError, PictureError):
                yield number, None
            else:
                yield number, pixels
