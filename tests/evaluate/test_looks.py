"""The further looks, as a user takes them."""

import json

import pytest

from doctored.cli.main import main
from doctored.data.toy import make_toy
from doctored.evaluate.white_box import find_run
from toy_detectors import build_toy_detector


@pytest.fixture(scope="module")
def looked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("looked")
    detector = build_toy_detector(folder / "toy.onnx")
    data = make_toy(folder / "toy.zip", n=60, archive="zip")
    out = folder / "out"
    words = ["evaluate", str(detector), str(data), "--out", str(out)]
    return out, words, main([*words, "--robustness", "--explanations", "--errors"])


def read(out, name):
    return json.loads((out / name).read_text("utf-8"))


def test_every_look_leaves_its_files(looked):
    out, _, exit_code = looked
    assert exit_code == 0
    grid = read(out, "robustness.json")
    assert len(grid["cells"]) == 36
    assert grid["pictures"] == grid["of"] == read(out, "evaluation.json")["counts"]["scored"]
    assert grid["clean_all"]["accuracy"] == read(out, "evaluation.json")["figures"]["accuracy"]
    assert not read(out, "attacks.json")["available"]
    assert read(out, "explanations.json")["curves"]["pictures"] == grid["pictures"]
    examples = read(out, "gradcam_results.json")["pictures"]
    assert all((out / example["file"]).is_file() for example in examples)
    errors = read(out, "errors.json")
    assert errors["neighbours_from"].startswith("the training pictures")


def test_a_look_says_what_it_saw_and_is_quiet_in_a_pipe(looked, capsys):
    out, words, _ = looked
    assert main([*words, "--robustness", "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["counts"]["scored"] > 0
    told = printed.err.splitlines()
    assert any(line.startswith("No attacks. The network's weights are not at hand") for line in told)
    assert told[:-1] == [*read(out, "robustness.json")["insights"], told[-2]]  # sentences, and no progress
    assert told[-1] == f"written to {out}"


def test_a_look_needs_a_folder_for_its_files(looked, capsys):
    _, words, _ = looked
    assert main([*words[:3], "--robustness"]) == 2
    assert "--out DIR" in capsys.readouterr().err


def test_weights_are_found_beside_a_runs_detector(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    for name in ("detector.onnx", "config.toml", "checkpoints/best.pt"):
        assert find_run(tmp_path / "detector.onnx") is None
        (tmp_path / name).touch()
    assert find_run(tmp_path / "detector.onnx") == tmp_path
    assert find_run(tmp_path / "other.onnx") is None
