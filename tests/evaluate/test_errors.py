import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from doctored.data.manifest import Row, from_rows
from doctored.evaluate.errors import Crowd, analyse_errors, choose_rows, tell_insights
from doctored.evaluate.sample import read_pictures
from doctored.picture import decode, encode_png
from toy_detectors import toy_outputs


@given(
    some.lists(some.tuples(some.integers(0, 1), some.floats(-9, 9) | some.just(float("nan"))), max_size=40)
)
def test_lists_hold_the_surest_mistakes_and_the_least_sure(pictures):
    labels = np.array([label for label, _ in pictures], np.uint8)
    logits = np.array([logit for _, logit in pictures], float)
    lists = choose_rows(labels, logits, 5)
    for name, (rows, of) in lists.items():
        belongs = {
            "real_called_fake": (labels == 0) & (logits >= 0),
            "fake_called_real": (labels == 1) & (logits < 0),
            "ambiguous": ~np.isnan(logits),
        }[name]
        assert of == belongs.sum()
        assert len(rows) == min(5, of)
        assert belongs[rows].all()
        sizes = np.abs(logits[rows])
        rest = np.abs(logits[belongs & ~np.isin(np.arange(len(labels)), rows)])
        if name == "ambiguous":
            assert (np.diff(sizes) >= 0).all()
            assert not rest.size or rest.min() >= sizes.max()
        else:
            assert (np.diff(sizes) <= 0).all()
            assert not rest.size or rest.max() <= sizes.min()


@pytest.fixture(scope="module")
def told(toy, judged, brightness, tmp_path_factory):
    folder = tmp_path_factory.mktemp("errors")
    return folder, analyse_errors(toy, judged, folder, brightness, pictures=6)


def test_neighbours_are_the_nearest_of_the_training_split(told, brightness):
    _, report = told
    assert report["neighbours_from"] == "the training pictures of this data set (12 looked through)"
    embeddings = {
        brightness.column("id")[row]: toy_outputs(pixels[np.newaxis])["embedding"][0]
        for row, pixels in read_pictures(brightness, np.arange(len(brightness)))
    }
    training = [name for name in embeddings if name.startswith("train")]
    spread = np.array([embeddings[name] for name in training]).std(axis=0)
    pictures = report["lists"][2]["pictures"]
    assert len(pictures) == 6
    for picture in pictures:
        far = {
            name: float(np.linalg.norm((embeddings[name] - embeddings[picture["id"]]) / spread))
            for name in training
        }
        expected = sorted(far, key=far.get)[:5]
        assert [other["id"] for other in picture["neighbours"]] == expected
        assert [other["distance"] for other in picture["neighbours"]] == pytest.approx(
            [far[name] for name in expected], abs=1e-3
        )
        assert {other["split"] for other in picture["neighbours"]} == {"train"}


def test_the_file_and_its_pictures_are_there(told):
    folder, report = told
    assert json.loads((folder / "errors.json").read_text("utf-8")) == report
    files = [
        shown["file"]
        for entry in report["lists"]
        for picture in entry["pictures"]
        for shown in (picture, *picture["neighbours"])
    ]
    assert files
    for file in set(files):
        assert decode((folder / file).read_bytes()).pixels.shape == (96, 96, 3)


def test_without_other_splits_neighbours_are_the_others_that_were_evaluated(toy, judged, tmp_path):
    report = analyse_errors(toy, judged, tmp_path, pictures=2)
    assert report["neighbours_from"].startswith("the other pictures that were evaluated (24")
    for entry in report["lists"]:
        for picture in entry["pictures"]:
            identities = [other["id"] for other in picture["neighbours"]]
            assert len(identities) == 5
            assert picture["id"] not in identities


def test_a_split_that_the_detector_cannot_read_is_passed_over(toy, judged, brightness, tmp_path):
    (tmp_path / "large.png").write_bytes(encode_png(np.zeros((64, 64, 3), np.uint8)))
    large = Row("large", source=str(tmp_path), member="large.png", label="real", split="train")
    test = [row for row in brightness.rows() if row.split == "test"]
    report = analyse_errors(toy, judged, tmp_path / "out", from_rows([*test, large]), pictures=2)
    assert report["neighbours_from"].startswith("the other pictures that were evaluated (24")


def test_in_an_empty_crowd_nobody_is_near(brightness):
    assert Crowd("nobody", brightness, np.array([], np.int64), np.array([])).nearest(np.zeros(3), "a") == []


def test_insights_count_what_is_wrong():
    mistake = {"truth": "real", "neighbours": [{"label": "fake"}, {"label": "fake"}]}
    lists = [
        {"name": "real_called_fake", "of": 3, "pictures": [mistake]},
        {"name": "fake_called_real", "of": 0, "pictures": []},
        {"name": "ambiguous", "of": 9, "pictures": []},
    ]
    first, second = tell_insights(lists)
    assert first.startswith("3 pictures are called wrongly")
    assert second.startswith("Of the 1 surest, 1 have only neighbours with the other label")
    assert tell_insights([{**entry, "of": 0} for entry in lists])[0].startswith("No picture")
