import pytest

from data.readers.toy_sets import arrow, parquet
from doctored.data.picture_tables import PictureTable, split_row_name
from doctored.errors import DataError

pyarrow = pytest.importorskip("pyarrow")


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_a_table_tells_what_is_in_it(tmp_path, suffix):
    name = f"a.{suffix}"
    data = {"parquet": parquet, "arrow": arrow}[suffix](name, [0, 1, 1])
    (tmp_path / name).write_bytes(data)
    for source in (data, tmp_path / name):
        table = PictureTable(source, name)
        assert (len(table), table.names, table.picture_column) == (3, ["image", "label"], "image")
        assert table.features["label"]["names"] == ["FAKE", "REAL"]
        assert table.column("label") == [0, 1, 1]
        table.close()


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({"a": [b"x"], "image": [b"x"]}, "image"),
        ({"a": ["x"], "b": [b"x"]}, "b"),
        ({"a": ["x"], "b": [1]}, None),
        ({"picture": [{"path": "x"}]}, None),
    ],
)
def test_a_column_of_pictures_without_features(tmp_path, columns, found):
    from pyarrow import parquet as format

    format.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    table = PictureTable(tmp_path / "a.parquet", "a.parquet")
    assert table.picture_column == found
    if found:
        assert table.read(0) == b"x"
    else:
        with pytest.raises(DataError, match="no column of pictures"):
            table.read(0)


def test_a_row_group_that_is_a_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr("doctored.data.picture_tables.MAX_GROUP_BYTES", 10)
    table = PictureTable(parquet("a.parquet", [0, 1, 1]), "a.parquet")
    assert len(table) == 3
    with pytest.raises(DataError, match="row group is larger"):
        table.read(0)


def test_rows_across_row_groups():
    table = PictureTable(parquet("a.parquet", [0] * 7, row_group_size=3), "a.parquet")
    assert [table.read(row) for row in (6, 0, 3, 2, 5)] == [
        f"a.parquet#{row}".encode() for row in (6, 0, 3, 2, 5)
    ]
    for row in (-1, 7):
        with pytest.raises(DataError, match="no row"):
            table.read(row)


def test_names_of_rows():
    assert split_row_name("a/b.parquet#17") == ("a/b.parquet", 17)
    assert split_row_name("b.ARROW#0") == ("b.ARROW", 0)
    for name in (
        "a.parquet",
        "a.parquet#",
        "a.parquet#01",
        "a.parquet#-1",
        "a.jpg#1",
        "#1",
        "a.parquet#1.jpg",
    ):
        assert split_row_name(name) is None
