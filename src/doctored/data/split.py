"""Splits that nothing leaks across: rows with equal pixels, or of one group, never part.

Rows that are joined so, directly or through others, are one unit. A published test split stays as it is,
for figures must compare with others'; whatever else would leak into it is dropped, and counted.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from doctored.data.manifest import SPLITS, Manifest
from doctored.errors import DataError, UsageError

Rows = list[int]


@dataclass(frozen=True, slots=True)
class SplitReport:
    """What `settle_splits` found and did.

    `counts` of the rows kept, by split and label; `drawn`, the splits that were drawn, not published;
    `dropped` rows by reason (`equal_pixels_in_test`, `group_in_test`, the same for val, and
    `conflicting_labels`); `duplicate_pairs` of rows with equal pixels, as published, by the splits they
    lie in (`train`, `test+train`, ...; `none` is no split yet); `conflicts`, pixels that carry both
    labels, and `conflicts_in_test`, the rows of such that a published test split keeps.
    `rows` is the sum of all counts and all dropped.
    """

    rows: int
    seed: int
    val_fraction: float
    drawn: tuple[str, ...]
    counts: dict[str, dict[str, int]]
    dropped: dict[str, int]
    duplicate_pairs: dict[str, int]
    conflicts: int
    conflicts_in_test: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def settle_splits(
    manifest: Manifest, *, seed: int, val_fraction: float = 0.1, test_fraction: float = 0.2
) -> tuple[Manifest, SplitReport]:
    """Give every row a split, and drop those that would leak; rows keep their order.

    Published test and val rows stay where they are. Where a unit touches test (else val), its other rows
    are dropped. Of pixels that carry both labels no row is kept, save in a published test split. Where
    there is no test, `test_fraction` of the rows is drawn for it, and where there is no val, then
    `val_fraction` of those not in test: by unit, stratified by label. What remains is train. The draw
    depends on `seed` and the ids alone, not on the rows' order. Raises DataError where a row has no
    digest of its pixels or file, or nothing is left to train on, and UsageError for fractions outside
    0 to 1.
    """
    if not (0 < val_fraction < 1 and 0 < test_fraction < 1):
        raise UsageError("val and test take a fraction of the rows; give for example 0.1 and 0.2")
    pixels = _require_digests(manifest)
    published = manifest.column("split")
    labels = manifest.column("label")
    units = _find_units(manifest, pixels)
    conflicting = _find_conflicts(pixels, labels)
    reasons = _find_leaks(published, pixels, units)
    for row in conflicting:
        if published[row] != "test":
            reasons.setdefault(row, "conflicting_labels")

    splits = list(published)
    pool = [
        [row for row in unit if row not in reasons and published[row] in (None, "train")] for unit in units
    ]
    drawn = []
    for split, fraction in (("test", test_fraction), ("val", val_fraction)):
        if split not in published:
            drawn.append(split)
            for row in _draw(manifest, pool, fraction, f"{seed} {split}"):
                splits[row] = split
            pool = [unit for unit in pool if unit and splits[unit[0]] != split]
    for row in (row for unit in pool for row in unit):
        splits[row] = "train"

    kept = [row for row in range(len(manifest)) if row not in reasons]
    settled = manifest.with_columns(split=[splits[row] or "train" for row in range(len(manifest))]).select(
        kept
    )
    if "train" not in settled.column("split"):
        raise DataError("no row is left to train on; give more pictures, or other splits")
    report = SplitReport(
        rows=len(manifest),
        seed=seed,
        val_fraction=val_fraction,
        drawn=tuple(drawn),
        counts=_count(settled),
        dropped=dict(sorted(Counter(reasons.values()).items())),
        duplicate_pairs=_count_pairs(pixels, published),
        conflicts=len({pixels[row] for row in conflicting}),
        conflicts_in_test=sum(published[row] == "test" for row in conflicting),
    )
    return settled, report


def _require_digests(manifest: Manifest) -> list[str]:
    pairs = zip(manifest.column("pixels_sha256"), manifest.column("sha256"), strict=True)
    digests = [of_pixels or of_file for of_pixels, of_file in pairs]
    if None in digests:
        name = manifest.column("id")[digests.index(None)]
        raise DataError(f"{name} has no digest, so duplicates cannot be seen; pack the manifest first")
    return digests


def _gather(keys: Sequence[Hashable]) -> dict[Hashable, Rows]:
    """Row numbers by key; rows whose key is None are left out."""
    gathered: dict[Hashable, Rows] = defaultdict(list)
    for row, key in enumerate(keys):
        if key is not None:
            gathered[key].append(row)
    return gathered


def _find_units(manifest: Manifest, pixels: Sequence[str]) -> list[Rows]:
    """Union-find over equal pixels and equal groups: every row is in just one unit."""
    above = list(range(len(manifest)))

    def root(row: int) -> int:
        while above[row] != row:
            above[row] = above[above[row]]
            row = above[row]
        return row

    for keys in (pixels, manifest.column("group")):
        for first, *others in _gather(keys).values():
            for other in others:
                above[root(other)] = root(first)
    return list(_gather([root(row) for row in range(len(manifest))]).values())


def _find_conflicts(pixels: Sequence[str], labels: Sequence[str | None]) -> Rows:
    return [
        row
        for rows in _gather(pixels).values()
        if len({labels[row] for row in rows} - {None}) > 1
        for row in rows
    ]


def _find_leaks(
    published: Sequence[str | None], pixels: Sequence[str], units: Iterable[Rows]
) -> dict[int, str]:
    """The rows that a published test or val split would leak into, and why."""
    reasons = {}
    for unit in units:
        held = {published[row] for row in unit}
        home = next((split for split in ("test", "val") if split in held), None)
        if home is None:
            continue
        seen = {pixels[row] for row in unit if published[row] == home}
        for row in unit:
            if published[row] != home:
                reasons[row] = f"equal_pixels_in_{home}" if pixels[row] in seen else f"group_in_{home}"
    return reasons


def _draw(manifest: Manifest, pool: Sequence[Rows], fraction: float, salt: str) -> Rows:
    """Whole units, from each stratum (the labels in a unit) as near to its fraction of rows as they fit."""
    ids, labels = manifest.column("id"), manifest.column("label")
    strata: dict[frozenset[str | None], list[tuple[str, Rows]]] = defaultdict(list)
    for unit in filter(None, pool):
        name = min(ids[row] for row in unit)
        order = hashlib.sha256(f"{salt} {name}".encode()).hexdigest()
        strata[frozenset(labels[row] for row in unit)].append((order, unit))
    drawn: Rows = []
    for units in strata.values():
        if len(units) > 1:
            drawn += _fill(sorted(units), max(1, round(fraction * sum(len(unit) for _, unit in units))))
    return drawn


def _fill(units: Sequence[tuple[str, Rows]], room: int) -> Rows:
    taken: Rows = []
    for _, unit in units:
        if len(taken) + len(unit) <= room:
            taken += unit
    return taken or min(units, key=lambda item: (len(item[1]), item[0]))[1]


def _count(manifest: Manifest) -> dict[str, dict[str, int]]:
    pairs = Counter(zip(manifest.column("split"), manifest.column("label"), strict=True))
    counts: dict[str, dict[str, int]] = {split: {} for split in SPLITS}
    for (split, label), count in sorted(pairs.items(), key=str):
        counts[split][label or "none"] = count
    return counts


def _count_pairs(pixels: Sequence[str], published: Sequence[str | None]) -> dict[str, int]:
    pairs: Counter[str] = Counter()
    for rows in _gather(pixels).values():
        if len(rows) > 1:
            held = sorted(Counter(published[row] or "none" for row in rows).items())
            for index, (split, count) in enumerate(held):
                pairs[split] += count * (count - 1) // 2
                for other, other_count in held[index + 1 :]:
                    pairs[f"{split}+{other}"] += count * other_count
    return {splits: count for splits, count in sorted(pairs.items()) if count}
