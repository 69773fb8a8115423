from io import BytesIO
from itertools import product

import numpy as np
import pytest
from PIL import Image

from doctored.checks.base import run_checks
from doctored.checks.detector import DetectorCheck
from doctored.checks.shipped import CheckSettings, build_checks
from doctored.detector import Detector, Prediction
from doctored.detector.session import Session
from doctored.errors import DetectorError, UsageError
from doctored.picture import decode
from doctored.records import Kind, Label, Says, Strength
from doctored.verdict import decide, load_policy
from doctored.verdict.facts import facts
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
    assert [check.name for check in build_checks(settings, ["detector"])] == ["detector:one", "detector:two"]


@pytest.mark.parametrize(
    ("value", "label", "rule"),
    [(255, "fake", "strong_fake"), (0, "real", "strong_real"), (128, "unsure", "undecided")],
)
def test_a_lab_detector_alone_decides_inside_its_lab(open_toy, value, label, rule):
    findings = DetectorCheck(open_toy(), 0.01).run(grey(value))
    verdict = decide(findings, load_policy())
    assert (verdict.label.value, verdict.rule) == (label, rule)
    assert verdict.probability == findings[0].score


# ------------------------------------------------------------------------------------------ mild copies

ANSWERS = ("fake", "real", "unsure", "outside")


class Scripted:
    """A detector that gives one answer to each call, in their order: to the picture, then to each copy."""

    def __init__(self, card, answers):
        self.card = card
        self._answers = iter(answers)

    def takes(self, width, height):
        return True

    def predict(self, pictures, budget):
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        outside = Prediction(Label.UNSURE, False, "far", budget, distance=9.0)
        inside = Prediction(Label(answer.replace("outside", "unsure")), True, "", budget, probability=0.25)
        return [outside if answer == "outside" else inside for _ in pictures]


def test_judging_copies_only_ever_lowers(open_toy):
    """Every answer to a picture with every four to its copies, against the finding without copies."""
    card = open_toy().card
    picture = grey(200, 60, 60)
    for said, *answers in product(ANSWERS, *[ANSWERS] * 4):
        plain = only(DetectorCheck(Scripted(card, [said]), 0.01).run(picture))
        found = DetectorCheck(Scripted(card, [said, *answers]), 0.01, stability=True).run(picture)
        if said in ("unsure", "outside"):
            assert found == [plain]
        elif set(answers) == {said}:
            assert found[0] == plain
            assert (found[1].code, found[1].says) == ("detector_stable", Says.NEUTRAL)
            assert facts(found) == facts([plain])
        else:
            finding = only(found)
            assert (finding.code, finding.says, finding.strength) == (
                "detector_unstable",
                Says.NEUTRAL,
                Strength.NONE,
            )
            assert facts([finding]) == {"unstable"}
            assert finding.score == plain.score
            assert finding.details["said"] == said
            assert plain.details.items() <= finding.details.items()
            verdict = decide(found, load_policy())
            assert (verdict.label, verdict.rule) == (Label.UNSURE, "unstable")


def test_an_unstable_answer_names_the_copies_and_what_they_say(open_toy):
    card = open_toy().card
    scripted = Scripted(card, ["fake", "fake", "unsure", "real", "outside"])
    finding = only(DetectorCheck(scripted, 0.01, stability=True).run(grey(200, 60, 60)))
    assert finding.text == (
        "toy puts this picture past its threshold for fake (probability of fake 0.250), but not every mild "
        "copy of it: JPEG 75 (undecided); resized to 0.75 and back (real); cropped by 2 % (outside its "
        "domain)."
    )
    assert finding.kind is Kind.GENERATED
    assert finding.details["stability"] == {
        "copies": [
            {"copy": "jpeg_90", "answer": "fake", "probability": 0.25},
            {"copy": "jpeg_75", "answer": "unsure", "probability": 0.25},
            {"copy": "rescale_75", "answer": "real", "probability": 0.25},
            {"copy": "crop_2", "answer": "outside", "probability": None},
        ],
        "skipped": [],
    }
    assert finding.to_json()["details"]["stability"]["skipped"] == []


def test_a_stable_answer_says_which_copies_and_which_not(open_toy):
    finding, stable = DetectorCheck(open_toy(), 0.01, stability=True).run(grey(255))
    assert finding == only(DetectorCheck(open_toy(), 0.01).run(grey(255)))
    assert stable.text == (
        "toy gives the same answer on mild copies of this picture (JPEG 90, JPEG 75, resized to 0.75 and "
        "back); not tried, because it would change less than a pixel here: cropped by 2 %."
    )
    assert stable.details["stability"]["skipped"] == ["crop_2"]


def test_copies_that_cannot_be_judged_take_nothing_back(open_toy):
    card = open_toy().card
    scripted = Scripted(card, ["fake", DetectorError("its child is gone; open it again")])
    finding, told = DetectorCheck(scripted, 0.01, stability=True).run(grey(200))
    assert finding == only(DetectorCheck(Scripted(card, ["fake"]), 0.01).run(grey(200)))
    assert (told.code, told.says) == ("copies_not_judged", Says.NEUTRAL)
    assert told.details == {"error": "its child is gone; open it again"}


def test_a_batch_with_copies_that_fail_is_tried_one_by_one(open_toy):
    failure = DetectorError("broken; take another")
    scripted = Scripted(open_toy().card, ["fake", failure, "fake", *["fake"] * 4, "fake", failure])
    found = run_checks([DetectorCheck(scripted, 0.01, stability=True)], [grey(200, 60, 60)] * 2)
    codes = [[finding.code for finding in own] for own in found]
    assert codes == [
        ["detector_says_fake", "detector_stable"],
        ["detector_says_fake", "copies_not_judged"],
    ]


def test_stability_is_off_unless_asked(open_toy):
    settings = CheckSettings((open_toy(),), 0.01)
    for told, count in ((settings, 1), (settings._replace(stability=True), 2)):
        (check,) = build_checks(told, ["detector"])
        assert len(check.run(grey(255))) == count
