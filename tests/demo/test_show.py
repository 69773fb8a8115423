import re
from dataclasses import replace

import pytest
from tests.page.reading import HOSTILE, Seen

from doctored.data.readers import read_dataset
from doctored.data.toy import make_toy
from doctored.demo import run_demo
from doctored.demo.exhibits import Chapter, gather
from doctored.demo.forgeries import FORGERIES
from doctored.demo.judge import Judged
from doctored.demo.photos import PHOTOS
from doctored.demo.sheet import draw_page, outcome
from doctored.detector.shelf import shelf
from doctored.errors import DataError
from doctored.picture import decode
from doctored.records import Label
from toy_detectors import build_toy_detector


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_toy(tmp_path_factory.mktemp("data") / "toy.zip", n=180, archive="zip")


@pytest.fixture(scope="module")
def shown(tmp_path_factory, data):
    out = tmp_path_factory.mktemp("demo")
    return run_demo(out / "page", data, [build_toy_detector(out / "toy.onnx")])


def of(shown, chapter):
    return [one for one in shown.judged if one.exhibit.chapter is chapter]


def test_photos_and_forgeries_are_unsure_and_say_why(shown):
    photos = of(shown, Chapter.PHOTOS) + of(shown, Chapter.FORGED)
    assert len(photos) == len(PHOTOS) + len(FORGERIES)
    for one in photos:
        assert one.label is Label.UNSURE
        assert one.record["error"] is None
        assert one.explanation is None
        assert one.record["text"]


def test_the_drawn_pictures_get_all_three_answers(shown):
    drawn = of(shown, Chapter.DATA)
    assert len(drawn) == 24
    assert {one.label for one in drawn} == set(Label)
    assert shown.counts == {label: sum(one.label is label for one in shown.judged) for label in Label}
    for one in drawn:
        assert one.explanation.prediction.label is one.label
        assert one.record["probability"] is None or one.record["probability"] == pytest.approx(
            one.explanation.prediction.probability, abs=1e-5
        )
    assert {outcome(one) for one in drawn} == {"right", "wrong", "left open"}


def test_the_draw_is_from_the_test_split_with_its_labels_and_the_same_each_time(shown, data, tmp_path):
    rows = {}
    manifest = read_dataset(data)
    from doctored.data.members import MemberStore

    with MemberStore(data) as store:
        for row in manifest.rows():
            rows[store.read(row.member)] = row
    for one in of(shown, Chapter.DATA):
        row = rows[one.exhibit.path.read_bytes()]
        assert row.split == "test"
        assert one.exhibit.truth == row.label
    again = [one for one in gather(tmp_path, data) if one.chapter is Chapter.DATA]
    assert [one.path.read_bytes() for one in again] == [
        one.exhibit.path.read_bytes() for one in of(shown, Chapter.DATA)
    ]


def test_the_page_holds_every_picture_and_asks_nobody(shown):
    text = shown.page.read_text("utf-8")
    seen = Seen(text.removeprefix("<!doctype html>"))
    images = [attributes["src"] for name, attributes in seen.tags if name == "img"]
    expected = {Chapter.PHOTOS: 1, Chapter.FORGED: 2, Chapter.DATA: 3, Chapter.LAB: 3}
    alone = [one for one in of(shown, Chapter.LAB) + of(shown, Chapter.DATA) if not one.explanation]
    assert len(images) == sum(expected[one.exhibit.chapter] for one in shown.judged) - 2 * len(alone)
    assert all(source.startswith("data:image/") for source in images)
    assert not re.search(r"https?:|<script|url\(", text)
    for one in shown.judged:
        assert one.exhibit.title in seen.text
    for forgery in FORGERIES:
        assert forgery.what in seen.text
    assert "not what Doctored found" in seen.text


def test_what_ships_beside_the_detectors_is_shown(shown):
    golden = [entry.golden.parent for entry in shelf() if entry.golden and entry.is_default]
    shipped = [path for folder in golden for path in folder.iterdir() if path.suffix in (".jpg", ".png")]
    lab = of(shown, Chapter.LAB)
    assert sorted(one.exhibit.path.name for one in lab) == sorted(path.name for path in shipped)
    assert all(one.exhibit.truth == one.exhibit.path.name[:4] for one in lab)


def test_an_empty_shelf_leaves_that_chapter_out(tmp_path, monkeypatch):
    monkeypatch.setattr("doctored.demo.exhibits.shelf", list)
    assert {one.chapter for one in gather(tmp_path)} == {Chapter.FORGED, Chapter.PHOTOS}


def test_a_tiny_picture_outside_the_domain_has_no_overlay(shown):
    one = of(shown, Chapter.DATA)[0]
    page = draw_page([Judged(one.exhibit, one.record | {"verdict": "unsure", "probability": None})])
    assert page.count("no overlay") == 2
    assert f"In truth {one.exhibit.truth}: left open." in page


@pytest.mark.parametrize("text", HOSTILE)
def test_a_title_from_outside_cannot_break_the_page(shown, text):
    one = of(shown, Chapter.DATA)[0]
    exhibit = replace(one.exhibit, title=text, credit=text, note=text)
    page = draw_page([Judged(exhibit, one.record | {"text": text}, one.explanation)])
    plain = draw_page(
        [Judged(replace(exhibit, title="x", credit="x", note="x"), one.record, one.explanation)]
    )
    tags = [[name for name, _ in Seen(each.removeprefix("<!doctype html>")).tags] for each in (page, plain)]
    assert tags[0] == tags[1]


def test_the_forged_files_can_be_scanned_later(shown):
    forged = sorted((shown.pictures / "forged").iterdir())
    assert [path.stem for path in forged] == sorted(forgery.name for forgery in FORGERIES)
    assert all(decode(path).format == "JPEG" for path in forged)


def test_a_data_set_that_is_not_there_is_told(tmp_path):
    with pytest.raises(DataError, match="no such folder or archive"):
        run_demo(tmp_path, tmp_path / "cifake.zip", [])
