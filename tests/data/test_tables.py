import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doctored.data.manifest import INTEGER_COLUMNS, KINDS, LABELS, SPLITS, TEXT_COLUMNS, Manifest, Metadata
from doctored.errors import DataError, MissingExtra

text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
whole = st.integers(0, 2**40)
box = st.tuples(st.integers(0, 9999), st.integers(0, 9999), st.integers(1, 9999), st.integers(1, 9999))
values = {
    **dict.fromkeys(sorted(TEXT_COLUMNS), text),
    **dict.fromkeys(sorted(INTEGER_COLUMNS), whole),
    "box": box,
    "label": st.sampled_from(LABELS),
    "kind": st.sampled_from(KINDS),
    "split": st.sampled_from(SPLITS),
}


@st.composite
def manifests(draw):
    ids = draw(st.lists(text, unique=True, max_size=6))
    columns = {
        name: draw(st.lists(st.none() | value, min_size=len(ids), max_size=len(ids)))
        for name, value in values.items()
        if name != "id"
    }
    notes = tuple(draw(st.lists(text, max_size=2)))
    equalisation = draw(st.none() | st.dictionaries(text, st.integers() | text, max_size=2))
    return Manifest({"id": ids, **columns}, Metadata(equalisation, draw(st.none() | text), notes))


@settings(max_examples=40)
@given(manifests())
def test_csv_keeps_everything(tmp_path_factory, manifest):
    path = tmp_path_factory.mktemp("csv") / "manifest.csv"
    manifest.to_csv(path)
    assert Manifest.from_csv(path) == manifest
    assert Manifest.from_csv(path).digest() == manifest.digest()


@settings(max_examples=40)
@given(manifests())
def test_parquet_keeps_everything(tmp_path_factory, manifest):
    pytest.importorskip("pyarrow")
    path = tmp_path_factory.mktemp("parquet") / "manifest.parquet"
    manifest.to_parquet(path)
    assert Manifest.from_parquet(path) == manifest
    assert Manifest.from_parquet(path).digest() == manifest.digest()


def test_a_table_written_by_hand_is_read(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("\ufefflabel,id,box,bytes\nfake,a,1 2 3 4,\n,b,,7\n", "utf-8")
    manifest = Manifest.from_csv(path)
    assert manifest.row(0).box == (1, 2, 3, 4)
    assert (manifest.row(1).label, manifest.row(1).bytes) == (None, 7)
    assert manifest.metadata == Metadata()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "needs a column 'id'"),
        (b"id,label\na\n", "row 0 has 1 cells, not 2"),
        (b"id,id\na,b\n", "names a column twice"),
        (b"id,width\na,wide\n", "needs whole numbers"),
        (b"id,box\na,1 2 3\n", "must be x, y, width, height"),
        (b"id,colour\na,red\n", "no column 'colour'"),
        (b"id\n\xff\n", "save it as UTF-8"),
        (b"# {broken\nid\na\n", "is not a manifest"),
        (b"# {}\nid,label\na,maybe\n", "use one of real, fake"),
        (b"id,member\na," + b"x" * 200_000 + b"\n", "is not a manifest"),
    ],
)
def test_a_broken_csv_is_told_with_its_name(tmp_path, content, complaint):
    path = tmp_path / "broken.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=complaint) as caught:
        Manifest.from_csv(path)
    assert "broken.csv" in str(caught.value)


def test_a_broken_parquet_is_told_with_its_name(tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "broken.parquet"
    path.write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match=r"broken\.parquet is not a manifest"):
        Manifest.from_parquet(path)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(DataError, match="check the path"):
        Manifest.from_csv(tmp_path / "none.csv")


def test_without_pyarrow_parquet_names_its_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"doctored\[train\]"):
        Manifest({"id": ["a"]}).to_parquet(tmp_path / "manifest.parquet")
