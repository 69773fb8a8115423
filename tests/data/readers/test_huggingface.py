import sys

import pytest

from data.readers.toy_sets import arrow, huggingface_metadata, parquet, write
from doctored.data.members import MemberStore
from doctored.data.readers import read_dataset
from doctored.errors import DataError, MissingExtra

pyarrow = pytest.importorskip("pyarrow")


@pytest.mark.parametrize("form", ["folder", "zip", "tar.gz"])
def test_a_set_as_save_to_disk_writes_it(tmp_path, form):
    shards = {
        "train/data-00000-of-00002.arrow": [0, 1, 1],
        "train/data-00001-of-00002.arrow": [1],
        "test/data-00000-of-00001.arrow": [0, 1],
    }
    files = {name: arrow(name, labels) for name, labels in shards.items()}
    files |= {"train/cache-0123.arrow": files["train/data-00000-of-00002.arrow"], "dataset_dict.json": b"{}"}
    manifest = read_dataset(write(tmp_path / "set", files, form))
    assert manifest.counts("split") == {"train": 4, "test": 2}
    assert manifest.column("label") == ("fake", "real", "fake", "real", "real", "real")
    (source,) = set(manifest.column("source"))
    with MemberStore(source) as store:
        for member in reversed(manifest.column("member")):
            assert store.read(member).decode() == member
            assert store.read(store.member(member)).decode() == member


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_one_table_alone(tmp_path, suffix):
    member = f"validation-00000-of-00001.{suffix}"
    (tmp_path / member).write_bytes({"parquet": parquet, "arrow": arrow}[suffix](member, [1, 0]))
    manifest = read_dataset(tmp_path / member)
    assert manifest.column("split") == ("val", "val")
    assert manifest.column("source") == (str(tmp_path / member),) * 2
    with MemberStore(tmp_path / member) as store:
        assert list(store.members) == [member]
        assert store.read(f"{member}#1") == f"{member}#1".encode()
        for wrong in (f"{member}#2", "other.parquet#0", "../x.parquet#0"):
            with pytest.raises(DataError):
                store.read(wrong)


def test_labels_as_words_and_generators(tmp_path):
    member = "data/train-00000-of-00001.parquet"
    table = parquet(
        member,
        ["AI-generated", "real", "ai generated", "unsure"],
        metadata={},
        generator=["flux", "camera", None, None],
    )
    manifest = read_dataset(write(tmp_path / "set", {member: table}))
    assert manifest.column("label") == ("fake", "real", "fake")
    assert manifest.column("kind") == ("generated", None, "generated")
    assert manifest.column("generator") == ("flux", None, None)
    (note,) = manifest.metadata.notes
    assert (
        note
        == f"left out 1 picture: of a label that is neither real nor fake ('unsure'); the first: {member}#3"
    )


@pytest.mark.parametrize(
    ("names", "labels"), [(("cat", "dog"), [0, 1]), (None, [0, 1]), (None, ["cat", "dog"])]
)
def test_labels_that_say_nothing(tmp_path, names, labels):
    metadata = huggingface_metadata(names) if names else {}
    table = parquet("a.parquet", labels, metadata=metadata)
    with pytest.raises(DataError, match="no column says what is real"):
        read_dataset(write(tmp_path / "set", {"a.parquet": table}))


def test_a_damaged_table_costs_its_own_rows(tmp_path):
    good, bad = "data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"
    files = {good: parquet(good, [0, 1]), bad: parquet(bad, [0, 1])[:-20]}
    manifest = read_dataset(write(tmp_path / "set", files))
    assert len(manifest) == 2
    assert manifest.metadata.notes[0] == "1 table could not be read"
    with pytest.raises(DataError, match="is damaged"):
        read_dataset(write(tmp_path / "only", {bad: files[bad]}))


def test_a_row_with_a_path_alone_is_not_followed(tmp_path):
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    image = pyarrow.array([{"bytes": None, "path": str(tmp_path / "secret.jpg")}])
    kind = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    table = pyarrow.table({"image": image.cast(kind), "label": [0]})
    table = table.replace_schema_metadata(huggingface_metadata())
    with (
        pyarrow.OSFile(str(tmp_path / "a.arrow"), "wb") as out,
        pyarrow.ipc.new_file(out, table.schema) as writer,
    ):
        writer.write_table(table)
    manifest = read_dataset(tmp_path / "a.arrow")
    with MemberStore(tmp_path / "a.arrow") as store, pytest.raises(DataError, match="holds no picture"):
        store.read(manifest.column("member")[0])


def test_a_file_named_like_a_row_is_refused(tmp_path):
    store = MemberStore(write(tmp_path / "set", ["a.parquet#1", "b.jpg"], "zip"))
    assert list(store.members) == ["b.jpg"]
    assert store.refused == {"a.parquet#1": "has a name that stands for a row of a table"}


def test_without_pyarrow(tmp_path, monkeypatch):
    root = write(tmp_path / "set", {"a.parquet": parquet("a.parquet", [0, 1])})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match="doctored\\[train\\]"):
        read_dataset(root)
