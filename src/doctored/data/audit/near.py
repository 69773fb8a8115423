"""All pairs of 64-bit hashes within a small Hamming distance, without comparing every pair.

Multi-index hashing (Norouzi, Punjani & Fleet, "Fast search in Hamming space with multi-index hashing",
CVPR 2012): cut the hashes into three parts; of two hashes that differ in at most 8 bits, one part differs
in at most 2. So it is enough to compare hashes of which one part is equal but for 0 to 2 bits. Nothing is
missed; what is found is checked on all 64 bits.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RADIUS = 8
_PARTS = ((0, 22), (22, 21), (43, 21))  # first bit, and how many
_PAIRS_AT_ONCE = 1 << 20
_FEW = 3000
MOST_PAIRS = 10_000_000

Hashes = NDArray[np.uint64]
Pairs = NDArray[np.int64]


class Near(NamedTuple):
    """`pairs` of positions, int64 [P, 2], sorted, the smaller first, and their `distances` in bits;
    `is_complete` is false where there are more than ten million and the search was given up."""

    pairs: Pairs
    distances: NDArray[np.uint8]
    is_complete: bool


def find_near(hashes: Hashes, radius: int = RADIUS) -> Near:
    """All pairs of hashes, uint64 [N], within `radius` bits, 0 to 8; ValueError for another radius."""
    if not 0 <= radius <= RADIUS:
        raise ValueError(f"a radius of {radius} bits is not covered; take 0 to {RADIUS}")
    if len(hashes) <= _FEW:
        return _compare_all(hashes, radius)
    found = [np.empty(0, np.int64)]
    count = 0
    for first, second in _candidates(hashes):
        found.append(_keep_near(hashes, first, second, radius))
        count += len(found[-1])
        if count > MOST_PAIRS:
            break
    numbers = np.unique(np.concatenate(found))
    pairs = np.stack(np.divmod(numbers, len(hashes)), axis=1)
    distances = np.bitwise_count(hashes[pairs[:, 0]] ^ hashes[pairs[:, 1]])
    return Near(pairs, distances, count <= MOST_PAIRS)


def _compare_all(hashes: Hashes, radius: int) -> Near:
    pairs, distances = [np.empty((0, 2), np.int64)], [np.empty(0, np.uint8)]
    for row in range(len(hashes) - 1):
        distance = np.bitwise_count(hashes[row + 1 :] ^ hashes[row])
        near = np.flatnonzero(distance <= radius)
        pairs.append(np.stack([np.full(near.size, row), near + row + 1], axis=1))
        distances.append(distance[near])
    return Near(np.concatenate(pairs), np.concatenate(distances), True)


def _keep_near(
    hashes: Hashes, first: NDArray[np.int32], second: NDArray[np.int32], radius: int
) -> NDArray[np.int64]:
    """The near ones of these candidates, as smaller × count + larger."""
    near = np.bitwise_count(hashes[first] ^ hashes[second]) <= radius
    one, other = first[near].astype(np.int64), second[near].astype(np.int64)
    numbers: Pairs = np.minimum(one, other) * len(hashes) + np.maximum(one, other)
    return numbers


def _candidates(hashes: Hashes) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]]:
    for start, width in _PARTS:
        keys = ((hashes >> np.uint64(start)) & np.uint64((1 << width) - 1)).astype(np.int32)
        order = np.argsort(keys, kind="stable").astype(np.int32)
        keys = keys[order]
        bounds = np.searchsorted(keys, np.arange((1 << width) + 1)).astype(np.int32)
        yield from _within_buckets(order, keys, bounds)
        for mask in _masks(width):
            # Each pair of buckets once: from the one whose highest differing bit is 0.
            top = 1 << (mask.bit_length() - 1)
            lower = np.flatnonzero((keys & top) == 0).astype(np.int32)
            other = keys[lower] ^ mask
            begin = bounds[other]
            yield from _join(order, lower, begin, bounds[other + 1] - begin)


def _masks(width: int) -> Iterator[int]:
    for bits in (1, 2):
        for chosen in combinations(range(width), bits):
            yield sum(1 << bit for bit in chosen)


def _within_buckets(
    order: NDArray[np.int32], keys: NDArray[np.int32], bounds: NDArray[np.int32]
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]]:
    places = np.arange(len(order), dtype=np.int32)
    begin = places + 1
    yield from _join(order, places, begin, bounds[keys + 1] - begin)


def _join(
    order: NDArray[np.int32], places: NDArray[np.int32], begin: NDArray[np.int32], count: NDArray[np.int32]
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]]:
    """Each of `places` with the `count` places from `begin` on, a bounded number of pairs at once."""
    full = np.flatnonzero(count > 0)
    places, begin, count = places[full], begin[full], count[full].astype(np.int64)
    ends = np.cumsum(count)
    start = 0
    while start < len(places):
        done = int(ends[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + _PAIRS_AT_ONCE, side="right")))
        counts = count[start:stop]
        first = np.repeat(order[places[start:stop]], counts)
        offsets = np.arange(len(first)) - np.repeat(ends[start:stop] - counts - done, counts)
        second = order[np.repeat(begin[start:stop], counts) + offsets]
        yield first, second
        start = stop
