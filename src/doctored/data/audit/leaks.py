"""What leaks: the same picture, nearly the same, or the same scene, on both sides of a split or a label."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from doctored.data.audit.facts import Facts
from doctored.data.audit.twins import Codes, Pairs, Twins, find_twins

_MOST_EXAMPLES = 12
_RANDOM_TEST_SHARE = 0.2

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Leaks:
    """Pairs are counted by the splits they lie in (`train`, `test+train`, ...; `none` is no split).

    `conflicts` are pictures whose copies carry both labels, `conflict_rows` all rows of such.
    `test_rows`: how many rows the test split has; `leaked`: how many of these have in train or val an equal
    picture (`equal_pixels`), a near one (`near_duplicates`), one of their group (`groups`), any of these
    (`any`). `random_leak` is the share that would leak, were the rows split at random, one in five to test.
    """

    rows: int
    equal_pairs: dict[str, int]
    near_pairs: dict[str, int]
    near_is_complete: bool
    near_across_labels: int
    conflicts: int
    conflict_rows: int
    conflict_rows_in_test: int
    groups: int
    groups_across_splits: int
    test_rows: int
    leaked: dict[str, int]
    random_leak: float
    examples: dict[str, list[list[str]]]

    @property
    def leaked_share(self) -> float:
        return self.leaked["any"] / self.test_rows if self.test_rows else 0.0

    @property
    def conflict_share(self) -> float:
        """Of the test split's rows; of all rows where there is no test split."""
        if self.test_rows:
            return self.conflict_rows_in_test / self.test_rows
        return self.conflict_rows / max(1, self.rows)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def find_leaks(facts: Facts, twins: Twins, units: Codes, seed: int = 0) -> Leaks:
    manifest = facts.manifest
    splits = np.array([split or "none" for split in manifest.column("split")])
    groups = manifest.column("group")
    in_test = splits == "test"
    equal = equal_pairs(twins.same)
    conflicting = _conflicting(twins.same, manifest.column("label"))
    grouped = _codes(groups)
    leaked = {
        "equal_pixels": _shared(twins.same, in_test, splits),
        "near_duplicates": _near_shared(twins, in_test, splits),
        "groups": _shared(grouped, in_test, splits) & (grouped >= 0),
    }
    leaked["any"] = leaked["equal_pixels"] | leaked["near_duplicates"] | leaked["groups"]
    is_fake = facts.is_fake
    across = is_fake[twins.near[:, 0]] != is_fake[twins.near[:, 1]]
    ids = manifest.column("id")
    held = Counter(zip(groups, splits.tolist(), strict=True))
    of_groups = Counter(group for group, _ in held if group is not None)
    return Leaks(
        rows=len(manifest),
        equal_pairs=_count(equal, splits),
        near_pairs=_count(twins.near, splits),
        near_is_complete=twins.is_complete,
        near_across_labels=int(across.sum()),
        conflicts=len(np.unique(twins.same[conflicting])),
        conflict_rows=int(conflicting.sum()),
        conflict_rows_in_test=int((conflicting & in_test).sum()),
        groups=len(of_groups),
        groups_across_splits=sum(count > 1 for count in of_groups.values()),
        test_rows=int(in_test.sum()),
        leaked={name: int(rows.sum()) for name, rows in leaked.items()},
        random_leak=_leak_at_random(units, seed),
        examples={
            "equal_across_splits": _examples(equal[splits[equal[:, 0]] != splits[equal[:, 1]]], ids),
            "near_across_splits": _examples(
                twins.near[splits[twins.near[:, 0]] != splits[twins.near[:, 1]]], ids
            ),
            "equal": _examples(equal, ids),
            "near": _examples(twins.near, ids),
            "conflicts": _examples(equal[is_fake[equal[:, 0]] != is_fake[equal[:, 1]]], ids),
        },
    )


@dataclass(frozen=True, slots=True)
class Overlap:
    """How many rows of a set have an equal or a near picture in another set, in all and by their split."""

    other: str
    other_rows: int
    equal: int
    near: int
    by_split: dict[str, int]
    examples: list[list[str]]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def find_overlap(facts: Facts, other: Facts, name: str) -> Overlap:
    """The pictures that two sets share, whatever they are called."""
    count = len(facts)
    twins = find_twins(np.concatenate([facts.records, other.records]))
    is_other = np.arange(len(twins.same)) >= count
    shared = np.intersect1d(twins.same[~is_other], twins.same[is_other])
    equal = np.isin(twins.same[:count], shared)
    crossing = twins.near[is_other[twins.near[:, 0]] != is_other[twins.near[:, 1]]]
    near = np.isin(twins.same[:count], twins.same[crossing.ravel()]) & ~equal
    splits = [split or "none" for split in facts.manifest.column("split")]
    by_split = Counter(splits[row] for row in np.flatnonzero(equal | near))
    ids = [*facts.manifest.column("id"), *other.manifest.column("id")]
    pairs = equal_pairs(twins.same)
    pairs = pairs[is_other[pairs[:, 0]] != is_other[pairs[:, 1]]]
    examples = _examples(np.concatenate([pairs[:_MOST_EXAMPLES], crossing]), ids)
    return Overlap(name, len(other), int(equal.sum()), int(near.sum()), dict(by_split), examples)


def _codes(values: Sequence[str | None]) -> Codes:
    """Numbers for words; a number of its own below zero for None."""
    numbers: dict[str, int] = {}
    return np.array(
        [-1 - row if v is None else numbers.setdefault(v, len(numbers)) for row, v in enumerate(values)],
        np.int64,
    )


def count_pairs(same: Codes) -> dict[int, int]:
    """How many pairs of rows share each number that more than one row has."""
    numbers, counts = np.unique(same, return_counts=True)
    several = zip(numbers.tolist(), counts.tolist(), strict=True)
    return {number: count * (count - 1) // 2 for number, count in several if count > 1}


def equal_pairs(same: Codes) -> Pairs:
    """All pairs of rows with one number; of more than a hundred, each with the first only."""
    order = np.argsort(same, kind="stable")
    _, starts, counts = np.unique(same[order], return_index=True, return_counts=True)
    pairs = [np.empty((0, 2), np.int64)]
    for start, count in zip(starts[counts > 1], counts[counts > 1], strict=True):
        rows = order[start : start + count]
        if count > 100:
            pairs.append(np.stack([np.full(count - 1, rows[0]), rows[1:]], axis=1))
        else:
            pairs.append(np.array(list(combinations(rows.tolist(), 2)), np.int64))
    return np.concatenate(pairs)


def _count(pairs: Pairs, splits: NDArray[np.str_]) -> dict[str, int]:
    names = [
        one if one == other else "+".join(sorted((one, other)))
        for one, other in zip(splits[pairs[:, 0]].tolist(), splits[pairs[:, 1]].tolist(), strict=True)
    ]
    return dict(sorted(Counter(names).items()))


def _conflicting(same: Codes, labels: Sequence[str | None]) -> Bools:
    fakes = np.array([label == "fake" for label in labels])
    reals = np.array([label == "real" for label in labels])
    return np.isin(same, np.intersect1d(same[fakes], same[reals]))


def _shared(numbers: Codes, in_test: Bools, splits: NDArray[np.str_]) -> Bools:
    """Test rows whose number a row of train or val has, too."""
    learned = np.isin(splits, ("train", "val"))
    return np.asarray(in_test & np.isin(numbers, np.unique(numbers[learned])))


def _near_shared(twins: Twins, in_test: Bools, splits: NDArray[np.str_]) -> Bools:
    """As `_shared`, for near pairs; a pair stands for all rows with the pixels of its two."""
    learned = np.unique(twins.same[np.isin(splits, ("train", "val"))])
    tested = np.unique(twins.same[in_test])
    first, second = twins.same[twins.near[:, 0]], twins.same[twins.near[:, 1]]
    hit = [
        one[np.isin(one, tested) & np.isin(other, learned)]
        for one, other in ((first, second), (second, first))
    ]
    return np.asarray(in_test & np.isin(twins.same, np.concatenate(hit)))


def _leak_at_random(units: Codes, seed: int) -> float:
    in_test = np.random.default_rng(seed).random(len(units)) < _RANDOM_TEST_SHARE
    if not in_test.any():
        return 0.0
    return float(np.isin(units[in_test], np.unique(units[~in_test])).mean())


def _examples(pairs: Pairs, ids: Sequence[str]) -> list[list[str]]:
    return [[ids[one], ids[other]] for one, other in pairs[:_MOST_EXAMPLES].tolist()]
