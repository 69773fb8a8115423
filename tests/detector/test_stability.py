import sys
from itertools import product

import numpy as np
import pytest

from doctored.detector import Detector, Prediction
from doctored.detector.session import Session
from doctored.detector.stability import MILD_COPIES, judge_copies
from doctored.errors import PictureError, UsageError
from doctored.picture import Limits, Preprocess, decode
from doctored.picture.distort import distort
from doctored.records import Label
from toy_detectors import Threshold, build_toy_detector, toy_outputs

NAMES = [copy.name for copy in MILD_COPIES]
CHAINS = {copy.name: copy.chain for copy in MILD_COPIES}
ANSWERS = ("fake", "real", "unsure", "outside")


def noisy(width=32, height=32, seed=1):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.fixture
def open_toy(tmp_path):
    def build(**card):
        path = build_toy_detector(tmp_path / "toy.onnx", **card)
        return Detector(Session(path.read_bytes(), threads=1), "0" * 64)

    return build


def around(logit, width=0.001):
    """Thresholds just below a logit, so that little less says real."""
    return {
        "fake": (Threshold(0.01, logit, 0.01, 1000),),
        "real": (Threshold(0.01, logit - width, 0.01, 1000),),
    }


def judge(detector, *pictures):
    return judge_copies(detector, pictures, detector.predict(list(pictures), 0.01), 0.01)


def toy_logit(pixels):
    return float(toy_outputs(pixels[np.newaxis])["logit"][0])


def test_each_copy_gets_the_answer_of_the_distorted_picture(open_toy):
    """Against the toy's own formula, with a threshold that parts the copies."""
    pixels = noisy()
    logits = {name: toy_logit(distort(pixels, CHAINS[name], 0)) for name in NAMES[:3]}
    own = toy_logit(pixels)
    assert min(logits.values()) < own < max(logits.values()), "choose another seed"
    detector = open_toy(thresholds=around(own - 1e-5, width=1e-6))
    (stability,) = judge(detector, pixels)
    assert stability.said is Label.FAKE
    answers = {answer.copy.name: answer.answer for answer in stability.answers}
    assert answers == {name: "fake" if logit >= own - 1e-5 else "real" for name, logit in logits.items()}
    assert {answer.copy.name for answer in stability.flips} == {
        name for name, answer in answers.items() if answer == "real"
    }
    for answer in stability.answers:
        expected = 1 / (1 + np.exp(-logits[answer.copy.name]))
        assert answer.probability == pytest.approx(expected, abs=1e-5)


def test_a_crop_that_shows_flips_a_picture_with_a_bright_border(open_toy):
    pixels = np.zeros((100, 100, 3), np.uint8)
    pixels[:2], pixels[-2:], pixels[:, :2], pixels[:, -2:] = 255, 255, 255, 255
    size = Preprocess.resize(100)
    whole, cropped = toy_logit(pixels), toy_logit(size.apply(distort(pixels, CHAINS["crop_2"], 0))[0])
    assert cropped < whole - 0.01
    (stability,) = judge(
        open_toy(size=100, preprocess=size, thresholds=around((whole + cropped) / 2)), pixels
    )
    assert [(answer.copy.name, answer.answer) for answer in stability.flips] == [("crop_2", "real")]
    assert stability.skipped == ()


@pytest.mark.parametrize(
    ("width", "height", "skipped"),
    [
        (50, 50, []),
        (50, 49, ["crop_2"]),
        (49, 200, ["crop_2"]),
        (32, 32, ["crop_2"]),
        (4, 4, ["crop_2"]),
        (4, 3, ["rescale_75", "crop_2"]),
        (1, 1, ["rescale_75", "crop_2"]),
    ],
)
def test_a_change_of_less_than_a_pixel_is_skipped_and_named(open_toy, width, height, skipped):
    pixels = np.full((height, width, 3), 255, np.uint8)
    (stability,) = judge(open_toy(preprocess=Preprocess.resize(32)), pixels)
    assert [copy.name for copy in stability.skipped] == skipped
    assert [answer.copy.name for answer in stability.answers] == [
        name for name in NAMES if name not in skipped
    ]
    assert stability.to_json()["skipped"] == skipped
    assert not stability.flips


@pytest.mark.parametrize(
    ("preprocess", "width", "height"),
    [(Preprocess.exact(64), 64, 64), (Preprocess.center(64), 64, 64), (Preprocess.center(64), 65, 300)],
)
def test_a_crop_that_the_detector_would_not_take_is_scaled_back(open_toy, preprocess, width, height):
    pixels = np.full((height, width, 3), 255, np.uint8)
    (stability,) = judge(open_toy(size=64, preprocess=preprocess), pixels)
    assert [answer.answer for answer in stability.answers] == ["fake"] * 4


def test_many_pictures_are_judged_as_each_alone_and_in_one_call_a_copy(open_toy):
    detector = open_toy(preprocess=Preprocess.resize(32), distance_limit=0.8)
    pictures = [
        np.full((60, 60, 3), 255, np.uint8),
        np.full((20, 20, 3), 128, np.uint8),
        np.full((20, 30, 3), 20, np.uint8),
        np.full((70, 60, 3), 240, np.uint8),
    ]
    alone = [judge(detector, pixels)[0] for pixels in pictures]
    calls = []

    class Counting:
        takes = detector.takes

        def predict(self, pixels, budget):
            calls.append(len(pixels))
            return detector.predict(pixels, budget)

    together = judge_copies(Counting(), pictures, detector.predict(pictures, 0.01), 0.01)
    assert [each is None for each in together] == [True, True, False, False]
    for one, other in zip(alone, together, strict=True):
        if one is not None:
            assert [answer[:2] for answer in one.answers] == [answer[:2] for answer in other.answers]
    assert calls == [2, 2, 2, 1]


class Scripted:
    """A detector that gives these answers, one to each call."""

    def __init__(self, answers):
        self._answers = iter(answers)

    def takes(self, width, height):
        return True

    def predict(self, pixels, budget):
        answer = next(self._answers)
        return [
            Prediction(Label.UNSURE, False, "far", budget)
            if answer == "outside"
            else Prediction(Label(answer), True, "", budget, probability=0.5)
            for _ in pixels
        ]


def test_every_combination_of_answers_flips_exactly_where_one_differs():
    pixels = np.zeros((60, 60, 3), np.uint8)
    for said, *answers in product(("fake", "real"), *[ANSWERS] * 4):
        prediction = Prediction(Label(said), True, "", 0.01, probability=0.5)
        (stability,) = judge_copies(Scripted(answers), [pixels], [prediction], 0.01)
        assert [answer.answer for answer in stability.answers] == answers
        flips = [name for name, answer in zip(NAMES, answers, strict=True) if answer != said]
        assert [answer.copy.name for answer in stability.flips] == flips


def test_the_same_picture_is_judged_alike_twice(open_toy):
    detector = open_toy(preprocess=Preprocess.resize(32), thresholds=around(-0.5))
    assert judge(detector, noisy(80, 70)) == judge(detector, noisy(80, 70))


def test_a_detector_takes_pixels_as_it_takes_a_picture(open_toy):
    from doctored.picture import encode_png

    detector = open_toy()
    pixels = noisy()
    picture, alone = detector.predict(decode(encode_png(pixels))), detector.predict(pixels)
    assert (alone.label, alone.logit) == (picture.label, picture.logit)
    for wrong in (pixels[..., 0], pixels.astype(np.float32), pixels[:0]):
        with pytest.raises(UsageError, match="give uint8"):
            detector.predict(wrong)


def test_a_picture_over_the_decoders_limits_is_an_error(open_toy, monkeypatch):
    module = sys.modules["doctored.picture.distort"]  # its function has its name
    monkeypatch.setattr(module, "decode", lambda data: decode(data, Limits(max_pixels=9)))
    with pytest.raises(PictureError):
        judge(open_toy(), np.full((32, 32, 3), 255, np.uint8))
