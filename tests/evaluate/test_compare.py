import json

import numpy as np
import pytest
from scipy import stats

from doctored.data.toy import make_toy
from doctored.detector import open_detector
from doctored.detector.card import Metric
from doctored.evaluate import evaluate, evaluate_runs
from doctored.evaluate.charts import describe_curves, describe_cut
from doctored.evaluate.compare import name_folders, pool_figures
from doctored.evaluate.examiners import describe_likelihood_ratios, find_prior
from doctored.measure import likelihood, metrics
from doctored.measure.summary import Figure
from toy_detectors import build_toy_detector, toy_card


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_toy(tmp_path_factory.mktemp("data") / "toy.zip", n=120, archive="zip")


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    return build_toy_detector(tmp_path_factory.mktemp("toy") / "toy.onnx")


@pytest.fixture(scope="module")
def scores():
    draw = np.random.default_rng(1)
    labels = draw.integers(0, 2, 1500).astype(np.uint8)
    return labels, 2 * (draw.normal(size=1500) + 2 * (labels - 0.5))


def test_two_detectors_are_paired_on_what_both_scored(data, detector, tmp_path):
    other = build_toy_detector(tmp_path / "other.onnx", name="other", pool="smoothmax", temperature=0.5)
    evaluation = evaluate(detector, data, split=None, against=other, out=tmp_path / "out")
    told = json.loads((tmp_path / "out/evaluation.json").read_text("utf-8"))["paired"]
    theirs = evaluate(other, data, split=None)
    assert told["against"]["name"] == "other"
    assert told["n"] == 120
    ours_right, theirs_right = (
        (each.judgements.logits >= 0) == each.judgements.labels for each in (evaluation, theirs)
    )
    accuracy = told["accuracy"]
    assert accuracy["difference"]["value"] == pytest.approx(ours_right.mean() - theirs_right.mean())
    assert accuracy["only_ours_right"] == (ours_right & ~theirs_right).sum()
    for side, each in (("ours", evaluation), ("theirs", theirs)):
        assert accuracy[side]["value"] == each.figures["accuracy"].value
        assert told["roc_auc"][side]["value"] == each.figures["roc_auc"].value
    assert evaluate(detector, data).paired is None


def test_a_detector_ties_with_itself(data, detector):
    told = evaluate(detector, data, against=detector).paired.to_json()
    assert told["accuracy"]["p"] == told["roc_auc"]["p"] == 1
    assert told["roc_auc"]["difference"]["low"] is None


def test_several_detectors_are_pooled(data, detector, tmp_path):
    run = tmp_path / "runs" / "mine"
    run.mkdir(parents=True)
    build_toy_detector(run / "detector.onnx", pool="smoothmax", temperature=0.5)
    evaluations, told = evaluate_runs([str(detector), str(run)], data, out=tmp_path / "out")
    assert told["folders"] == ["toy-1", "toy-2"]
    assert json.loads((tmp_path / "out/evaluations.json").read_text("utf-8")) == told
    first = json.loads((tmp_path / "out/toy-1/evaluation.json").read_text("utf-8"))
    values = [each.figures["accuracy"].value for each in evaluations]
    assert first["figures"]["accuracy"]["value"] == values[0]
    pooled = told["figures"]["accuracy"]
    assert pooled["values"] == values
    low, high = (
        stats.t.interval(0.95, 1, np.mean(values), stats.sem(values)) if len(set(values)) > 1 else (1, 1)
    )
    if len(set(values)) > 1:
        assert (pooled["low"], pooled["high"]) == pytest.approx((low, high))


def test_a_figure_that_one_run_lacks_is_not_pooled():
    pooled = pool_figures(
        [{"a": Figure(0.5, 9), "b": Figure(None, 9)}, {"a": Figure(0.7, 9), "b": Figure(1, 9)}]
    )
    assert set(pooled) == {"a"}
    assert pooled["a"]["mean"] == pytest.approx(0.6)
    low, high = stats.t.interval(0.95, 1, 0.6, 0.1)
    assert (pooled["a"]["low"], pooled["a"]["high"]) == pytest.approx((low, high))
    assert pool_figures([{"a": Figure(0.5, 9)}])["a"]["low"] is None


def test_folders_of_detectors_that_are_called_alike_are_numbered():
    assert name_folders(["a", "b", "a"]) == ["a-1", "b", "a-2"]
    assert name_folders(["a", "a", "a-1"]) == ["a-2", "a-3", "a-1"]


def test_a_run_keeps_its_own_predictions(data, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    build_toy_detector(run / "detector.onnx")
    (run / "config.toml").write_text("")
    (run / "predictions.parquet").write_bytes(b"of validation and test")
    evaluate(run, data, out=run)
    assert (run / "evaluation.json").exists()
    assert (run / "predictions.parquet").read_bytes() == b"of validation and test"


def test_curves_are_short_and_tell_the_truth(scores):
    labels, logits = scores
    curves = describe_curves(toy_card(), labels, logits)
    json.dumps(curves, allow_nan=False)
    for name, points in (
        ("roc", curves["roc"]),
        ("precision_recall", curves["precision_recall"]),
        ("risk_coverage", curves["risk_coverage"]["points"]),
        ("isotonic", curves["reliability"]["isotonic"]),
    ):
        assert 2 <= len(points) <= 500, name
    for false, true, cut in curves["roc"][1::50]:
        assert false == pytest.approx((logits[labels == 0] >= cut).mean())
        assert true == pytest.approx((logits[labels == 1] >= cut).mean())
    assert curves["roc"][0] == [0, 0, None]
    assert curves["roc"][-1][:2] == [1, 1]
    area = np.trapezoid(*zip(*[(true, false) for false, true, _ in curves["roc"]], strict=True))
    assert area == pytest.approx(metrics.roc_auc(labels, logits), abs=0.005)
    assert sum(bar["n"] for bar in curves["reliability"]["bars"]) == 1500
    assert all(
        bar["share_low"] <= bar["share_fake"] <= bar["share_high"] for bar in curves["reliability"]["bars"]
    )
    assert curves["reliability"]["isotonic_figures"]["log_loss"]["value"] < 0.5


def test_fewer_answers_are_surer_and_a_cut_from_validation_is_used(scores):
    labels, logits = scores
    card = toy_card()
    card.card.metrics["confidence_at_coverage_0.95"] = Metric(0.25, 1000, 0.2, 0.3)
    rows = describe_curves(card, labels, logits)["risk_coverage"]["rows"]
    risks = [row["risk"]["value"] for row in rows if row["from"] == "these"]
    assert risks == sorted(risks, reverse=True)
    assert [row["coverage"] for row in rows if row["from"] == "these"] == [1.0, 0.99, 0.95, 0.9, 0.8]
    (bought,) = [row for row in rows if row["from"] == "validation"]
    assert bought == describe_cut(labels, logits, 0.95, 0.25, "validation")
    assert bought["answered"]["value"] == pytest.approx((np.abs(logits) >= 0.25).mean())


def test_one_class_has_no_curves_and_no_ratios():
    labels, logits = np.ones(3, np.uint8), np.array([0.1, 0.2, 0.3])
    curves = describe_curves(toy_card(), labels, logits)
    assert curves["roc"] is curves["precision_recall"] is None
    assert describe_likelihood_ratios(toy_card(), labels, logits) is None
    empty = describe_curves(toy_card(), labels[:0], logits[:0])
    assert empty["risk_coverage"] == {"points": [], "area": None, "rows": []}
    json.dumps([curves, empty], allow_nan=False)


def test_likelihood_ratios_leave_the_calibration_odds_behind(scores):
    labels, logits = scores
    card = toy_card()
    assert find_prior(card)[0] == 0  # a thousand pictures on each side bought the thresholds
    card.card.counts.update({"val.real": 900, "val.fake": 100})
    prior, told = find_prior(card)
    assert prior == pytest.approx(np.log(1 / 9))
    assert "100 fake and 900 real" in told
    found = describe_likelihood_ratios(card, labels, logits + prior)
    assert found["cllr"]["value"] == pytest.approx(likelihood.cllr(labels, logits))
    assert found["cllr_min"]["low"] <= found["cllr_min"]["value"] <= found["cllr"]["value"]
    rows = found["scale"]["rows"]
    assert sum(row["real"] for row in rows) == (labels == 0).sum()
    assert sum(row["fake"] for row in rows) == (labels == 1).sum()
    assert [row["says"] for row in rows] == ["real"] * 6 + ["neither"] + ["fake"] * 6
    weak = next(row for row in rows if row["says"] == "fake" and row["low"] == 2)
    assert weak["fake"] == ((logits >= np.log(2)) & (logits < np.log(10)) & (labels == 1)).sum()
    json.dumps(found, allow_nan=False)


def test_weighed_classes_leave_the_odds_that_the_card_tells():
    card = toy_card()
    card.card.counts.update({"val.real": 900, "val.fake": 100})
    card.card.metrics[likelihood.PRIOR] = Metric(0.0, 1000, 0.0, 0.0)
    assert find_prior(card) == (
        0.0,
        "calibrated on 1,000 pictures, chosen or weighed to be at given odds, as the card says",
    )
    card.card.counts.update({"calibration.real": 300, "calibration.fake": 100})  # by the user's own, since
    assert find_prior(card)[0] == pytest.approx(np.log(1 / 3))


def test_every_budget_has_its_outcome(data, detector):
    with open_detector(detector) as opened:
        evaluation = evaluate(opened, data, split=None)
    told = evaluation.to_json()["outcomes"]
    assert [outcome["budget"] for outcome in told] == [0.05, 0.01]
    assert told[1]["table"] == evaluation.outcome.to_json()["table"]
    assert told[0]["thresholds"] == {"fake": 0.5, "real": -0.5}
