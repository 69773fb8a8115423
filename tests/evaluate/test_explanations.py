import json

import numpy as np
import pytest

from doctored.data.manifest import Row, from_rows
from doctored.detector import open_detector
from doctored.evaluate import evaluate
from doctored.evaluate.explanations import GROUPS, examine_explanations, tell_insights
from doctored.measure.summary import Figure
from doctored.picture import decode, encode_png
from toy_detectors import build_toy_detector


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("explained")


@pytest.fixture(scope="module")
def told(toy, judged, folder):
    return examine_explanations(toy, judged, folder, pictures=10)


def test_the_maps_are_measured_and_told(told, folder):
    assert json.loads((folder / "explanations.json").read_text("utf-8")) == told
    assert told["curves"]["pictures"] == 10
    assert told["curves"]["deletion"]["gain"]["low"] > 0
    assert told["masks"] is None
    assert not told["sanity"]["available"]
    assert "checkpoints" in told["sanity"]["reason"]
    assert told["insights"][0].startswith("The map points at what decides")


def test_examples_of_each_kind_are_drawn(told, judged, folder):
    examples = json.loads((folder / "gradcam_results.json").read_text("utf-8"))["pictures"]
    logits = dict(zip(judged.judgements.manifest.column("id"), judged.judgements.logits, strict=True))
    wrong = int(((judged.judgements.logits >= 0) != judged.judgements.labels).sum())
    assert wrong, "the set has pictures that are called wrongly"
    assert {example["group"] for example in examples} >= {"true_fake", "true_real"}
    for example in examples:
        label, call = GROUPS[example["group"]]
        assert example["truth"] == ("fake" if label else "real")
        assert example["called"] == ("fake" if call else "real")
        assert example["file"].startswith(example["truth"])
        assert example["logit"] == pytest.approx(logits[example["id"]], abs=1e-5)
        assert sum(example["probability"].values()) == pytest.approx(1, abs=1e-5)
        assert np.mean(example["evidence"]) == pytest.approx(example["logit"], abs=1e-4)
        assert decode((folder / example["file"]).read_bytes()).width > 3 * 32
    files = [example["file"] for example in examples]
    assert len(set(files)) == len(files)


def test_a_runs_map_is_checked_against_random_weights(random_run, random_detector, brightness, tmp_path):
    judged = evaluate(random_detector, brightness, "test")
    told = examine_explanations(random_detector, judged, tmp_path, random_run, pictures=4)
    assert told["sanity"]["available"]
    assert told["sanity"]["pictures"] == 4
    assert "rank correlation" in told["insights"][-1]


def test_a_detector_without_a_map_says_so(brightness, tmp_path):
    with open_detector(build_toy_detector(tmp_path / "blind.onnx", evidence=False)) as detector:
        told = examine_explanations(detector, evaluate(detector, brightness, "test"), tmp_path, pictures=4)
    assert (told["available"], "curves" in told) == (False, False)
    assert "no evidence map" in told["reason"]
    assert json.loads((tmp_path / "gradcam_results.json").read_text("utf-8"))["pictures"] == []


def test_where_no_picture_can_be_read_that_is_the_reason(toy, tmp_path):
    (tmp_path / "large.png").write_bytes(encode_png(np.zeros((64, 64, 3), np.uint8)))
    rows = [Row("a", source=str(tmp_path), member="large.png", label="real", split="test")]
    told = examine_explanations(toy, evaluate(toy, from_rows(rows), "test"), tmp_path / "out", pictures=4)
    assert not told["available"]
    assert told["reason"].startswith("None of these pictures can be read")


def test_insights_claim_no_more_than_the_interval():
    class Flat:
        def gain(self, way):
            return Figure(0.01, 50, -0.02, 0.04)

    sanity = {"available": True, "passes": False, "steps": [{"correlation": {"value": 0.9}}]}
    masks = {"pointing": Figure(0.8, 20), "area": Figure(0.1, 20)}
    sentences = tell_insights(Flat(), masks, sanity)
    assert "not shown to point" in sentences[0]
    assert "80%" in sentences[1]
    assert "10%" in sentences[1]
    assert "too much alike" in sentences[2]
