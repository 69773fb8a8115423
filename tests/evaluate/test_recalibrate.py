"""After calibrating: probability = sigmoid(a · old logit + b), evidence pools to the logit, bounds hold."""

import hashlib
import json

import numpy as np
import onnx
import pytest
from scipy import special, stats

from doctored.data.manifest import Row, from_rows
from doctored.detector import hub, open_detector
from doctored.detector.card import Card
from doctored.errors import DetectorError, UsageError
from doctored.evaluate.folding import BEFORE, OFFSET, SLOPE, fold_calibration
from doctored.evaluate.recalibrate import recalibrate
from doctored.measure.calibrate import Affine
from doctored.picture import encode_png
from toy_detectors import build_toy_detector, toy_card, toy_file, toy_graph


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """650 pictures whose brightness says fake more weakly, and later, than the toy believes."""
    folder, draw, rows = tmp_path_factory.mktemp("own"), np.random.default_rng(3), []
    for index in range(650):
        is_fake = index % 2 == 1
        level = np.clip(draw.normal(150 if is_fake else 110, 14), 1, 254)
        pixels = np.clip(draw.normal(level, 8, (32, 32, 3)), 0, 255).astype(np.uint8)
        (folder / f"{index}.png").write_bytes(encode_png(pixels))
        rows.append(
            Row(str(index), source=str(folder), member=f"{index}.png", label="fake" if is_fake else "real")
        )
    return from_rows(rows)


def noise(count=12):
    draw = np.random.default_rng(0)
    levels = np.linspace(0.2, 1, count)[:, None, None, None]
    return (draw.integers(0, 256, (count, 32, 32, 3)) * levels).astype(np.uint8)


POOLS = [{"pool": "mean"}, {"pool": "smoothmax", "temperature": 0.7}, {"evidence": False}]


@pytest.mark.parametrize("kind", POOLS, ids=["mean", "smoothmax", "no map"])
def test_the_graph_gives_what_the_affine_map_says(tmp_path, own, kind):
    before = build_toy_detector(tmp_path / "toy.onnx", **kind)
    made = recalibrate(before, own, tmp_path / "new.onnx")
    slope, offset = made.calibration.affine
    with open_detector(before) as old, open_detector(tmp_path / "new.onnx") as new:
        was, now = old.run(noise()), new.run(noise())
        assert now.probability == pytest.approx(special.expit(slope * was.logit + offset), abs=1e-6)
        assert now.logit == pytest.approx(slope * was.logit + offset, abs=1e-5)
        if was.evidence is not None:
            assert now.evidence == pytest.approx(slope * was.evidence + offset, abs=1e-5)
            assert new.card.pool.apply(now.evidence) == pytest.approx(now.logit, abs=1e-5)
        assert (now.embedding == was.embedding).all()
        assert (now.distance == was.distance).all()
        assert new.is_foreign


def test_calibrating_again_folds_into_the_same_two_numbers(tmp_path, own):
    before = build_toy_detector(tmp_path / "toy.onnx")
    first = recalibrate(before, own, tmp_path / "first.onnx")
    second = recalibrate(tmp_path / "first.onnx", own, tmp_path / "second.onnx")
    graphs = [onnx.load(tmp_path / name).graph for name in ("first.onnx", "second.onnx")]
    assert len(graphs[0].node) == len(graphs[1].node)
    assert [entry.name for entry in graphs[1].initializer].count(SLOPE) == 1
    with open_detector(before) as old, open_detector(tmp_path / "second.onnx") as new:
        expected = old.run(noise()).logit
        for made in (first, second):
            expected = made.calibration.affine.slope * expected + made.calibration.affine.offset
        assert new.run(noise()).logit == pytest.approx(expected, abs=1e-4)
    assert second.card.name == "toy-calibrated"
    properties = {entry.key: entry.value for entry in onnx.load(tmp_path / "second.onnx").metadata_props}
    assert [card["name"] for card in json.loads(properties[BEFORE])] == ["toy", "toy-calibrated"]


def test_what_was_pulled_from_a_hub_is_calibrated_too(tmp_path, own, monkeypatch):
    file = build_toy_detector(tmp_path / "toy.onnx")
    pinned = hashlib.sha256(file.read_bytes()).hexdigest()
    monkeypatch.setattr(hub, "find_pulled", lambda name: (file, pinned))
    made = recalibrate("hf://ann/toy", own, tmp_path / "new.onnx")
    assert made.before == toy_card()


def test_both_cards_are_in_the_file_and_tell_what_was_done(tmp_path, own):
    made = recalibrate(build_toy_detector(tmp_path / "toy.onnx"), own, tmp_path / "new.onnx")
    properties = {entry.key: entry.value for entry in onnx.load(tmp_path / "new.onnx").metadata_props}
    assert Card.from_json(properties["doctored"]) == made.card
    (before,) = json.loads(properties[BEFORE])
    assert Card.from_json(json.dumps(before)) == toy_card() == made.before
    card = made.card
    assert (card.name, card.version) == ("toy-calibrated", f"1.0.0+{own.digest()[:8]}")
    assert card.card.counts["calibration.real"] == card.card.counts["calibration.fake"] == 325
    assert card.card.metrics["calibration.accuracy"].n == 650
    assert "toy 1.0.0" in card.card.text
    assert card.digest == made.before.digest


def test_thresholds_keep_their_budgets_and_the_rest_is_dropped_and_told(tmp_path, own):
    made = recalibrate(build_toy_detector(tmp_path / "toy.onnx"), own, tmp_path / "new.onnx")
    assert [threshold.budget for threshold in made.card.thresholds["fake"]] == [0.05, 0.01]
    assert (made.dropped, made.left) == ({0.001: 2995}, 325)
    with open_detector(tmp_path / "new.onnx") as new:
        from doctored.evaluate import evaluate

        outcome = evaluate(new, own, split=None, budget=0.05)
    reals = outcome.outcome.real_called_fake
    for threshold in made.card.thresholds["fake"]:
        assert threshold.bound <= threshold.budget
    wrong = round(reals.value * reals.n)
    bound = stats.binomtest(wrong, reals.n, alternative="less").proportion_ci(0.95, method="exact").high
    assert made.card.threshold("fake", 0.05).bound == pytest.approx(bound, abs=1e-9)


def test_calibration_gets_better(tmp_path, own):
    from doctored.evaluate import evaluate

    before = build_toy_detector(tmp_path / "toy.onnx")
    recalibrate(before, own, tmp_path / "new.onnx")
    losses = [evaluate(path, own, split=None).figures for path in (before, tmp_path / "new.onnx")]
    assert losses[1]["log_loss"].value < losses[0]["log_loss"].value
    assert losses[1]["roc_auc"].value == pytest.approx(losses[0]["roc_auc"].value, abs=1e-4)


def test_copies_count_once_and_what_is_outside_not_at_all(tmp_path, own):
    rows = list(own.rows())
    more = [Row(f"copy {row.id}", source=row.source, member=row.member, label=row.label) for row in rows[:10]]
    made = recalibrate(
        build_toy_detector(tmp_path / "toy.onnx", distance_limit=0.19),
        from_rows([*rows, *more]),
        tmp_path / "new.onnx",
    )
    assert made.copies in range(5, 11)
    assert made.outside > 0
    assert made.used + made.outside + made.copies == made.rows == 660


def test_what_cannot_be_calibrated_is_refused_in_one_line(tmp_path, own):
    toy = build_toy_detector(tmp_path / "toy.onnx")
    with pytest.raises(UsageError, match=r"59 real and 59 fake.*the rarer class has 50"):
        recalibrate(toy, own.select(np.arange(100)), tmp_path / "new.onnx")
    labels = ["real" if index % 4 < 2 else "fake" for index in range(650)]
    with pytest.raises(UsageError, match="does not tell these pictures apart"):
        recalibrate(toy, own.with_columns(label=labels), tmp_path / "new.onnx")
    with pytest.raises(UsageError, match="is there already"):
        recalibrate(toy, own, toy)
    with pytest.raises(UsageError, match="--name"):
        recalibrate(toy, own, tmp_path / "new.onnx", name="My Detector")
    assert not (tmp_path / "new.onnx").exists()


def test_names_in_the_way_are_refused():
    card = toy_card()
    graph = toy_graph(card)
    graph.node.append(onnx.helper.make_node("Identity", ["logit"], ["logit_before"]))
    with pytest.raises(DetectorError, match="'logit_before' already"):
        fold_calibration(toy_file(graph, card.to_json()), Affine(2, 1), card.to_json())


def test_a_value_read_inside_a_branch_is_renamed_there_too(tmp_path):
    """The probability is made in a branch that captures the logit from outside."""
    card = toy_card()
    graph = toy_graph(card)
    made = next(node for node in graph.node if "probability" in node.output)
    graph.node.remove(made)
    branch = onnx.helper.make_graph(
        [onnx.helper.make_node("Sigmoid", ["logit"], ["inner"])],
        "branch",
        [],
        [onnx.helper.make_tensor_value_info("inner", onnx.TensorProto.FLOAT, ["N"])],
    )
    graph.initializer.append(onnx.numpy_helper.from_array(np.array(True), "always"))
    graph.node.append(
        onnx.helper.make_node("If", ["always"], ["probability"], then_branch=branch, else_branch=branch)
    )
    (tmp_path / "toy.onnx").write_bytes(toy_file(graph, card.to_json()))
    text = toy_card(name="new").to_json()
    (tmp_path / "new.onnx").write_bytes(
        fold_calibration((tmp_path / "toy.onnx").read_bytes(), Affine(0.5, 1.0), text)
    )
    with open_detector(tmp_path / "toy.onnx") as old, open_detector(tmp_path / "new.onnx") as new:
        expected = special.expit(0.5 * old.run(noise()).logit + 1)
        assert new.run(noise()).probability == pytest.approx(expected, abs=1e-6)
    constants = {
        entry.name: onnx.numpy_helper.to_array(entry)
        for entry in onnx.load(tmp_path / "new.onnx").graph.initializer
    }
    assert (constants[SLOPE], constants[OFFSET]) == (0.5, 1.0)
