"""What `evaluate` and `calibrate` print, refuse and write."""

import json

import numpy as np
import pytest

from doctored.cli.main import main
from doctored.data.readers import read_dataset
from doctored.data.toy import make_toy
from doctored.picture import encode_png
from toy_detectors import build_toy_detector


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return str(build_toy_detector(tmp_path_factory.mktemp("toy") / "toy.onnx"))


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    path = tmp_path_factory.mktemp("other") / "other.onnx"
    return str(build_toy_detector(path, name="other", pool="smoothmax", temperature=0.3))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return str(make_toy(tmp_path_factory.mktemp("data") / "toy.zip", n=60, archive="zip"))


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A folder a class, 70 pictures in each, that brightness tells apart."""
    folder, draw = tmp_path_factory.mktemp("own"), np.random.default_rng(0)
    for label, level in (("real", 100), ("fake", 160)):
        (folder / label).mkdir()
        for index in range(70):
            pixels = np.clip(draw.normal(level + draw.normal(0, 12), 9, (32, 32, 3)), 0, 255).astype(np.uint8)
            (folder / label / f"{index}.png").write_bytes(encode_png(pixels))
    return str(folder)


def test_evaluate_compares_two_detectors(toy, other, data, capsys):
    assert main(["evaluate", toy, data, "--split", "all", "--against", other]) == 0
    told = capsys.readouterr().out
    for words in (
        "toy less other, on 60 pictures",
        "McNemar's mid-p",
        "equal error rate",
        "the surest 95%",
        "Cllr",
    ):
        assert words in told


def test_evaluate_pools_several(toy, other, data, tmp_path, capsys):
    assert main(["evaluate", toy, other, data, "--out", str(tmp_path / "out")]) == 0
    told = capsys.readouterr().out
    assert told.startswith("2 detectors on toy.zip, split test: toy, other\n")
    pooled = json.loads((tmp_path / "out/evaluations.json").read_text("utf-8"))
    assert pooled["folders"] == ["toy", "other"]
    mean = pooled["figures"]["accuracy"]["mean"]
    assert f"accuracy{mean:>24.4f}" in told


@pytest.mark.parametrize(
    ("asked", "words"),
    [(["--against", "x"], "name one before DATA"), (["--robustness"], "give --out DIR")],
)
def test_evaluate_refuses_what_does_not_go_together(toy, other, data, asked, words, capsys):
    assert main(["evaluate", toy, other, data, *asked]) == 2
    assert words in capsys.readouterr().err


def test_calibrate_tells_what_it_bought_and_what_it_could_not(toy, own, tmp_path, capsys):
    out = tmp_path / "mine.onnx"
    assert main(["calibrate", toy, own, "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert told.startswith("toy-calibrated 1.0.0+")
    assert "140 pictures, 140 decided it" in told
    assert "budget 5.0%, at most" in told
    assert "no 1.0% budget: it takes 299 pictures of each class, and one has 70" in told
    assert told.endswith(f"next: doctored scan PICTURES --detector {out} --budget 0.05\n")
    assert out.exists()


def test_calibrate_refuses_a_handful(toy, data, tmp_path, capsys):
    assert main(["calibrate", toy, data, "--out", str(tmp_path / "mine.onnx")]) == 2
    assert "it takes 59 real and 59 fake pictures" in capsys.readouterr().err


def test_a_name_from_the_data_cannot_move_the_cursor(toy, own, tmp_path, capsys):
    manifest = read_dataset(own)
    names = ["\x1b[2Jgone" if index % 2 else "other" for index in range(len(manifest))]
    manifest.with_columns(generator=names).to_csv(tmp_path / "own.csv")
    assert main(["evaluate", toy, str(tmp_path / "own.csv"), "--split", "all"]) == 0
    told = capsys.readouterr().out
    assert "gone" in told
    assert "\x1b" not in told
