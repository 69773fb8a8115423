import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from doctored.detector import Detector, open_detector
from doctored.detector import shelf as shelf_room
from doctored.detector.golden import self_test, write_golden
from doctored.detector.session import Session
from doctored.detector.shelf import default_names, shelf, shelve
from doctored.errors import DetectorError, UsageError
from doctored.picture import encode_png
from toy_detectors import build_toy_detector

EMPTY = '{"schema": 1, "detectors": []}'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    folder = tmp_path / "shelf"
    folder.mkdir()
    (folder / "shelf.json").write_text(EMPTY, encoding="utf-8")
    monkeypatch.setattr(shelf_room, "FOLDER", folder)
    return folder


def open_here(path):
    return Detector(Session(path.read_bytes()), hashlib.sha256(path.read_bytes()).hexdigest())


def write_pictures(folder, count=3):
    folder.mkdir(exist_ok=True)
    generator = np.random.default_rng(5)
    paths = [folder / f"{turn}.png" for turn in range(count)]
    for path in paths:
        path.write_bytes(encode_png(generator.integers(0, 256, (32, 32, 3), np.uint8)))
    return paths


def test_what_ships_is_what_the_list_says():
    for entry in shelf():
        assert hashlib.sha256(entry.path.read_bytes()).hexdigest() == entry.sha256
        assert entry.card.name == entry.name
        assert entry.changelog
        with open_detector(entry.name) as detector:
            assert not detector.is_foreign
            assert entry.golden is not None
            assert all(result.ok for result in self_test(detector, entry.golden))


def test_an_empty_shelf_is_a_shelf(folder):
    assert shelf() == []
    with pytest.raises(DetectorError, match="no detector is called 'cifake-compact'"):
        open_detector("cifake-compact")


def test_shelving_a_file_puts_it_on_the_list(folder, tmp_path):
    for name in ("zebra", "ant"):
        shelve(build_toy_detector(tmp_path / "any.onnx", name=name), changelog=f"{name}.md")
    newer = build_toy_detector(tmp_path / "any.onnx", name="zebra", version="2.0.0")
    entry = shelve(newer, changelog="zebra.md")
    assert [(each.name, each.card.version) for each in shelf()] == [("ant", "1.0.0"), ("zebra", "2.0.0")]
    assert shelf()[1] == entry
    assert entry.path == folder / "zebra.onnx"
    assert entry.sha256 == hashlib.sha256(newer.read_bytes()).hexdigest()
    assert (entry.changelog, entry.golden) == ("zebra.md", None)
    assert default_names() == ["ant", "zebra"]
    shelve(newer, changelog="zebra.md", is_default=False)
    assert default_names() == ["ant"]


def test_a_file_that_is_no_detector_is_not_shelved(folder, tmp_path):
    (tmp_path / "bad.onnx").write_bytes(b"no detector")
    with pytest.raises(DetectorError):
        shelve(tmp_path / "bad.onnx", changelog="x")
    assert (folder / "shelf.json").read_text(encoding="utf-8") == EMPTY


def test_a_changelog_is_not_named_by_a_place_on_somebodys_machine(folder, tmp_path):
    with pytest.raises(UsageError, match="from the root of the checkout"):
        shelve(build_toy_detector(tmp_path / "any.onnx"), changelog=str(tmp_path / "CHANGELOG.md"))
    assert shelf() == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"schema": 2, "detectors": []}',
        '{"schema": 1, "detectors": [1]}',
        '{"schema": 1, "detectors": [{"name": "a", "file": "", "sha256": "", "changelog": 0, "default": 1}]}',
    ],
)
def test_a_damaged_list_is_told(folder, text):
    (folder / "shelf.json").write_text(text, encoding="utf-8")
    with pytest.raises(DetectorError, match="install Doctored again"):
        shelf()
    (folder / "shelf.json").unlink()
    with pytest.raises(DetectorError, match="install Doctored again"):
        shelf()


def test_golden_scores_agree_with_the_detector_they_were_measured_with(tmp_path):
    pictures = write_pictures(tmp_path / "golden")
    golden = tmp_path / "golden" / "golden.json"
    with open_here(build_toy_detector(tmp_path / "toy.onnx")) as detector:
        write_golden(detector, pictures, golden)
        results = self_test(detector, golden)
        assert [(result.picture, result.ok) for result in results] == [(path.name, True) for path in pictures]
        assert results[0].expected == results[0].got

        reference = json.loads(golden.read_text(encoding="utf-8"))
        reference["pictures"]["0.png"]["probability"] += 0.0005
        reference["pictures"]["1.png"]["logit"] += 0.01
        golden.write_text(json.dumps(reference), encoding="utf-8")
        pictures[2].write_bytes(b"no picture")
        results = self_test(detector, golden)
        assert [result.ok for result in results] == [True, False, False]
        assert results[2].got is None
        assert results[2].error


def test_golden_scores_are_for_one_file(tmp_path):
    golden = tmp_path / "golden.json"
    pictures = write_pictures(tmp_path, 1)
    with open_here(build_toy_detector(tmp_path / "one.onnx")) as one:
        write_golden(one, pictures, golden)
    with open_here(build_toy_detector(tmp_path / "two.onnx", version="2.0.0")) as two:
        with pytest.raises(DetectorError, match="not of this file"):
            self_test(two, golden)
        for damage in ("", "{}", '{"pictures": []}'):
            golden.write_text(damage, encoding="utf-8")
            with pytest.raises(DetectorError, match="cannot be read"):
                self_test(two, golden)


def test_golden_scores_of_another_file_are_not_shelved(folder, tmp_path):
    pictures = write_pictures(tmp_path / "golden")
    with open_here(build_toy_detector(tmp_path / "one.onnx")) as one:
        write_golden(one, pictures, tmp_path / "golden" / "golden.json")
    two = build_toy_detector(tmp_path / "two.onnx", version="2.0.0")
    with pytest.raises(UsageError, match="of another file"):
        shelve(two, changelog="x", golden=tmp_path / "golden")
    assert shelf() == []


def test_the_maintainers_command_shelves_a_file_with_its_golden_scores(folder, tmp_path, monkeypatch, capsys):
    from doctored.detector.shelve import main

    file = build_toy_detector(tmp_path / "toy.onnx")
    pictures = [str(path) for path in write_pictures(tmp_path / "pictures")]
    monkeypatch.setattr(sys, "argv", ["shelve", str(file), "--changelog", "toy.md", "--golden", *pictures])
    main()
    (entry,) = shelf()
    assert capsys.readouterr().out == f"toy 1.0.0 is on the shelf: {entry.sha256}\n"
    with open_detector("toy") as detector:
        results = self_test(detector, entry.golden)
    assert [result.ok for result in results] == [True, True, True]


def test_the_maintainers_command_tells_its_use():
    done = subprocess.run(
        [sys.executable, "-m", "doctored.detector.shelve", "--help"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(Path(shelf_room.__file__).parents[3])},
    )
    assert done.returncode == 0
    assert "--golden" in done.stdout
