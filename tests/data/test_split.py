from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from doctored.data.manifest import Manifest
from doctored.data.split import settle_splits
from doctored.errors import DataError, UsageError

rows = st.tuples(
    st.sampled_from("abcdefgh"),  # pixels
    st.sampled_from([None, None, "g", "h"]),  # group
    st.sampled_from(["real", "fake"]),
    st.sampled_from([None, "train", "val", "test"]),
)
tables = st.lists(rows, min_size=1, max_size=12)


def build(table):
    pixels, groups, labels, splits = zip(*table, strict=True)
    ids = [f"row {index}" for index in range(len(table))]
    return Manifest({"id": ids, "pixels_sha256": pixels, "group": groups, "label": labels, "split": splits})


def units_by_force(table):
    """The finest partition in which rows with equal pixels or groups are together, by merging until still."""
    units = [{index} for index in range(len(table))]
    joined = True
    while joined:
        joined = False
        for first, second in combinations(units, 2):
            if any(
                table[i][0] == table[j][0] or (table[i][1] is not None and table[i][1] == table[j][1])
                for i in first
                for j in second
            ):
                units.remove(second)
                first |= second
                joined = True
                break
    return units


def dropped_by_force(table):
    reasons = {}
    for unit in units_by_force(table):
        for home in ("test", "val"):
            inside = [i for i in unit if table[i][3] == home]
            if inside:
                for i in unit.difference(inside):
                    seen = any(table[i][0] == table[j][0] for j in inside)
                    reasons[f"row {i}"] = f"equal_pixels_in_{home}" if seen else f"group_in_{home}"
                break
    for i, row in enumerate(table):
        clash = any(row[0] == other[0] and row[2] != other[2] for other in table)
        if clash and row[3] != "test":
            reasons.setdefault(f"row {i}", "conflicting_labels")
    return reasons


def settle(manifest, **options):
    try:
        return settle_splits(manifest, **{"seed": 0, "val_fraction": 0.25, **options})
    except DataError:
        reject()  # nothing is left to train on: see below


@given(tables)
def test_against_brute_force(table):
    manifest = build(table)
    settled, report = settle(manifest)
    splits = dict(zip(settled.column("id"), settled.column("split"), strict=True))

    reasons = dropped_by_force(table)
    assert set(splits) == set(manifest.column("id")) - set(reasons)
    assert report.dropped == dict(Counter(reasons.values()))

    for unit in units_by_force(table):
        assert len({splits[f"row {i}"] for i in unit if f"row {i}" in splits}) <= 1
    published = {f"row {i}": row[3] for i, row in enumerate(table)}
    for name, split in splits.items():
        if published[name] in ("val", "test"):
            assert split == published[name]
        else:
            assert split == "train" or split in report.drawn
    assert set(report.drawn) == {"val", "test"} - {row[3] for row in table}
    assert None not in splits.values()

    pairs = Counter(
        "+".join(sorted({first[3] or "none", second[3] or "none"}))
        for first, second in combinations(table, 2)
        if first[0] == second[0]
    )
    assert report.duplicate_pairs == dict(pairs)
    clashing = {row[0] for row in table if any(row[0] == o[0] and row[2] != o[2] for o in table)}
    assert report.conflicts == len(clashing)
    assert report.conflicts_in_test == sum(row[0] in clashing and row[3] == "test" for row in table)
    assert report.rows == sum(map(sum, (c.values() for c in report.counts.values()))) + sum(
        report.dropped.values()
    )
    pairs = Counter(zip(settled.column("split"), settled.column("label"), strict=True))
    assert {(s, la): n for s, counts in report.counts.items() for la, n in counts.items()} == dict(pairs)


@given(tables, st.randoms(use_true_random=False), st.integers(0, 5))
def test_the_order_of_rows_changes_nothing(table, random, seed):
    manifest = build(table)
    order = list(range(len(table)))
    random.shuffle(order)
    settled, report = settle(manifest, seed=seed)
    shuffled, other_report = settle(manifest.select(order), seed=seed)
    splits, other_splits = (
        dict(zip(m.column("id"), m.column("split"), strict=True)) for m in (settled, shuffled)
    )
    assert splits == other_splits
    assert report == other_report
    kept = [name for name in manifest.column("id") if name in splits]
    assert list(settled.column("id")) == kept


def large(seed_of_labels=3):
    ids = [f"{index:05d}" for index in range(2000)]
    labels = ["fake" if index % seed_of_labels == 0 else "real" for index in range(2000)]
    return Manifest({"id": ids, "sha256": ids, "label": labels})


def test_fractions_are_kept_in_each_class():
    settled, report = settle_splits(large(), seed=1, val_fraction=0.1, test_fraction=0.2)
    assert report.drawn == ("test", "val")
    assert report.counts["test"] == {"fake": 133, "real": 267}
    assert report.counts["val"] == {"fake": 53, "real": 107}
    assert len(settled) == 2000


def test_another_seed_draws_others():
    drawn = []
    for seed in (1, 2):
        settled, _ = settle_splits(large(), seed=seed)
        drawn.append({row.id for row in settled.rows() if row.split == "val"})
    expected = len(drawn[0]) * len(drawn[1]) / 2000  # of two independent draws
    assert len(drawn[0] & drawn[1]) < 3 * expected


def test_large_groups_stay_whole():
    groups = [f"g{index // 100}" for index in range(2000)]
    settled, report = settle_splits(large().with_columns(group=groups), seed=0)
    homes = {}
    for row in settled.rows():
        homes.setdefault(row.group, set()).add(row.split)
    assert set(map(len, homes.values())) == {1}
    assert {split: sum(counts.values()) for split, counts in report.counts.items()} == {
        "train": 1500,
        "val": 100,
        "test": 400,
    }


def test_where_everything_leaks_nothing_is_left():
    manifest = Manifest({"id": ["a", "b"], "sha256": ["1", "1"], "split": ["train", "test"]})
    with pytest.raises(DataError, match="no row is left to train on"):
        settle_splits(manifest, seed=0)


def test_pixels_count_before_files():
    manifest = Manifest(
        {
            "id": list("abcd"),
            "label": ["fake"] * 4,
            "split": ["test", "train", "train", "val"],
            "sha256": ["1", "2", "3", "4"],
            "pixels_sha256": ["p", "p", "q", "r"],
        }
    )
    settled, report = settle_splits(manifest, seed=0)
    assert settled.column("id") == ("a", "c", "d")
    assert report.dropped == {"equal_pixels_in_test": 1}


def test_without_digests_nothing_is_settled():
    with pytest.raises(DataError, match="pack the manifest first"):
        settle_splits(Manifest({"id": ["a"], "label": ["real"]}), seed=0)


@pytest.mark.parametrize("fractions", [(0.0, 0.2), (0.1, 0.0), (1.0, 0.5), (-0.1, 0.2), (float("nan"), 0.2)])
def test_fractions_that_make_no_sense(fractions):
    val_fraction, test_fraction = fractions
    with pytest.raises(UsageError, match="a fraction of the rows"):
        settle_splits(large(), seed=0, val_fraction=val_fraction, test_fraction=test_fraction)
