import numpy as np
import pytest

from doctored.detector import open_detector
from doctored.errors import DetectorError, PictureError
from doctored.explain import explain
from doctored.picture import Preprocess, decode, encode_png
from doctored.records import Label
from toy_detectors import build_toy_detector, toy_outputs


def bright_corner(size=32):
    """Dark, and bright at the upper left: the toy calls bright fake."""
    pixels = np.full((size, size, 3), 100, np.uint8)
    pixels[: size // 4, : size // 4] = 255
    return pixels


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    with open_detector(build_toy_detector(tmp_path_factory.mktemp("toy") / "toy.onnx")) as detector:
        yield detector


def test_the_explanation_is_the_computation(toy):
    pixels = bright_corner()
    explanation = explain(encode_png(pixels), toy)
    expected = toy_outputs(pixels[np.newaxis])
    assert explanation.evidence == pytest.approx(expected["evidence"][0], abs=1e-5)
    assert explanation.evidence.mean() == pytest.approx(expected["logit"][0], abs=1e-5)
    assert explanation.probabilities[Label.FAKE] == pytest.approx(expected["probability"][0], abs=1e-6)
    assert sum(explanation.probabilities.values()) == pytest.approx(1)
    assert explanation.prediction.label is Label.UNSURE
    assert explanation.reasons[0] == "The score lies between the thresholds of toy for a budget of 0.01."
    assert explanation.detector == "toy"
    assert explanation.version == "1.0.0"


def test_the_overlays_show_where(toy):
    explanation = explain(encode_png(bright_corner()), toy)
    changed = {
        target: (explanation.overlay(target) != explanation.pixels).any(axis=2) for target in ("fake", "real")
    }
    assert changed["fake"][:8, :8].all()
    assert not changed["fake"][16:, 16:].any()
    assert changed["real"][16:, 16:].all()
    assert not changed["real"][:4, :4].any()
    assert any("for fake lies at the upper left" in reason for reason in explanation.reasons)


def test_a_path_a_name_bytes_and_a_picture_are_explained_alike(toy, tmp_path):
    file = encode_png(bright_corner())
    path = tmp_path / "corner.png"
    path.write_bytes(file)
    detector = build_toy_detector(tmp_path / "same.onnx")
    explanations = [
        explain(path, toy),
        explain(str(path), detector),
        explain(file, str(detector)),
        explain(decode(file), toy),
    ]
    for explanation in explanations:
        assert explanation.reasons == explanations[0].reasons
        assert (explanation.evidence == explanations[0].evidence).all()


def test_outside_the_domain_there_is_no_overlay(toy):
    explanation = explain(encode_png(np.zeros((40, 30, 3), np.uint8)), toy)
    assert explanation.prediction.label is Label.UNSURE
    assert explanation.evidence is None
    assert explanation.probabilities is None
    (reason,) = explanation.reasons
    assert reason == "The picture is 30×40, and toy knows only pictures of exactly 32×32 pixels."
    with pytest.raises(DetectorError, match="there is no overlay"):
        explanation.overlay("fake")


def test_too_far_from_the_training_data_there_is_no_overlay_either(tmp_path):
    detector = build_toy_detector(tmp_path / "near.onnx", distance_limit=0.3)
    explanation = explain(encode_png(np.full((32, 32, 3), 255, np.uint8)), detector)
    assert explanation.evidence is None
    assert explanation.probabilities is None
    assert "distance 0.866" in explanation.reasons[0]


def test_a_detector_without_a_map_says_so(tmp_path):
    detector = build_toy_detector(tmp_path / "blind.onnx", evidence=False)
    with pytest.raises(DetectorError, match="has no evidence map"):
        explain(encode_png(bright_corner()), detector)


def test_a_scaled_picture_is_tinted_as_a_whole_and_a_cropped_one_in_its_middle(tmp_path):
    pixels = np.full((60, 90, 3), 200, np.uint8)
    for name, preprocess, box in (
        ("scaled", Preprocess.resize(32), (0, 0, 90, 60)),
        ("cropped", Preprocess.center(32), (29, 14, 32, 32)),
    ):
        detector = build_toy_detector(tmp_path / f"{name}.onnx", preprocess=preprocess)
        explanation = explain(encode_png(pixels), detector)
        assert explanation.box == box
        rows, columns = np.nonzero((explanation.overlay("fake") != pixels).any(axis=2))
        found = (columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1)
        assert found == box


def test_a_broken_picture_is_an_error(toy):
    with pytest.raises(PictureError):
        explain(b"no picture", toy)


def test_without_a_name_the_shelf_is_asked(monkeypatch, tmp_path):
    small = build_toy_detector(tmp_path / "small.onnx", name="small", size=16)
    fitting = build_toy_detector(tmp_path / "fitting.onnx", name="fitting")
    on_shelf = [small.stem, fitting.stem]
    monkeypatch.setattr("doctored.explain.explanation.default_names", lambda: on_shelf)
    monkeypatch.setattr(
        "doctored.explain.explanation.open_detector", lambda name: open_detector(tmp_path / f"{name}.onnx")
    )
    assert explain(encode_png(bright_corner())).detector == "fitting"
    assert explain(encode_png(bright_corner(8))).detector == "small"
    on_shelf.clear()
    with pytest.raises(DetectorError, match="no detector judges unasked"):
        explain(encode_png(bright_corner()))
