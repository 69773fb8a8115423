import numpy as np
import pytest

from doctored.detector import open_detector
from doctored.explain import explain
from doctored.explain.overlay import COLOURS
from doctored.explain.sheet import MAX_SIDE, draw_panels
from doctored.picture import Preprocess, encode_png
from doctored.records import Label
from toy_detectors import build_toy_detector


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    path = tmp_path_factory.mktemp("toy") / "toy.onnx"
    with open_detector(build_toy_detector(path, preprocess=Preprocess.resize(32))) as opened:
        yield opened


def explained(detector, height, width):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return explain(encode_png(pixels), detector)


def test_a_tiny_picture_is_enlarged_pixel_for_pixel(detector):
    explanation = explained(detector, 32, 32)
    panels = draw_panels(explanation)
    assert panels.picture.shape == (256, 256, 3)
    assert (panels.picture == np.kron(explanation.pixels, np.ones((8, 8, 1), np.uint8))).all()


@pytest.mark.parametrize(("height", "width"), [(32, 20), (300, 400), (3000, 40), (1, 1), (1, 900)])
def test_panels_keep_the_shape_and_stay_handy(detector, height, width):
    panels = draw_panels(explained(detector, height, width))
    shown = panels.picture.shape
    assert max(shown) <= MAX_SIDE
    assert shown[0] / shown[1] == pytest.approx(height / width, rel=0.1) or min(shown[:2]) == 1
    assert all(overlay.shape == shown for overlay in panels.overlays.values())
    assert set(panels.overlays) == {Label.FAKE, Label.REAL}


def test_the_sheet_holds_picture_overlays_and_legend(detector):
    explanation = explained(detector, 32, 32)
    sheet = explanation.sheet()
    panels = draw_panels(explanation)
    assert sheet.dtype == np.uint8
    for panel in (panels.picture, *panels.overlays.values()):
        assert contains(sheet, panel)
    colours = {tuple(colour) for colour in sheet.reshape(-1, 3)}
    assert set(COLOURS.values()) <= colours


def contains(sheet, panel):
    """Whether a panel is somewhere on the sheet, pixel for pixel."""
    height, width = panel.shape[:2]
    rows = np.flatnonzero((sheet == panel[0, 0]).all(axis=2).any(axis=1))
    return any(
        (sheet[row : row + height, column : column + width] == panel).all()
        for row in rows
        for column in np.flatnonzero((sheet[row] == panel[0, 0]).all(axis=1))
        if row + height <= len(sheet) and column + width <= sheet.shape[1]
    )


def test_outside_the_domain_the_sheet_has_the_picture_alone(tmp_path):
    with open_detector(build_toy_detector(tmp_path / "toy.onnx")) as toy:
        explanation = explained(toy, 40, 40)
    sheet = explanation.sheet()
    assert draw_panels(explanation).overlays == {}
    assert contains(sheet, draw_panels(explanation).picture)
    assert not set(COLOURS.values()) & {tuple(colour) for colour in sheet.reshape(-1, 3)}


def test_the_same_picture_gives_the_same_sheet(detector):
    assert (explained(detector, 32, 32).sheet() == explained(detector, 32, 32).sheet()).all()
