from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from doctored.checks.base import run_checks
from doctored.checks.detector import DetectorCheck
from doctored.checks.shipped import CheckSettings, build_checks
from doctored.detector import Detector
from doctored.detector.session import Session
from doctored.errors import DetectorError, UsageError
from doctored.picture import decode
from doctored.records import Kind, Says, Strength
from doctored.verdict import decide, load_policy
from toy_detectors import SCALE, build_toy_detector


@pytest.fixture
def open_toy(tmp_path):
    def build(**card):
        path = build_toy_detector(tmp_path / "toy.onnx", **card)
        return Detector(Session(path.read_bytes(), threads=1), "0" * 64)

    return build


def grey(value: int, width: int = 32, height: int = 32):
    stream = BytesIO()
    Image.new("RGB", (width, height), (value, value, value)).save(stream, "PNG")
    return decode(stream.getvalue())


def only(findings):
    (finding,) = findings
    return finding


def test_a_bright_picture_is_fake_to_the_toy(open_toy):
    finding = only(DetectorCheck(open_toy(), 0.01).run(grey(255)))
    probability = 1 / (1 + np.exp(-SCALE * 0.5))
    assert (finding.check, finding.code) == ("detector:toy", "detector_says_fake")
    assert (finding.says, finding.strength, finding.kind) == (Says.FAKE, Strength.STRONG, Kind.GENERATED)
    assert finding.score == pytest.approx(probability, abs=1e-6)
    assert finding.details == pytest.approx(
        {
            "probability": probability,
            "logit": SCALE * 0.5,
            "distance": 0.75**0.5,
            "budget": 0.01,
            "bound": 0.01,
        }
        | {"asks": "generated", "domain": "lab"},
        abs=1e-6,
    )
    assert "0.982" in finding.text
    assert "at most 1.0% come that far" in finding.text


def test_a_dark_picture_is_real_and_the_finding_says_what_that_covers(open_toy):
    finding = only(DetectorCheck(open_toy(), 0.05).run(grey(0)))
    assert (finding.code, finding.says, finding.strength) == (
        "detector_says_real",
        Says.REAL,
        Strength.STRONG,
    )
    assert finding.kind is None
    assert finding.details["covers"] == ["generated", "tampered"]
    assert finding.details["bound"] == 0.05


@pytest.mark.parametrize(
    ("asks", "kind", "covered", "forgery"),
    [
        ("generated", "photo", ["generated"], Kind.GENERATED),
        ("tampered", "face", ["tampered"], Kind.TAMPERED),
        ("either", "photo", ["generated", "tampered"], None),
        ("tampered", "lab", ["generated", "tampered"], Kind.TAMPERED),
    ],
)
def test_what_real_covers_and_what_kind_a_fake_is(open_toy, asks, kind, covered, forgery):
    check = DetectorCheck(open_toy(asks=asks, kind=kind), 0.01)
    assert only(check.run(grey(0))).details["covers"] == covered
    fake = only(check.run(grey(255)))
    assert fake.kind is forgery
    assert "covers" not in fake.details


def test_between_the_thresholds_it_abstains(open_toy):
    finding = only(DetectorCheck(open_toy(), 0.01).run(grey(128)))
    assert (finding.code, finding.says, finding.strength) == (
        "detector_undecided",
        Says.NEUTRAL,
        Strength.NONE,
    )
    assert finding.details["probability"] == pytest.approx(0.5, abs=0.01)


def test_another_size_is_outside_its_domain(open_toy):
    finding = only(DetectorCheck(open_toy(), 0.01).run(grey(255, 512, 300)))
    assert (finding.code, finding.says, finding.score) == ("outside_domain", Says.NEUTRAL, None)
    assert finding.details["because"] == "size"
    assert "probability" not in finding.details
    assert finding.text == "This picture is 512×300; toy knows only pictures of exactly 32×32 pixels."


def test_a_far_picture_is_outside_its_domain(open_toy):
    finding = only(DetectorCheck(open_toy(distance_limit=0.5), 0.01).run(grey(255)))
    assert (finding.code, finding.details["because"]) == ("outside_domain", "distance")
    assert finding.details["distance"] == pytest.approx(0.75**0.5, abs=1e-6)
    assert finding.details["distance_limit"] == 0.5
    assert "probability" not in finding.details


def test_a_batch_gives_what_each_picture_gives_alone(open_toy):
    check = DetectorCheck(open_toy(distance_limit=0.8), 0.01)
    pictures = [grey(255), grey(60), grey(10, 33), grey(128), grey(200), grey(90, 16, 16)]
    alone = [check.run(picture)[0].to_json() for picture in pictures]
    together = [own[0].to_json() for own in check.run_many(pictures)]
    assert [own["code"] for own in together] == [own["code"] for own in alone]
    for one, other in zip(alone, together, strict=True):
        assert one["details"].pop("covers", None) == other["details"].pop("covers", None)
        assert one["details"].pop("distance", 0) == pytest.approx(
            other["details"].pop("distance", 0), rel=1e-3
        )
        assert one["details"] == pytest.approx(other["details"], abs=1e-5)


def test_a_budget_that_was_not_bought_is_refused_at_once(open_toy):
    with pytest.raises(UsageError, match="choose one of"):
        DetectorCheck(open_toy(), 0.02)


def test_a_detector_that_fails_is_a_finding(open_toy):
    detector = open_toy()

    class Failing:
        card = detector.card

        def predict(self, pictures, budget):
            raise DetectorError("its child is gone; open it again")

    found = run_checks([DetectorCheck(Failing(), 0.01)], [grey(0), grey(1)])
    assert [only(own).code for own in found] == ["could_not_check"] * 2
    assert only(found[0]).details == {"error": "its child is gone; open it again"}


def test_the_registry_makes_a_check_for_each_detector(open_toy):
    settings = CheckSettings((open_toy(name="one"), open_toy(name="two")), 0.05)
    assert [check.name for check in build_checks(settings)] == ["detector:one", "detector:two"]


@pytest.mark.parametrize(
    ("value", "label", "rule"),
    [(255, "fake", "strong_fake"), (0, "real", "strong_real"), (128, "unsure", "undecided")],
)
def test_a_lab_detector_alone_decides_inside_its_lab(open_toy, value, label, rule):
    findings = DetectorCheck(open_toy(), 0.01).run(grey(value))
    verdict = decide(findings, load_policy())
    assert (verdict.label.value, verdict.rule) == (label, rule)
    assert verdict.probability == findings[0].score
