"""Splits that nothing leaks across: rows with equal pixels, or of one group, never part.

Rows that are joined so, directly or through others, are one unit. A published test split stays as it is,
for figures must compare with others'; whatever else would leak into it is dropped, and counted. Rows that
are nearly alike never part where splits are drawn, nor lie on both sides of train and val; those that train
shares with a published test split are counted and stay, as they do for everybody who trains on such a set.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from doctored.data.manifest import SPLITS, Manifest
from doctored.errors import DataError, UsageError

Rows = list[int]
Near = Sequence[tuple[str, str]]
BUYING_SHARE = 0.7
"""Of the validation pictures: how many buy thresholds. Choosing an epoch and calibrating take fewer than a
small budget does."""


@dataclass(frozen=True, slots=True)
class SplitReport:
    """What `settle_splits` found and did.

    `counts` of the rows kept, by split and label; `drawn`, the splits that were drawn, not published;
    `dropped` rows by reason (`equal_pixels_in_test`, `group_in_test`, the same for val, `near_in_val`,
    `conflicting_labels`, and `learnt_before`); `inherited`, how many rows keep the split that an earlier run
    gave them; `near_in_test`, the rows of train that are nearly alike one of a published test
    split, and stay; `duplicate_pairs` of rows with equal pixels, as published, by the splits they
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
    near_in_test: int = 0
    inherited: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def settle_splits(
    manifest: Manifest,
    *,
    seed: int,
    val_fraction: float = 0.1,
    test_fraction: float = 0.2,
    near: Near = (),
    earlier: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Manifest, SplitReport]:
    """Give every row a split, and drop those that would leak; rows keep their order.

    `near`: pairs of ids of rows that are nearly alike (`data.audit.twins.find_near_ids`). Published test and
    val rows stay where they are. Where a unit touches test (else val), its other rows are dropped, and so is
    what is nearly alike a row of a published val split. Of pixels that carry both labels no row is kept, save
    in a published test split. Where there is no test, `test_fraction` of the rows is drawn for it, and where
    there is no val, then `val_fraction` of those not in test: by unit, stratified by label; what is nearly
    alike is drawn together. What remains is train. The draw depends on `seed` and the ids alone, not on the
    rows' order.

    `earlier`: the splits, by digest of a picture, of the runs that this one starts from. What they have
    learnt from stays in train, and is dropped from a published test or val split; where splits are drawn,
    their test and val rows keep their places, and just the other rows are drawn from.

    Raises DataError where a row has no digest of its pixels or file, nothing is left to train on, or all of
    it was learnt from before, and UsageError for fractions outside 0 to 1.
    """
    if not (0 < val_fraction < 1 and 0 < test_fraction < 1):
        raise UsageError("val and test take a fraction of the rows; give for example 0.1 and 0.2")
    pixels = _require_digests(manifest)
    published = manifest.column("split")
    labels = manifest.column("label")
    units = _find_units(manifest, pixels)
    conflicting = _find_conflicts(pixels, labels)
    pairs = _number_pairs(manifest, near)
    reasons = _find_leaks(published, pixels, units)
    for reason, rows in (
        ("near_in_val", _find_near_rows(pairs, published, "val")),
        ("conflicting_labels", [row for row in conflicting if published[row] != "test"]),
        ("learnt_before", _find_learnt(published, pixels, earlier)),
    ):
        reasons = dict.fromkeys(rows, reason) | reasons
    free = {row for row, split in enumerate(published) if split in (None, "train")} - set(reasons)
    pool = _join([[row for row in unit if row in free] for unit in units], pairs)
    inherited = _inherit(pool, pixels, earlier, published)
    pool = [unit for unit in pool if unit[0] not in inherited]
    placed = dict.fromkeys(free, "train") | inherited
    drawn = []
    for split, fraction in (("test", test_fraction), ("val", val_fraction)):
        if split not in published:
            drawn.append(split)
            placed |= dict.fromkeys(_draw(manifest, pool, fraction, f"{seed} {split}"), split)
            pool = [unit for unit in pool if placed[unit[0]] != split]

    kept = [row for row in range(len(manifest)) if row not in reasons]
    settled = manifest.select(kept).with_columns(split=[placed.get(row, published[row]) for row in kept])
    if "train" not in settled.column("split"):
        raise DataError("no row is left to train on; give more pictures, or other splits")
    if earlier and "val" not in settled.column("split"):
        raise DataError("all of these were learnt from before; none is left to choose by")
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
        near_in_test=len(_find_near_rows(pairs, published, "test") - set(reasons)),
        inherited=dict(sorted(Counter(inherited.values()).items())),
    )
    return settled, report


def draw_buyers(
    manifest: Manifest, *, seed: int = 0, near: Near = (), share: float = BUYING_SHARE
) -> NDArray[np.bool_]:
    """Which rows of the val split buy thresholds, bool [len(manifest)]; the others choose everything else.

    `share` of each class, whole units only, so that no copy, near copy or scene is on both sides. Where
    one side would lack a class, all of val does both, and the mask has no row: a split that small can only
    be used twice.
    """
    places = np.array([row for row, split in enumerate(manifest.column("split")) if split == "val"], np.int64)
    val, buys = manifest.select(places), np.zeros(len(manifest), bool)
    pool = _join(_find_units(val, find_digests(val)), _number_pairs(val, near))
    bought = set(_draw(val, pool, share, f"{seed} buyers"))
    labels = val.column("label")
    for side in (bought, set(range(len(val))) - bought):
        if not {"real", "fake"} <= {labels[row] for row in side}:
            return buys
    buys[places[sorted(bought)]] = True
    return buys


def limit_rows(manifest: Manifest, most: int, *, seed: int) -> Manifest:
    """The manifest with at most `most` of the rows that no published test or val split holds; 0: all.

    Whole groups are drawn, and both labels in proportion; rows keep their order. The draw depends on `seed`
    and the ids alone. Raises UsageError where a label would be gone.
    """
    published, labels = manifest.column("split"), manifest.column("label")
    free = {row for row, split in enumerate(published) if split in (None, "train")}
    if not most or len(free) <= most:
        return manifest
    units = _find_units(manifest, find_digests(manifest))
    pool = [[row for row in unit if row in free] for unit in units]
    drawn: Rows = []
    passed = room = 0
    for stratum in _stratify(manifest, pool, f"{seed} limit"):
        # of the sum, not of each stratum: rounded shares would not add up
        passed += sum(len(unit) for unit in stratum)
        drawn += _fill(stratum, round(most * passed / len(free)) - room)
        room = round(most * passed / len(free))
    if lost := {labels[row] for row in free} - {labels[row] for row in drawn} - {None}:
        raise UsageError(f"of {most} pictures none would be {min(lost)}; raise the limit")
    return manifest.select(sorted(set(range(len(manifest))) - free | set(drawn)))


def find_digests(manifest: Manifest) -> list[str | None]:
    """By row, what tells whether two pictures are equal: the digest of the pixels, else of the file."""
    pairs = zip(manifest.column("pixels_sha256"), manifest.column("sha256"), strict=True)
    return [of_pixels or of_file for of_pixels, of_file in pairs]


def _require_digests(manifest: Manifest) -> list[str]:
    digests = [digest for digest in find_digests(manifest) if digest is not None]
    if len(digests) < len(manifest):
        name = manifest.column("id")[find_digests(manifest).index(None)]
        raise DataError(f"{name} has no digest, so duplicates cannot be seen; pack the manifest first")
    return digests


def _gather(keys: Sequence[Hashable]) -> dict[Hashable, Rows]:
    """Row numbers by key; rows whose key is None are left out."""
    gathered: dict[Hashable, Rows] = defaultdict(list)
    for row, key in enumerate(keys):
        if key is not None:
            gathered[key].append(row)
    return gathered


def _find_units(manifest: Manifest, pixels: Sequence[str | None]) -> list[Rows]:
    """Rows joined by equal pixels or equal groups: every row is in just one unit."""
    singles = [[row] for row in range(len(manifest))]
    alike = [rows for keys in (pixels, manifest.column("group")) for rows in _gather(keys).values()]
    return _join(singles, ((first, other) for first, *others in alike for other in others))


def _join(units: Sequence[Rows], pairs: Iterable[tuple[int, int]]) -> list[Rows]:
    """Units, joined where a pair of rows leads from one to another (union-find); each keeps the order of its
    rows. Pairs of which a row is in no unit join nothing."""
    above = {row: unit[0] for unit in units for row in unit}

    def root(row: int) -> int:
        while above[row] != row:
            above[row] = above[above[row]]
            row = above[row]
        return row

    for one, other in pairs:
        if one in above and other in above:
            above[root(other)] = root(one)
    joined: dict[int, Rows] = defaultdict(list)
    for row in above:
        joined[root(row)].append(row)
    return [sorted(unit) for unit in joined.values()]


def _number_pairs(manifest: Manifest, near: Near) -> list[tuple[int, int]]:
    """The pairs by row numbers, those left out of which a row is not in the manifest."""
    places = {name: row for row, name in enumerate(manifest.column("id"))} if near else {}
    return [(places[one], places[other]) for one, other in near if one in places and other in places]


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


def _find_learnt(published: Sequence[str | None], pixels: Sequence[str], earlier: Mapping[str, str]) -> Rows:
    """The rows of a published test or val split that an earlier run has learnt from."""
    return [
        row
        for row, digest in enumerate(pixels)
        if published[row] in ("test", "val") and earlier.get(digest) == "train"
    ]


def _inherit(
    pool: Iterable[Rows], pixels: Sequence[str], earlier: Mapping[str, str], published: Sequence[str | None]
) -> dict[int, str]:
    """Splits by row of the units that an earlier run knew: train if any of it was there, else val, else test.
    Where a split is published no other row goes there."""
    inherited: dict[int, str] = {}
    for unit in pool:
        known = {earlier[pixels[row]] for row in unit if pixels[row] in earlier}
        home = next((split for split in ("train", "val", "test") if split in known), None)
        if home is not None:
            inherited |= dict.fromkeys(unit, "train" if home in published else home)
    return inherited


def _find_near_rows(
    pairs: Iterable[tuple[int, int]], published: Sequence[str | None], split: str
) -> set[int]:
    """The rows, published in train or nowhere, that are nearly alike one of a published split."""
    both_ways = (pair for one, other in pairs for pair in ((one, other), (other, one)))
    return {
        other for one, other in both_ways if published[one] == split and published[other] in (None, "train")
    }


def _draw(manifest: Manifest, pool: Sequence[Rows], fraction: float, salt: str) -> Rows:
    """Whole units, from each stratum as near to its fraction of rows as they fit, and at least one."""
    drawn: Rows = []
    for units in _stratify(manifest, pool, salt):
        if len(units) > 1:
            room = max(1, round(fraction * sum(len(unit) for unit in units)))
            smallest: Rows = min(units, key=len)
            drawn += _fill(units, room) or smallest
    return drawn


def _stratify(manifest: Manifest, pool: Sequence[Rows], salt: str) -> list[list[Rows]]:
    """The units by the labels in them, in an order that the salt and their ids decide."""
    ids, labels = manifest.column("id"), manifest.column("label")
    strata: dict[str, list[tuple[str, Rows]]] = defaultdict(list)
    for unit in filter(None, pool):
        name = min(ids[row] for row in unit)
        order = hashlib.sha256(f"{salt} {name}".encode()).hexdigest()
        strata[str(sorted({labels[row] for row in unit}, key=str))].append((order, unit))
    return [[unit for _, unit in sorted(units)] for _, units in sorted(strata.items())]


def _fill(units: Sequence[Rows], room: int) -> Rows:
    """The first units that fit, one after the other."""
    taken: Rows = []
    for unit in units:
        if len(taken) + len(unit) <= room:
            taken += unit
    return taken


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
