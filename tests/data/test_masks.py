import numpy as np
import pytest

from data.readers.toy_sets import SQUARE, coco, named, write
from doctored.data.manifest import Row
from doctored.data.masks import read_mask, split_polygon_name
from doctored.data.members import MemberStore
from doctored.data.readers import read_dataset
from doctored.errors import DataError
from doctored.picture import encode_png


def annotated(tmp_path, annotations, pictures):
    return read_dataset(write(tmp_path / "set", {"Train_poly.json": annotations, **named(*pictures)}, "zip"))


def test_names_of_polygons():
    assert split_polygon_name("a/Train_poly.json#17") == ("a/Train_poly.json", 17)
    for name in ("a.png", "a.json", "a.json#x", "a.png#1", "#1"):
        assert split_polygon_name(name) is None


def test_polygons_become_a_mask_of_the_crop(tmp_path):
    faces = [
        (1, 1, [5, 5, 30, 40], SQUARE),
        (1, 1, [0, 0, 60, 60], [*SQUARE, [40, 40, 50, 40, 50, 50, 40, 50]]),
    ]
    manifest = annotated(tmp_path, coco([("Train/a.jpg", 60, 60)], faces), ["Train/a.jpg"])
    expected = np.zeros((60, 60), bool)
    expected[10:30, 10:30] = True
    with MemberStore(manifest.column("source")[0]) as store:
        first, second = (read_mask(store, row) for row in manifest.rows())
    assert first.shape == (40, 30)
    assert first.dtype == bool
    assert np.array_equal(first, expected[5:45, 5:35])
    expected[40:51, 40:51] = True
    assert np.array_equal(second, expected)


def test_a_mask_that_is_a_picture(tmp_path):
    pixels = np.zeros((20, 30, 3), np.uint8)
    pixels[5:10, 20:28] = 255
    pixels[0, 0] = 127
    store = MemberStore(write(tmp_path / "set", {"gt/a.png": encode_png(pixels)}))
    whole = read_mask(store, Row("a", mask="gt/a.png"), (30, 20))
    assert np.array_equal(whole, pixels[..., 0] == 255)
    assert read_mask(store, Row("a", mask="gt/a.png", box=(20, 5, 8, 5))).all()
    # Turned back counterclockwise: what was at the bottom lies at the right.
    assert np.array_equal(read_mask(store, Row("a", mask="gt/a.png"), (20, 30)), np.rot90(whole))
    with pytest.raises(DataError, match="30×20, the picture 31×20"):
        read_mask(store, Row("a", mask="gt/a.png"), (31, 20))
    with pytest.raises(DataError, match="has no mask"):
        read_mask(store, Row("a"))
    with pytest.raises(DataError, match="reaches out"):
        read_mask(store, Row("a", mask="gt/a.png", box=(25, 0, 8, 5)))


def test_a_face_without_polygons_has_no_mask(tmp_path):
    manifest = annotated(
        tmp_path, coco([("Train/a.jpg", 60, 60)], [(1, 1, [5, 5, 30, 40], SQUARE)]), ["Train/a.jpg"]
    )
    row = manifest.row(0)
    with MemberStore(row.source) as store, pytest.raises(DataError, match="has no polygons"):
        read_mask(store, Row("a", row.source, row.member, row.box, mask="Train_poly.json#9"))
