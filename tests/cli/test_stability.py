"""Mild copies through `doctored scan` and `doctored explain`, with a detector that one of them sways."""

import json

import numpy as np
import pytest

import doctored
from doctored.cli.main import main
from doctored.explain import explain
from doctored.picture import encode_png
from doctored.picture.distort import distort
from doctored.records import Label
from toy_detectors import Threshold, build_toy_detector, toy_outputs
from toy_pictures import save_grey


def logit(pixels):
    return float(toy_outputs(pixels[np.newaxis])["logit"][0])


@pytest.fixture(scope="module")
def swayed(tmp_path_factory):
    """A picture, and a detector that calls it fake and one or more of its copies real."""
    folder = tmp_path_factory.mktemp("swayed")
    pixels = np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8)
    own, copy = logit(pixels), logit(distort(pixels, [("rescale", 0.75)], 0))
    assert copy < own - 1e-4, "choose another seed"
    middle = (own + copy) / 2
    thresholds = {
        "fake": (Threshold(0.01, middle, 0.01, 1000),),
        "real": (Threshold(0.01, middle - 1e-6, 0.01, 1000),),
    }
    detector = build_toy_detector(folder / "toy.onnx", thresholds=thresholds)
    picture = folder / "swayed.png"
    picture.write_bytes(encode_png(pixels))
    return str(picture), str(detector)


@pytest.mark.parametrize(
    ("options", "is_judged"),
    [
        ([], False),
        (["--stability"], True),
        (["--no-stability"], False),
        (["--html", "page.html"], True),
        (["--html", "page.html", "--no-stability"], False),
    ],
)
def test_scan_judges_copies_where_that_is_asked(swayed, options, is_judged, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    picture, detector = swayed
    assert main(["scan", picture, "--detector", detector, "--workers", "1", "--json", *options]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    assert record["verdict"] == ("unsure" if is_judged else "fake")
    assert record["policy"]["rule"] == ("unstable" if is_judged else "strong_fake")
    assert ("resized to 0.75 and back (real)" in record["text"]) is is_judged


def test_python_judges_copies_where_that_is_asked(swayed):
    picture, detector = swayed
    for stability, verdict in ((False, "fake"), (True, "unsure")):
        (record,) = doctored.scan(picture, detectors=[detector], workers=1, stability=stability)
        assert record["verdict"] == verdict


def test_explain_judges_copies_unless_told_otherwise(swayed, capsys, tmp_path):
    picture, detector = swayed
    arguments = ["explain", picture, "--detector", detector, "--out", str(tmp_path / "sheet.png")]
    assert main(arguments) == 0
    told = capsys.readouterr().out
    assert told.startswith("unsure: ")
    assert "A mild copy of the picture would change the answer fake (" in told
    assert "resized to 0.75 and back: real" in told
    assert main([*arguments, "--no-stability"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("fake: ")
    assert "mild cop" not in told.lower()


def test_explain_keeps_the_evidence_of_an_answer_that_does_not_stand(swayed):
    picture, detector = swayed
    judged, plain = explain(picture, detector), explain(picture, detector, stability=False)
    assert (judged.prediction.label, plain.prediction.label) == (Label.UNSURE, Label.FAKE)
    assert judged.probabilities == plain.probabilities
    assert (judged.evidence == plain.evidence).all()
    assert judged.reasons[1:] == plain.reasons


def test_explain_says_that_an_answer_stands_and_what_was_not_tried(swayed, tmp_path):
    bright = save_grey(tmp_path / "bright.png", 250)
    reasons = explain(bright, swayed[1]).reasons
    assert reasons[-2:] == (
        "Mild copies of the picture get the same answer (JPEG 90, JPEG 75, resized to 0.75 and back).",
        "Not tried, because it would change less than a pixel here: cropped by 2 %.",
    )
