import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doctored.data.manifest import COLUMNS, Manifest, Metadata, Row, concat, from_rows
from doctored.errors import DataError

ROWS = [
    Row(
        "a",
        "set.zip",
        "a.jpg",
        (0, 1, 2, 3),
        "real",
        None,
        "train",
        None,
        "g",
        "cat",
        "m.png",
        "00",
        "11",
        4,
        5,
    ),
    Row(
        "b",
        label="fake",
        kind="generated",
        split="test",
        generator="x",
        format="JPEG",
        bytes=9,
        licence="MIT",
    ),
    Row("c"),
]
MANIFEST = from_rows(ROWS)


def test_rows_come_back_as_they_were_given():
    assert list(MANIFEST.rows()) == ROWS
    assert [MANIFEST.row(index) for index in range(len(MANIFEST))] == ROWS
    assert MANIFEST.column("label") == ("real", "fake", None)


@given(st.lists(st.booleans(), min_size=3, max_size=3), st.lists(st.integers(-3, 2)))
def test_select_is_numpys_indexing(mask, indices):
    held = np.array(ROWS, dtype=object)
    assert list(MANIFEST.select(mask).rows()) == list(held[np.array(mask)])
    if len(set(np.arange(3)[indices])) == len(indices):
        assert list(MANIFEST.select(np.array(indices, int)).rows()) == list(held[np.array(indices, int)])


def test_a_row_cannot_be_selected_twice():
    with pytest.raises(DataError, match="two rows have the id 'a'"):
        MANIFEST.select([0, 0])


@pytest.mark.parametrize(
    ("columns", "complaint"),
    [
        ({"label": ["real"]}, "needs a column 'id'"),
        ({"id": ["a"], "lable": ["real"]}, "did you mean 'label'"),
        ({"id": ["a", "b"], "label": ["real"]}, "'label' has 1 values and 'id' has 2"),
        ({"id": ["a", "a"]}, "two rows have the id 'a'"),
        ({"id": ["a", None]}, "row 1 has no id"),
        ({"id": ["a"], "label": ["FAKE"]}, "use one of real, fake"),
        ({"id": ["a"], "kind": ["painted"]}, "use one of generated"),
        ({"id": ["a"], "split": ["dev"]}, "use one of train, val, test"),
        ({"id": ["a"], "member": [""]}, "member of row 0 is ''"),
        ({"id": ["a"], "member": [b"a"]}, "must be text"),
        ({"id": [1]}, "must be text"),
        ({"id": ["a"], "width": [-1]}, "must be zero or more"),
        ({"id": ["a"], "width": [True]}, "must be a whole number"),
        ({"id": ["a"], "bytes": [1.5]}, "must be a whole number"),
        ({"id": ["a"], "box": [(0, 0, 0, 4)]}, "must be x, y, width, height"),
        ({"id": ["a"], "box": [(0, -1, 4, 4)]}, "must be x, y, width, height"),
        ({"id": ["a"], "box": [[0, 0, 4, 4]]}, "must be x, y, width, height"),
        ({"id": ["a"], "box": [(0, 0, 4)]}, "must be x, y, width, height"),
    ],
)
def test_what_makes_no_sense_is_refused(columns, complaint):
    with pytest.raises(DataError, match=complaint):
        Manifest(columns)


@pytest.mark.parametrize("column", [name for name in COLUMNS if name != "source"])
def test_the_digest_changes_with_every_column(column):
    other = {"box": (9, 9, 9, 9), "label": "fake", "kind": "spliced", "split": "val"}.get(column, "z")
    value = 77 if column in ("width", "height", "bytes") else other
    changed = MANIFEST.with_columns(**{column: [value, *MANIFEST.column(column)[1:]]})
    assert changed.digest() != MANIFEST.digest()


def test_the_digest_knows_rows_and_equalisation_and_nothing_else():
    moved = MANIFEST.with_columns(source=["elsewhere"] * 3).with_metadata(reader="folders", notes=("n",))
    assert moved.digest() == MANIFEST.digest()
    assert MANIFEST.with_metadata(equalisation={"jpeg": 90}).digest() != MANIFEST.digest()
    assert MANIFEST.select([1, 0, 2]).digest() != MANIFEST.digest()
    assert MANIFEST.select([0, 1]).digest() != MANIFEST.digest()


def test_the_digest_stays_the_same_from_release_to_release():
    assert Manifest({"id": ["a"], "label": ["fake"], "box": [(1, 2, 3, 4)]}).digest() == (
        "c56a2bd20142b1f81eeb99886bab3abcb5eb1d46f65b313a7e83475038baf29a"
    )


def test_targets_are_one_for_fake():
    targets = MANIFEST.select([0, 1]).targets()
    assert (targets.tolist(), targets.dtype) == ([0, 1], np.uint8)
    with pytest.raises(DataError, match="c has no label"):
        MANIFEST.targets()


def test_counts_are_most_frequent_first():
    manifest = Manifest({"id": list("abcd"), "split": ["val", "train", "train", None]})
    assert list(manifest.counts("split").items()) == [("train", 2), (None, 1), ("val", 1)]


def test_concat_keeps_all_rows_and_the_notes():
    first = MANIFEST.select([0]).with_metadata(reader="cifake", notes=("one",))
    second = MANIFEST.select([1, 2]).with_metadata(reader="cifake", notes=("one", "two"))
    both = concat([first, second])
    assert list(both.rows()) == ROWS
    assert both.metadata == Metadata(None, "cifake", ("one", "two"))
    with pytest.raises(DataError, match="two rows have the id"):
        concat([first, first])
    with pytest.raises(DataError, match="equalised differently"):
        concat([first, second.with_metadata(equalisation={"jpeg": 90})])


def test_a_manifest_does_not_change_with_what_it_was_made_from():
    ids = ["a", "b"]
    manifest = Manifest({"id": ids})
    ids.append("c")
    assert len(manifest) == 2
    with pytest.raises(TypeError):
        manifest.column("id")[0] = "z"
