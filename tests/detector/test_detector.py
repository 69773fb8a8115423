import errno
import io
import os
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from doctored.detector import Detector, open_detector
from doctored.detector import shelf as shelf_room
from doctored.detector.detector import _read
from doctored.detector.session import Session
from doctored.detector.shelf import shelve
from doctored.errors import DetectorError, PictureError, UsageError
from doctored.picture import Preprocess, decode, encode_png
from doctored.records import Label
from toy_detectors import SCALE, build_toy_detector, toy_outputs


def grey(value, width=32, height=32):
    return np.full((height, width, 3), value, np.uint8)


def brightness_for(logit):
    """The grey whose toy logit is nearest to this one."""
    return round(255 * (logit / SCALE + 0.5))


@pytest.fixture
def make(tmp_path):
    """Open a toy in this process."""

    def open_toy(**card):
        path = build_toy_detector(tmp_path / "toy.onnx", **card)
        return Detector(Session(path.read_bytes(), threads=1), "0" * 64)

    return open_toy


@pytest.fixture
def own_shelf(tmp_path, monkeypatch):
    """A shelf that holds one toy."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    (folder / "shelf.json").write_text('{"schema": 1, "detectors": []}', encoding="utf-8")
    monkeypatch.setattr(shelf_room, "FOLDER", folder)
    shelve(build_toy_detector(tmp_path / "one.onnx", name="toy-compact"), changelog="CHANGELOG.md")
    return folder


@pytest.mark.parametrize(
    ("logit", "label"), [(3.0, Label.FAKE), (-3.0, Label.REAL), (0.7, Label.UNSURE), (-0.7, Label.UNSURE)]
)
def test_the_label_follows_the_thresholds_of_the_budget(make, logit, label):
    pixels = grey(brightness_for(logit))
    expected = {name: values[0] for name, values in toy_outputs(pixels[None]).items()}
    with make() as detector:
        prediction = detector.predict(encode_png(pixels))
        generous = detector.predict(encode_png(pixels), budget=0.05)
    assert prediction.label is label
    assert prediction.in_domain
    assert prediction.budget == 0.01
    assert bool(prediction.reason) == (label is Label.UNSURE)
    assert prediction.probability == pytest.approx(expected["probability"], abs=1e-5)
    assert prediction.logit == pytest.approx(expected["logit"], abs=1e-5)
    assert prediction.distance == pytest.approx(expected["distance"], abs=1e-5)
    assert np.allclose(prediction.evidence, expected["evidence"], atol=1e-5)
    assert generous.label is (Label.FAKE if logit > 0 else Label.REAL)


@pytest.mark.parametrize(("width", "height"), [(31, 32), (64, 64), (1, 1)])
def test_a_picture_of_another_size_is_outside_the_domain(make, width, height):
    prediction = make().predict(encode_png(grey(255, width, height)))
    assert (prediction.label, prediction.in_domain) == (Label.UNSURE, False)
    assert prediction.probability is prediction.logit is prediction.evidence is prediction.distance is None
    assert prediction.reason == (
        f"the picture is {width}×{height}, and toy knows only pictures of exactly 32×32 pixels"
    )


@pytest.mark.parametrize(
    ("width", "height", "in_domain"), [(40, 50, True), (39, 50, False), (40, 51, False), (50, 40, True)]
)
def test_sides_are_measured_against_the_card(make, width, height, in_domain):
    detector = make(preprocess=Preprocess.resize(32), min_side=40, max_side=50)
    assert detector.predict(encode_png(grey(255, width, height))).in_domain is in_domain


def test_a_picture_far_from_the_training_data_is_outside_the_domain(make):
    detector = make(distance_limit=0.5)
    pixels = grey(255)
    near, far = detector.predict([encode_png(grey(180)), encode_png(pixels)])
    assert near.in_domain
    assert near.label is Label.FAKE
    assert (far.label, far.in_domain, far.probability) == (Label.UNSURE, False, None)
    assert far.logit == pytest.approx(4.0)
    assert "unlike those that toy learned from (distance 0.866, limit 0.5)" in far.reason


def test_pictures_come_from_anywhere(make, tmp_path):
    pixels = np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8)
    png = encode_png(pixels)
    path = tmp_path / "picture.png"
    path.write_bytes(png)
    detector = make()
    many = detector.predict([path, str(path), png, io.BytesIO(png), decode(png)])
    one = detector.predict(path)
    assert [prediction.logit for prediction in many] == [pytest.approx(one.logit)] * 5
    assert detector.predict([]) == []
    assert len(detector.predict((png,))) == 1


def test_predictions_keep_the_order_of_a_mixed_batch(make):
    sizes = [32, 8, 32, 64, 32]
    sources = [encode_png(grey(40 * turn, side, side)) for turn, side in enumerate(sizes)]
    got = make().predict(sources * 120)
    assert len(got) == 600
    for turn, prediction in enumerate(got):
        if sizes[turn % 5] == 32:
            assert prediction.logit == pytest.approx(SCALE * (40 * (turn % 5) / 255 - 0.5), abs=1e-5)
        else:
            assert prediction.logit is None


def test_a_picture_that_cannot_be_decoded_is_a_picture_error(make):
    with pytest.raises(PictureError):
        make().predict(b"no picture")


def test_a_budget_that_was_not_bought_is_wrong_usage(make):
    with pytest.raises(UsageError, match=r"0\.05, 0\.01"):
        make().predict([], budget=0.5)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((0, 32, 32, 3), np.uint8),
        np.zeros((32, 32, 3), np.uint8),
        np.zeros((1, 32, 31, 3), np.uint8),
        np.zeros((1, 32, 32, 4), np.uint8),
        np.zeros((1, 32, 32, 3), np.float32),
    ],
)
def test_run_takes_views_only(make, pixels):
    with pytest.raises(UsageError, match=r"takes uint8 \[N, 32, 32, 3\]"):
        make().run(pixels)


def test_large_batches_are_split_and_joined(make):
    pixels = np.random.default_rng(2).integers(0, 256, (600, 32, 32, 3), np.uint8)
    outputs = make().run(pixels)
    for name, expected in toy_outputs(pixels).items():
        assert np.allclose(getattr(outputs, name), expected, atol=1e-4)


def test_a_detector_serves_several_threads(tmp_path):
    pixels = np.random.default_rng(3).integers(0, 256, (40, 32, 32, 3), np.uint8)
    expected = toy_outputs(pixels)["logit"]
    wrong = []

    def ask(detector):
        for _ in range(5):
            if not np.allclose(detector.run(pixels).logit, expected, atol=1e-4):
                wrong.append(detector)

    path = build_toy_detector(tmp_path / "toy.onnx")
    with open_detector(path) as foreign, Detector(Session(path.read_bytes()), "") as own:
        threads = [threading.Thread(target=ask, args=[each]) for each in (foreign, own) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong


def test_a_file_that_is_not_on_the_shelf_runs_in_a_child(tmp_path):
    path = build_toy_detector(tmp_path / "toy.onnx")
    pixels = np.random.default_rng(4).integers(0, 256, (40, 32, 32, 3), np.uint8)
    with open_detector(path, threads=1) as detector:
        assert detector.is_foreign
        assert np.allclose(detector.run(pixels).logit, toy_outputs(pixels)["logit"], atol=1e-4)
    with pytest.raises(UsageError, match="CPU only"):
        open_detector(path, provider="cuda")


def test_a_name_on_the_shelf_runs_here(own_shelf, monkeypatch, tmp_path):
    with open_detector("toy-compact") as detector:
        assert not detector.is_foreign
        assert detector.card.name == "toy-compact"
    copy = tmp_path / "renamed.onnx"
    copy.write_bytes((own_shelf / "toy-compact.onnx").read_bytes())
    with open_detector(copy) as detector:
        assert not detector.is_foreign


def test_a_file_with_the_name_of_a_detector_is_that_file(own_shelf, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    build_toy_detector(tmp_path / "toy-compact", name="another")
    with open_detector("toy-compact") as detector:
        assert detector.card.name == "another"
        assert detector.is_foreign
    (tmp_path / "toy-compact").unlink()
    (tmp_path / "toy-compact").mkdir()
    with open_detector("toy-compact") as detector:
        assert detector.card.name == "toy-compact"


def test_a_damaged_file_on_the_shelf_is_not_run(own_shelf):
    path = own_shelf / "toy-compact.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b" ")
    with pytest.raises(DetectorError, match=r"damaged.*install Doctored again"):
        open_detector("toy-compact")


def refused(source):
    with pytest.raises(DetectorError) as caught:
        open_detector(source)
    assert str(caught.value).isprintable()
    return str(caught.value)


def test_an_unknown_name_is_answered_with_a_hint(own_shelf, tmp_path):
    assert "did you mean 'toy-compact'?" in refused("toy-compat")
    assert "'doctored detectors' lists" in refused("something else")
    assert "did you mean" not in refused("something else")
    assert "there is no detector file" in refused("toy-compact.onnx")
    assert "there is no detector file" in refused(tmp_path / "toy-compact")
    assert "there is no detector file" in refused("folder/toy")
    assert "is not a file" in refused(str(tmp_path))
    for odd in ("", "\0", "x" * 10_000, "\x1b[31m", "\udce9"):
        assert refused(odd)


def test_what_is_no_regular_file_is_not_opened(tmp_path):
    assert "not a regular file" in refused(tmp_path)
    if sys.platform != "win32":
        os.mkfifo(tmp_path / "pipe")
        assert "not a regular file" in refused(tmp_path / "pipe")
        assert "not a file" in refused(str(tmp_path / "pipe"))


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    path = build_toy_detector(tmp_path / "toy.onnx")

    def refuse(self, *mode):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DetectorError, match=r"cannot be read \(Permission denied\): check its permissions"):
        _read(path)


def test_a_file_too_large_is_not_read_to_its_end(tmp_path):
    with (tmp_path / "large.onnx").open("wb") as stream:
        stream.truncate(1 << 40)
    assert "larger than 100 MiB" in refused(tmp_path / "large.onnx")


def test_the_picture_is_judged_upright(make):
    """A picture stored on its side is of the size that a person sees."""
    image = Image.new("RGB", (48, 40), (200, 200, 200))
    exif = image.getexif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    image.save(stream, "JPEG", exif=exif)
    prediction = make().predict(stream.getvalue())
    assert prediction.reason.startswith("the picture is 40×48")
