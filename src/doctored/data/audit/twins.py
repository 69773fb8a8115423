"""Pictures that are there more than once, pixel for pixel or nearly so; and units that must not be parted."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from doctored.data.audit.near import find_near
from doctored.data.audit.perceptual import SIDE, hash_pictures, shrink
from doctored.data.audit.record import RECORD
from doctored.picture import Preprocess

MIN_CORRELATION = 0.95
"""Of two 8×8 colour thumbnails whose hashes are near. Set on CIFAKE, looking at pairs: above it they were
pictures of one origin (cropped, coloured, compressed anew), below it also lookalikes."""
_MOST_COMPARED_OF_ONE_HASH = 40
_PAIRS_AT_ONCE = 1 << 17
_PICTURES_AT_ONCE = 512
_SEEN = np.dtype(
    [(name, RECORD[name]) for name in ("is_read", "pixels_digest", "hash", "is_plain", "thumbnail")]
)

Codes = NDArray[np.int64]
Pairs = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Twins:
    """`same`: a number for each row, equal for equal pixels. `near`: pairs of rows, int64 [P, 2], of
    different pixels that show nearly the same; of several rows with equal pixels only the first is paired.
    `is_complete` is false where there were too many pairs to list them all."""

    same: Codes
    near: Pairs
    is_complete: bool = True


def find_twins(records: NDArray[Any]) -> Twins:
    """Rows that could not be read are no one's twin."""
    read = np.flatnonzero(records["is_read"])
    same = -1 - np.arange(len(records), dtype=np.int64)
    words = np.ascontiguousarray(records["pixels_digest"][read]).view(np.uint64).reshape(-1, 4)
    # 128 of 256 bits: two pictures of a million share them with a probability of 10^-27.
    order = np.lexsort((words[:, 1], words[:, 0]))
    changes = (words[order[1:], :2] != words[order[:-1], :2]).any(axis=1)
    numbers = np.concatenate([[0], np.cumsum(changes)]) if len(read) else np.empty(0, np.int64)
    same[read[order]] = numbers
    _, firsts = np.unique(same, return_index=True)
    firsts = firsts[records["is_read"][firsts] & ~records["is_plain"][firsts]]
    near, is_complete = _find_near_rows(records, np.sort(firsts))
    return Twins(same, near, is_complete)


def find_near_ids(
    ids: Sequence[str],
    digests: Sequence[str | None],
    pixels: NDArray[np.uint8],
    places: NDArray[np.int64],
) -> list[tuple[str, str]]:
    """Pairs of ids of pictures that show nearly the same, as the audit finds them, from packed pixels.

    `digests` are the manifest's `pixels_sha256`, equal for equal pixels, None where not known; `pixels` uint8
    [M, n, n, 3], a memory map will do; `places` int64 [N] tells where in it each picture lies. Of several
    pictures with equal pixels only the first is paired.
    """
    records = np.zeros(len(ids), _SEEN)
    for start in range(0, len(ids), _PICTURES_AT_ONCE):
        part = slice(start, start + _PICTURES_AT_ONCE)
        small = _reduce(np.asarray(pixels[places[part]]))
        records["hash"][part], records["is_plain"][part] = hash_pictures(small)
        records["thumbnail"][part] = shrink(small)
    records["is_read"] = True
    for row, digest in enumerate(digests):
        known = hashlib.sha256(f"row {row}".encode()).digest() if digest is None else bytes.fromhex(digest)
        records["pixels_digest"][row] = np.frombuffer(known, np.uint8)
    return [(ids[one], ids[other]) for one, other in find_twins(records).near.tolist()]


def _reduce(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """uint8 [B, n, n, 3] to 32 pixels a side, each the mean of what it covers."""
    side = pixels.shape[1]
    if side % SIDE:
        resize = Preprocess.resize(SIDE, filter="box")
        return np.concatenate([resize.apply(one) for one in pixels])
    if side == SIDE:
        return pixels
    each = side // SIDE
    blocks = pixels.reshape(len(pixels), SIDE, each, SIDE, each, 3)
    means: NDArray[np.uint8] = np.round(blocks.mean(axis=(2, 4), dtype=np.float32)).astype(np.uint8)
    return means


def _find_near_rows(records: NDArray[Any], rows: NDArray[np.int64]) -> tuple[Pairs, bool]:
    hashes = records["hash"][rows]
    order = np.argsort(hashes, kind="stable")
    unique, starts = np.unique(hashes[order], return_index=True)
    ends = np.append(starts[1:], len(rows))
    pairs, _, is_complete = find_near(unique)
    found = [rows[order[starts[pairs]]].reshape(-1, 2)]
    for start, end in zip(starts[ends - starts > 1], ends[ends - starts > 1], strict=True):
        held = rows[order[start:end]]
        first, second = np.triu_indices(min(len(held), _MOST_COMPARED_OF_ONE_HASH), 1)
        found.append(np.stack([held[first], held[second]], axis=1))
        rest = held[_MOST_COMPARED_OF_ONE_HASH:]
        found.append(np.stack([np.full(len(rest), held[0]), rest], axis=1))
    every = np.sort(np.concatenate(found), axis=1)
    every = every[_correlate(records["thumbnail"], every) >= MIN_CORRELATION]
    return every[np.lexsort((every[:, 1], every[:, 0]))], is_complete


def _correlate(thumbnails: NDArray[np.uint8], pairs: Pairs) -> NDArray[np.float32]:
    found = np.empty(len(pairs), np.float32)
    for start in range(0, len(pairs), _PAIRS_AT_ONCE):
        part = pairs[start : start + _PAIRS_AT_ONCE]
        sides = []
        for side in (0, 1):
            values = thumbnails[part[:, side]].reshape(len(part), -1).astype(np.float32)
            values -= values.mean(axis=1, keepdims=True)
            sides.append(values / np.maximum(1e-3, np.linalg.norm(values, axis=1, keepdims=True)))
        found[start : start + len(part)] = (sides[0] * sides[1]).sum(axis=1)
    return found


def join_units(twins: Twins, groups: Sequence[str | None]) -> Codes:
    """A number for each row, int64 [N]: equal for rows joined by equal pixels, near pixels or one group,
    directly or through others; the number is the first such row's."""
    above = np.arange(len(twins.same))

    def root(row: int) -> int:
        while above[row] != row:
            above[row] = above[above[row]]
            row = int(above[row])
        return row

    for first, second in _edges(twins, groups):
        one, other = root(first), root(second)
        above[max(one, other)] = min(one, other)
    units = above
    while not np.array_equal(units, units[units]):
        units = units[units]
    return units.astype(np.int64)


def _edges(twins: Twins, groups: Sequence[str | None]) -> list[list[int]]:
    edges: list[list[int]] = twins.near.tolist()
    order = np.argsort(twins.same, kind="stable")
    equal = np.flatnonzero(twins.same[order[1:]] == twins.same[order[:-1]])
    edges += np.stack([order[equal], order[equal + 1]], axis=1).tolist()
    first: dict[str, int] = {}
    for row, group in enumerate(groups):
        if group is not None and first.setdefault(group, row) != row:
            edges.append([first[group], row])
    return edges
