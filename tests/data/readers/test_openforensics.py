import json

import pytest

from data.readers.toy_sets import SQUARE, coco, named, write
from doctored.data.readers import read_dataset
from doctored.errors import DataError


def read(tmp_path, annotations, pictures, name="Train_poly.json"):
    return read_dataset(write(tmp_path / "set", {name: annotations, **named(*pictures)}, "zip"))


def test_one_row_a_face(tmp_path):
    faces = [(1, 1, [5.5, 5, 30.2, 30], SQUARE), (1, 0, [60, 70, 50, 50], SQUARE), (1, 1, [0, 0, 9, 9], [])]
    manifest = read(tmp_path, coco([("Images/Train/a.jpg", 100, 80)], faces), ["Images/Train/a.jpg"])
    first, second, third = manifest.rows()
    assert first.id == first.mask == "Train_poly.json#1"
    assert first.member == first.group == "Images/Train/a.jpg"
    assert (first.box, first.width, first.height) == ((5, 5, 31, 30), 31, 30)
    assert (first.label, first.kind, first.split, first.subject) == ("fake", "generated", "train", "face")
    assert (second.label, second.kind, second.mask) == ("real", None, None)
    assert second.box == (60, 70, 40, 10)  # cut at the picture's edge
    assert (third.label, third.mask) == ("fake", None)


@pytest.mark.parametrize(
    ("name", "split"),
    [("Val_poly.json", "val"), ("Test-Dev_poly.json", "test"), ("a/Test-Challenge_poly.json", "test")],
)
def test_splits_are_in_the_names_of_annotations(tmp_path, name, split):
    manifest = read(tmp_path, coco([("a.jpg", 9, 9)], [(1, 0, [0, 0, 5, 5], [])]), ["Val/a.jpg"], name)
    assert manifest.column("split") == (split,)


def test_pictures_are_found_by_the_end_of_their_name(tmp_path):
    pictures = ["d/Train/Train/a.jpg", "d/Val/Val/a.jpg", "d/Train/Train/b.jpg"]
    told = [("Images/Train/a.jpg", 9, 9), ("Images/Train/b.jpg", 9, 9), ("Images/Train/c.jpg", 9, 9)]
    annotations = coco(told, [(number, 0, [0, 0, 5, 5], []) for number in (1, 2, 3)])
    manifest = read(tmp_path, annotations, pictures, "d/Train/Train_poly.json")
    assert manifest.column("member") == (pictures[0], pictures[2])
    assert manifest.metadata.notes[0] == (
        "left out 1 picture: annotations of pictures that are not here; the first: d/Train/Train_poly.json#3"
    )
    assert "left out 1 picture: no face is annotated; the first: d/Val/Val/a.jpg" in manifest.metadata.notes


def test_malformed_annotations_cost_themselves(tmp_path):
    told = json.loads(coco([("Train/a.jpg", 50, 50)], [(1, 1, [10, 10, 20, 20], SQUARE)]))
    wrong = [
        {"bbox": None},
        {"bbox": [1, 2, 3]},
        {"bbox": [float("nan"), 0, 5, 5]},
        {"bbox": [0, 0, 1e300, 5]},
        {"bbox": [60, 60, 5, 5]},
        {"category_id": 7},
        {"image_id": "1"},
        {"image_id": 99},
        {"id": -1},
        {"id": "2"},
    ]
    for number, change in enumerate(wrong, 2):
        told["annotations"].append(told["annotations"][0] | {"id": number} | change)
    told["annotations"] += [None, [], told["annotations"][0]]  # the last has an id that is taken
    manifest = read(tmp_path, json.dumps(told).encode(), ["Train/a.jpg"])
    assert manifest.column("id") == ("Train_poly.json#1",)
    assert manifest.metadata.notes[0].startswith("left out 2 pictures: annotations of pictures")
    assert manifest.metadata.notes[1].startswith("left out 6 pictures: annotations without a usable box")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"images": 1}',
        b"[" * 100_000,
        b"\xff",
        b'{"images": {}, "annotations": [], "categories": []}',
    ],
)
def test_what_is_no_coco_json(tmp_path, data):
    with pytest.raises(DataError, match="fetch it again"):
        read(tmp_path, data, ["Train/a.jpg"])
