from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from doctored.data.manifest import Manifest, concat
from doctored.data.split import draw_buyers, limit_rows, settle_splits
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


@given(tables, st.integers(1, 12), st.integers(0, 3))
def test_a_limit_keeps_published_splits_whole_and_groups_together(table, most, seed):
    manifest = build(table)
    free = {f"row {i}" for i, row in enumerate(table) if row[3] in (None, "train")}
    try:
        limited = limit_rows(manifest, most, seed=seed)
    except UsageError:
        assert len(free) > most
        return
    kept = set(limited.column("id"))
    assert kept - free == set(manifest.column("id")) - free
    if len(free) <= most:
        assert limited == manifest
        return
    assert len(kept & free) <= most
    assert [row for row in manifest.column("id") if row in kept] == list(limited.column("id"))
    for unit in units_by_force(table):
        inside = {f"row {i}" for i in unit} & free
        assert inside <= kept or not inside & kept
    assert {table[int(name[4:])][2] for name in kept & free} == {table[int(name[4:])][2] for name in free}


def test_a_limit_takes_both_labels_in_proportion_and_depends_on_the_ids_alone():
    table = [(f"p{i}", None, "fake" if i % 4 else "real", "test" if i < 40 else "train") for i in range(1000)]
    manifest = build(table)
    limited = limit_rows(manifest, 100, seed=5)
    assert Counter(zip(limited.column("split"), limited.column("label"), strict=True)) == {
        ("test", "real"): 10, ("test", "fake"): 30, ("train", "real"): 25, ("train", "fake"): 75,
    }  # fmt: skip
    backwards = limit_rows(manifest.select(range(999, -1, -1)), 100, seed=5)
    assert set(backwards.column("id")) == set(limited.column("id"))
    assert set(limit_rows(manifest, 100, seed=6).column("id")) != set(limited.column("id"))
    assert limit_rows(manifest, 0, seed=5) == manifest


def test_a_limit_that_loses_a_label_is_refused():
    table = [(f"p{i}", None, "fake" if i else "real", None) for i in range(100)]
    with pytest.raises(UsageError, match="none would be real; raise the limit"):
        limit_rows(build(table), 10, seed=0)


near_pairs = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=6)


@given(tables, near_pairs)
def test_what_is_nearly_alike_never_parts_from_train(table, pairs):
    near = [(f"row {i}", f"row {j}") for i, j in pairs if i != j]
    manifest = build(table)
    settled, report = settle(manifest, near=near)
    splits = dict(zip(settled.column("id"), settled.column("split"), strict=True))
    published = dict(zip(manifest.column("id"), manifest.column("split"), strict=True))
    for one, other in near:
        if one in splits and other in splits:
            held = {splits[one], splits[other]}
            if "test" in {published.get(one), published.get(other)}:
                continue  # a published test split stays, and so does what is nearly alike it
            assert len(held) == 1 or published[one] == published[other] == "val"
    kept = sum(
        splits.get(name) == "train"
        and any(
            published.get(other) == "test" for pair in near if name in pair for other in pair if other != name
        )
        for name in published
    )
    assert report.near_in_test == kept
    assert report.rows == len(settled) + sum(report.dropped.values())


def test_a_row_nearly_alike_a_published_val_row_is_dropped():
    manifest = Manifest(
        {"id": list("abcd"), "sha256": list("1234"), "split": ["train", "train", "val", "test"]}
    )
    settled, report = settle_splits(manifest, seed=0, near=[("a", "c"), ("b", "d"), ("a", "gone")])
    assert settled.column("id") == ("b", "c", "d")
    assert report.dropped == {"near_in_val": 1}
    assert report.near_in_test == 1


def test_a_share_of_val_buys_thresholds_by_whole_units():
    ids = [f"{index:04d}" for index in range(900)]
    manifest = Manifest(
        {
            "id": ids,
            "sha256": ids,
            "label": ["fake" if index % 3 else "real" for index in range(900)],
            "split": ["val" if index % 2 else "train" for index in range(900)],
        }
    )
    near = [(ids[index], ids[index + 6]) for index in range(1, 880, 12)]
    buys = draw_buyers(manifest, seed=0, near=near)
    labels, splits = np.array(manifest.column("label")), np.array(manifest.column("split"))
    for label, count in (("real", 150), ("fake", 300)):
        assert (buys & (labels == label)).sum() == pytest.approx(count * 0.7, abs=2)
    assert not buys[splits != "val"].any()
    side = dict(zip(ids, buys.tolist(), strict=True))
    assert all(side[one] == side[other] for one, other in near)
    assert (draw_buyers(manifest, seed=0, near=near) == buys).all()
    assert draw_buyers(manifest, seed=0, near=near, share=0.5).sum() == pytest.approx(225, abs=2)
    shuffled = np.random.default_rng(0).permutation(900)
    assert (draw_buyers(manifest.select(shuffled), seed=0, near=near) == buys[shuffled]).all()


def test_a_val_split_too_small_to_part_does_both():
    manifest = Manifest(
        {"id": list("abc"), "sha256": list("123"), "label": ["real", "fake", "fake"], "split": ["val"] * 3}
    )
    assert not draw_buyers(manifest, seed=0).any()


@given(tables, st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(["train", "val", "test"])))
def test_what_an_earlier_run_has_learnt_from_is_never_tested_on(table, earlier):
    settled, report = settle(build(table), earlier=earlier)
    published = {f"row {index}": row[3] for index, row in enumerate(table)}
    columns = (settled.column(name) for name in ("id", "pixels_sha256", "split"))
    inherited = Counter()
    for name, digest, split in zip(*columns, strict=True):
        if earlier.get(digest) == "train":
            assert split == "train"
        if published[name] in ("val", "test"):
            assert split == published[name]
    for unit in units_by_force(table):
        rows = [index for index in unit if f"row {index}" in set(settled.column("id"))]
        free = [index for index in rows if table[index][3] in (None, "train")]
        known = {earlier.get(table[index][0]) for index in free} - {None}
        if free and known:
            home = min(known, key=["train", "val", "test"].index)
            inherited["train" if home in published.values() else home] += len(free)
    assert report.inherited == dict(inherited)


def test_pictures_that_no_earlier_run_knew_are_drawn_from():
    manifest = large()
    first, _ = settle_splits(manifest, seed=0)
    earlier = dict(zip(first.column("sha256"), first.column("split"), strict=True))
    ids = [f"new {index}" for index in range(100)]
    labels = ["real", "fake"] * 50
    more = Manifest({"id": ids, "sha256": ids, "label": labels})
    second, report = settle_splits(concat([manifest, more]), seed=7, earlier=earlier)
    splits = dict(zip(second.column("sha256"), second.column("split"), strict=True))
    assert {digest: splits[digest] for digest in earlier} == earlier
    assert sum(report.inherited.values()) == len(manifest)
    assert Counter(splits[name] for name in ids) == {"train": 72, "val": 8, "test": 20}


def test_where_all_was_learnt_from_before_nothing_is_left_to_choose_by():
    manifest = large()
    with pytest.raises(DataError, match="none is left to choose by"):
        settle_splits(manifest, seed=0, earlier=dict.fromkeys(manifest.column("sha256"), "train"))
