"""Planted faults are found and named, clean sets are left in peace, and mending mends."""

import csv
import json

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from benchmarks.audit_planted import PLANTS, Planted, write_planted
from doctored.data.audit import audit, collect_facts, judge_facts
from doctored.data.audit.mend import mend, tell_remains, write_manifest
from doctored.data.audit.output import write_audit
from doctored.data.audit.twins import Twins, find_twins, join_units
from doctored.data.equalisation import Equalisation, equalise
from doctored.data.members import MemberStore
from doctored.data.pack import pack
from doctored.data.readers import read_dataset
from doctored.errors import DataError
from doctored.picture import Preprocess

COUNT = 240


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planted")
    return {plant: write_planted(folder / f"{plant}.zip", plant, 7, COUNT) for plant in PLANTS}


@pytest.mark.parametrize("plant", [plant for plant in PLANTS if plant != "control"])
def test_a_planted_fault_is_found_and_named(planted, plant):
    verdict = audit(read_dataset(planted[plant]), with_models=False).verdict
    assert verdict.state == "broken"
    assert PLANTS[plant][0] in [reason.code for reason in verdict.reasons if reason.state == "broken"]


def test_a_clean_set_is_clean(planted):
    found = audit(read_dataset(planted["control"]))
    assert (found.verdict.state, found.verdict.reasons) == ("clean", ())
    assert {rule.name for rule in found.rules if rule.score is None} >= {"extension", "format", "size"}
    assert {"container_model", "pixel_model"} <= {rule.name for rule in found.rules}


def test_a_word_for_the_class_in_names_is_no_more_than_suspicious(tmp_path, planted):
    manifest = read_dataset(planted["control"])
    store = tmp_path / "named"
    with MemberStore(planted["control"]) as members:
        for name in manifest.column("member"):
            split, label, file = name.split("/")
            (store / split / label).mkdir(parents=True, exist_ok=True)
            (store / split / label / f"{label}_{file[4:]}").write_bytes(members.read(name))
    verdict = audit(read_dataset(store), with_models=False).verdict
    assert [(reason.code, reason.state) for reason in verdict.reasons] == [("name_class", "suspicious")]


def test_few_pictures_are_not_judged(planted):
    manifest = read_dataset(planted["extension"]).select(np.arange(12))
    found = audit(manifest)
    assert not found.rules
    assert any("fewer than ten" in note for note in found.notes)
    one_class = read_dataset(planted["extension"])
    only = one_class.select(np.array(one_class.column("label")) == "fake")
    assert not audit(only).rules


def test_leaks_are_counted_by_hand(planted):
    manifest = read_dataset(planted["copies"])
    leaks = audit(manifest, with_models=False).leaks
    tests = manifest.counts("split")["test"]
    assert leaks.test_rows == tests
    assert leaks.leaked["equal_pixels"] == sum(leaks.equal_pairs.values()) == -(-tests // 20)
    assert set(leaks.equal_pairs) == {"test+train"}
    assert leaks.conflict_rows == 0
    conflicts = audit(read_dataset(planted["labels"]), with_models=False).leaks
    assert conflicts.conflicts == -(-tests // 20)
    assert conflicts.conflict_rows == 2 * conflicts.conflicts


def test_groups_across_splits_are_a_leak(planted):
    manifest = read_dataset(planted["control"])
    groups = [f"scene {row % 40}" for row in range(len(manifest))]
    found = audit(manifest.with_columns(group=groups), with_models=False)
    assert found.leaks.groups == 40
    assert found.leaks.groups_across_splits > 0
    assert "group_leak" in [reason.code for reason in found.verdict.reasons]
    whole = manifest.with_columns(group=[f"{split} {label}" for split, label in splits_and_labels(manifest)])
    assert audit(whole, with_models=False).leaks.leaked["groups"] == 0


def splits_and_labels(manifest):
    return zip(manifest.column("split"), manifest.column("label"), strict=True)


def test_the_overlap_of_two_sets_is_what_they_share(planted, tmp_path):
    manifest = read_dataset(planted["control"])
    half = manifest.select(np.arange(60))
    other = read_dataset(write_planted(tmp_path / "other.zip", "control", 8, 60))
    shared = audit(manifest, against=half, against_name="half", with_models=False)
    assert shared.overlap.equal == 60
    assert "overlap" in [reason.code for reason in shared.verdict.reasons]
    apart = audit(manifest, against=other, against_name="other", with_models=False)
    assert apart.overlap.equal == 0


def test_units_join_what_any_tie_joins():
    same = np.array([5, 1, 5, 2, 3, 4])
    twins = Twins(same, np.array([[2, 3]]))
    units = join_units(twins, [None, "g", None, None, "g", None])
    assert units.tolist() == [0, 1, 0, 0, 1, 5]


def test_unread_rows_are_no_ones_twin(planted):
    manifest = read_dataset(planted["control"]).select(np.arange(30))
    gone = manifest.with_columns(member=["gone", "gone too", *manifest.column("member")[2:]])
    facts = collect_facts(gone)
    twins = find_twins(facts.records)
    assert len(set(twins.same.tolist())) == 30
    assert any("could not be read" in note for note in judge_facts(facts, with_models=False).notes)


def test_mending_drops_copies_and_conflicts_and_keeps_test(planted):
    for plant in ("copies", "labels"):
        before = audit(read_dataset(planted[plant]), with_models=False)
        mended = mend(before).manifest
        assert mended.metadata.equalisation is None
        after = audit(mended, with_models=False)
        assert after.verdict.state == "clean"
        assert not after.leaks.equal_pairs
        kept = set(mended.column("id"))
        lost_tests = [
            row.id for row in before.facts.manifest.rows() if row.split == "test" and row.id not in kept
        ]
        assert len(lost_tests) == (0 if plant == "copies" else before.leaks.conflict_rows_in_test)


@pytest.mark.parametrize("plant", ["quality", "size", "extension"])
def test_equalising_levels_what_files_tell(planted, plant, tmp_path):
    mended = mend(audit(read_dataset(planted[plant]), with_models=False))
    write_manifest(mended.manifest, tmp_path / "mended.csv")
    manifest = read_dataset(tmp_path / "mended.csv")
    assert manifest.metadata.equalisation == mended.manifest.metadata.equalisation
    after = audit(manifest, with_models=False)
    scores = {rule.name: rule.score for rule in after.rules}
    assert "extension" not in scores
    # A piece cut from a larger picture shows larger things: what that does to its bytes is content.
    for name in ("format", "size", "quantisation_table", *(["file_bytes"] if plant != "size" else [])):
        assert scores[name] is None or scores[name].low < 0.55
    assert any("first compression" in text for text in tell_remains(after))
    with pytest.raises(DataError, match="equalised already"):
        mend(after)


def test_a_pack_holds_the_equalised_pixels(planted, tmp_path):
    manifest = read_dataset(planted["size"]).select(np.arange(12))
    equalisation = Equalisation((50, 90), side=24).to_json()
    packed = pack(manifest.with_metadata(equalisation=equalisation), Preprocess.exact(24), tmp_path / "p")
    plain = pack(manifest, Preprocess.center(24), tmp_path / "q")
    for pixels, source in zip(packed.pixels, plain.pixels, strict=True):
        np.testing.assert_array_equal(pixels, equalise(source, equalisation).pixels)


def test_the_drawn_quality_depends_on_pixels_and_seed_alone(planted):
    random = np.random.default_rng(0)
    equalisation = Equalisation((60, 95), seed=3)
    sizes = []
    for _ in range(40):
        pixels = random.integers(0, 256, (16, 16, 3), dtype=np.uint8)
        first, again = equalisation.apply(pixels), equalisation.apply(pixels.copy())
        assert first.bytes == again.bytes
        sizes.append(len(first.bytes))
    assert 10 < sum(size > np.mean(sizes) for size in sizes) < 30
    assert Equalisation.from_json(json.loads(json.dumps(equalisation.to_json()))) == equalisation


@pytest.mark.parametrize("change", [{"kind": "blur"}, {"qualities": []}, {"qualities": [0]}, {"side": "big"}])
def test_an_unknown_equalisation_is_refused(change):
    value = Equalisation((90,)).to_json() | change
    with pytest.raises(DataError, match="make it with --fix"):
        Equalisation.from_json(value)


def test_both_files_are_written_and_the_page_shows_the_verdict(planted, tmp_path):
    found = audit(read_dataset(planted["copies"]), with_models=False)
    mended = mend(found)
    after = audit(mended.manifest, with_models=False)
    write_audit(found, "<b>copies</b>", tmp_path / "out", after=after, mended=mended.told)
    told = json.loads((tmp_path / "out" / "audit.json").read_text("utf-8"))
    assert told["verdict"]["state"] == "broken"
    assert told["after"]["verdict"]["state"] == "clean"
    with (tmp_path / "out" / "copies.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    counts = found.leaks.equal_pairs, found.leaks.near_pairs
    assert [line["copy"] for line in lines] == ["equal"] * sum(counts[0].values()) + ["near"] * sum(
        counts[1].values()
    )
    pixels = {
        row.id: found.facts.records["pixels_digest"][n] for n, row in enumerate(found.facts.manifest.rows())
    }
    assert all(
        (bytes(pixels[line["first"]]) == bytes(pixels[line["second"]])) == (line["copy"] == "equal")
        for line in lines
    )
    page = (tmp_path / "out" / "index.html").read_text("utf-8")
    assert "<b>copies" not in page
    assert "&lt;b&gt;copies" in page
    for reason in found.verdict.reasons:
        assert reason.text in page
    assert page.count("<svg") == page.count("</svg>") >= 2
    assert "Before and after mending" in page
    assert "<script" not in page


def test_a_planted_picture_is_where_its_class_says():
    assert Planted(3, is_fake=True, split="test").member == "test/fake/img_00003.jpg"


def test_rows_of_a_table_are_not_told_apart_by_their_numbers(tmp_path):
    random = np.random.default_rng(0)
    scenes = random.integers(0, 256, (24, 16, 16, 3), dtype=np.uint8)
    pictures = [Equalisation((75,)).apply(scene).bytes for scene in scenes]
    labels = ["real", "fake"] * 12
    parquet.write_table(pyarrow.table({"image": pictures, "label": labels}), tmp_path / "all.parquet")
    found = audit(read_dataset(tmp_path), with_models=False)
    scores = {rule.name: rule.score for rule in found.rules}
    assert scores["extension"] is scores["name_shape"] is scores["name_number"] is None
