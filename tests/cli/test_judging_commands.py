"""explain, evaluate, detectors, demo and check-up, as a user calls them."""

import io
import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from doctored.cli.main import main
from doctored.data.toy import make_toy
from doctored.detector import open_detector
from doctored.detector.golden import write_golden
from doctored.detector.shelf import FOLDER, default_names, shelf, shelve
from doctored.picture import decode, encode_png
from toy_detectors import build_toy_detector
from toy_scenes import make_scene, save, to_jpeg


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return str(build_toy_detector(tmp_path_factory.mktemp("toy") / "toy.onnx"))


@pytest.fixture
def bright(tmp_path):
    path = tmp_path / "bright.png"
    path.write_bytes(encode_png(np.full((32, 32, 3), 230, np.uint8)))
    return str(path)


@pytest.fixture
def own_shelf(tmp_path, monkeypatch, bright):
    """A shelf with the toy on it, and golden scores of one picture."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    (folder / "shelf.json").write_text('{"schema": 1, "detectors": []}')
    file = build_toy_detector(tmp_path / "shelved.onnx")
    golden = tmp_path / "golden"
    golden.mkdir()
    shutil.copy(bright, golden)
    with open_detector(file) as opened:
        write_golden(opened, [golden / "bright.png"], golden / "golden.json")
    shelve(file, changelog="none", golden=golden, folder=folder)
    assert folder != FOLDER
    monkeypatch.setattr("doctored.detector.shelf.FOLDER", folder)
    assert [entry.name for entry in shelf()] == ["toy"]
    return folder


def test_explain_says_where_and_writes_the_sheet(toy, bright, tmp_path, capsys):
    out = tmp_path / "new folder" / "sheet.png"
    assert main(["explain", bright, "--detector", toy, "--out", str(out)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"fake: {bright}"
    assert any(line.startswith("probability of fake: 0.9") for line in told)
    assert any("spread over the whole picture" in line for line in told)
    assert told[-1].endswith(str(out))
    assert decode(out).width > 3 * 256


def test_explain_reads_stdin(toy, bright, tmp_path, monkeypatch, capsys):
    with open(bright, "rb") as file:  # noqa: PTH123
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(file.read())))
    assert main(["explain", "-", "--detector", toy, "--out", str(tmp_path / "sheet.png")]) == 0
    assert capsys.readouterr().out.startswith("fake: -\n")


def test_explain_outside_the_domain_draws_nothing_and_ends_well(toy, tmp_path, capsys):
    (tmp_path / "wide.png").write_bytes(encode_png(np.zeros((20, 50, 3), np.uint8)))
    out = tmp_path / "sheet.png"
    assert main(["explain", str(tmp_path / "wide.png"), "--detector", toy, "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert told.startswith("unsure: ")
    assert "The picture is 50×20" in told
    assert "No overlay was drawn" in told
    assert not out.exists()


def test_explain_shows_a_jpegs_own_views_whatever_detectors_know(toy, tmp_path, capsys):
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(to_jpeg(save(make_scene(), 60), 90))
    out = tmp_path / "new" / "sheet.png"
    assert main(["explain", str(photo), "--detector", toy, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "saved at least twice" in said
    assert "no evidence" in said
    assert not out.exists()
    assert decode((tmp_path / "new" / "sheet-jpeg.png").read_bytes()).width > 700


def test_explain_ends_with_3_where_the_picture_cannot_be_read(toy, tmp_path, capsys):
    missing = str(tmp_path / "missing.png")
    assert main(["explain", missing, "--detector", toy]) == 3
    assert capsys.readouterr().err.startswith(f"doctored: {missing}: ")


def test_explain_ends_with_4_where_the_detector_has_no_map(bright, tmp_path, capsys):
    blind = build_toy_detector(tmp_path / "blind.onnx", evidence=False)
    assert main(["explain", bright, "--detector", str(blind)]) == 4
    assert "no evidence map" in capsys.readouterr().err


def test_evaluate_prints_tables_or_json_and_writes_files(toy, tmp_path, capsys):
    data = str(make_toy(tmp_path / "toy.zip", n=60, archive="zip"))
    assert main(["evaluate", toy, data]) == 0
    told = capsys.readouterr().out
    for row in ("accuracy", "F1, fake", "ROC AUC", "average precision", "confusion", "without an answer"):
        assert f"\n{row} " in told
    assert main(["evaluate", toy, data, "--split", "all", "--json", "--out", str(tmp_path / "out")]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["counts"]["rows"] == 60
    assert value == json.loads((tmp_path / "out" / "evaluation.json").read_text("utf-8"))


def test_evaluate_ends_with_3_where_some_could_not_be_read(toy, tmp_path, capsys):
    folder = make_toy(tmp_path / "set", n=8, layout="folders")
    next((folder / "fake").iterdir()).write_bytes(b"\xff\xd8\xff broken")
    assert main(["evaluate", toy, str(folder)]) == 3
    assert "1 could not be decoded" in capsys.readouterr().out


def test_detectors_lists_the_shelf(own_shelf, capsys):
    assert main(["detectors"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("toy 1.0.0\n")
    assert "pictures of exactly 32×32 pixels" in told
    assert "n 20" in told
    assert "judges   where none is named" in told
    assert main(["detectors", "--json"]) == 0
    (card,) = json.loads(capsys.readouterr().out)
    assert (card["name"], card["sha256"], card["default"]) == ("toy", shelf()[0].sha256, True)


def test_a_detector_that_is_no_default_judges_where_it_is_named(own_shelf, bright, tmp_path, capsys):
    shelve(own_shelf / "toy.onnx", changelog="none", is_default=False, folder=own_shelf)
    assert main(["detectors"]) == 0
    assert "judges   where it is named" in capsys.readouterr().out
    assert default_names() == []
    assert main(["explain", bright]) == 4
    assert "no detector judges unasked" in capsys.readouterr().err
    assert main(["explain", bright, "--detector", "toy", "--out", str(tmp_path / "sheet.png")]) == 0


def test_detectors_tells_all_about_one(toy, capsys):
    assert main(["detectors", toy]) == 0
    told = capsys.readouterr().out
    for words in ("budget 1.0%", "at most 1.00% of the real are called fake", "CC0-1.0", "Knows nothing but"):
        assert words in told
    assert main(["detectors", toy, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["asks"] == "generated"
    assert main(["detectors", "nobody"]) == 4
    assert "no detector is called 'nobody'" in capsys.readouterr().err


def test_an_empty_shelf_says_so(own_shelf, capsys):
    (own_shelf / "shelf.json").write_text('{"schema": 1, "detectors": []}')
    assert main(["detectors"]) == 0
    assert "no detector on the shelf" in capsys.readouterr().out
    assert main(["check-up"]) == 0
    assert "no detector on the shelf" in capsys.readouterr().out


def test_a_check_up_of_a_sound_installation(own_shelf, capsys):
    assert main(["check-up", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["self_test"] == [{"detector": "toy", "pictures": 1, "ok": True, "failures": []}]
    assert set(report["libraries"]) == {"numpy", "Pillow", "onnxruntime", "c2pa-python", "typer", "rich"}
    assert all(report["libraries"].values())
    assert report["cores"] >= 1
    assert "cpu" in report["onnxruntime_providers"]
    assert report["formats"].keys() == {"WebP", "AVIF", "HEIC"}
    assert main(["check-up"]) == 0
    assert "toy: 1 golden pictures as expected" in capsys.readouterr().out


def test_a_check_up_finds_scores_that_moved(own_shelf, capsys):
    golden = own_shelf / "toy" / "golden.json"
    reference = json.loads(golden.read_text("utf-8"))
    reference["pictures"]["bright.png"]["probability"] -= 0.1
    golden.write_text(json.dumps(reference), encoding="utf-8")
    assert main(["check-up"]) == 4
    told = capsys.readouterr()
    assert "toy: FAILED" in told.out
    assert "bright.png: gave" in told.out
    assert told.err == (
        "doctored: the self-test of toy failed: install Doctored again "
        "(pip install --force-reinstall doctored), or report what stands above\n"
    )


def test_a_check_up_finds_a_damaged_file_and_a_damaged_list(own_shelf, capsys):
    with (own_shelf / "toy.onnx").open("ab") as file:
        file.write(b"x")
    assert main(["check-up"]) == 4
    assert "damaged" in capsys.readouterr().out
    (own_shelf / "shelf.json").write_text("{")
    assert main(["check-up"]) == 4
    assert "the self-test of the shelf failed" in capsys.readouterr().err


def test_the_extras_are_read_from_the_metadata(monkeypatch):
    from doctored.cli import check_up

    required = ["numpy>=2.0", "scikit-image>=0.25; extra == 'demo'", 'none-such>=1; extra == "train"']
    monkeypatch.setattr("importlib.metadata.requires", lambda name: required)
    found = check_up.extras()
    assert found["train"] == {"none-such": None}
    assert found["demo"]["scikit-image"]


def test_demo_tells_where_the_page_is(tmp_path, monkeypatch, capsys):
    from doctored.demo import Shown
    from doctored.records import Label

    asked = []

    def pretend(out, data):
        asked.append((out, data))
        judged = tuple(SimpleNamespace(label=label) for label in (Label.REAL, Label.UNSURE, Label.UNSURE))
        return Shown(out / "index.html", out / "pictures", judged)

    monkeypatch.setattr("doctored.demo.run_demo", pretend)
    assert main(["demo", "--out", str(tmp_path)]) == 0
    assert asked == [(tmp_path, None)]
    told = capsys.readouterr().out
    assert told.startswith("3 pictures judged: 1 real, 0 fake, 2 unsure\n")
    assert str(tmp_path / "index.html") in told
