import csv
import json

import numpy as np
import pytest
from sklearn import metrics as oracle

from doctored.data.manifest import Row, from_rows
from doctored.data.members import MemberStore
from doctored.data.pack import pack
from doctored.data.readers import read_dataset
from doctored.data.toy import make_toy
from doctored.detector import open_detector
from doctored.errors import DataError, UsageError
from doctored.evaluate import evaluate
from doctored.measure.summary import summarise
from doctored.picture import Preprocess, decode, encode_png
from doctored.records import Label
from toy_detectors import build_toy_detector, toy_outputs


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    with open_detector(build_toy_detector(tmp_path_factory.mktemp("toy") / "toy.onnx")) as opened:
        yield opened


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_toy(tmp_path_factory.mktemp("data") / "toy.zip", n=120, archive="zip")


def expected_logits(manifest):
    """The toy's own mathematics on the pictures of a manifest, in numpy."""
    with MemberStore(manifest.row(0).source) as store:
        pixels = [decode(store.read(row.member)).pixels for row in manifest.rows()]
    return toy_outputs(np.stack(pixels))["logit"]


def test_the_figures_are_those_of_the_detectors_mathematics(detector, data):
    evaluation = evaluate(detector, data)
    manifest = read_dataset(data)
    manifest = manifest.select(np.array(manifest.column("split")) == "test")
    labels, logits = manifest.targets(), expected_logits(manifest)
    assert evaluation.judgements.logits == pytest.approx(logits, abs=1e-4)
    assert evaluation.counts == {
        "rows": 20, "scored": 20, "undecodable": 0, "outside_size": 0, "outside_distance": 0,
    }  # fmt: skip
    assert evaluation.figures["accuracy"].value == oracle.accuracy_score(labels, logits >= 0)
    assert evaluation.figures["roc_auc"].value == pytest.approx(oracle.roc_auc_score(labels, logits))
    cells = evaluation.confusion
    assert [[cells.true_real, cells.false_fake], [cells.false_real, cells.true_fake]] == (
        oracle.confusion_matrix(labels, logits >= 0).tolist()
    )
    assert evaluation.digest == manifest.digest()
    assert (evaluation.data, evaluation.split) == ("toy.zip", "test")


def test_the_three_way_outcome_is_cut_at_the_thresholds(detector, data):
    evaluation = evaluate(detector, data, split=None)
    logits, labels = evaluation.judgements.logits, evaluation.judgements.labels
    table = evaluation.outcome.table
    for truth, number in ((Label.REAL, 0), (Label.FAKE, 1)):
        own = logits[labels == number]
        assert table[truth] == {
            Label.FAKE: (own >= 1).sum(), Label.REAL: (own <= -1).sum(), Label.UNSURE: (abs(own) < 1).sum(),
        }  # fmt: skip
    decided = abs(logits) >= 1
    wrong = decided & ((logits > 0) != labels)
    assert evaluation.outcome.unsure.value == pytest.approx((~decided).mean())
    assert evaluation.outcome.error.value == pytest.approx(wrong.sum() / decided.sum())
    assert evaluation.outcome.error.n == decided.sum()
    assert evaluation.split is None
    assert evaluate(detector, data, split=None, budget=0.05).outcome.unsure.value < (~decided).mean()


def test_path_manifest_pack_and_its_folder_agree(detector, data, tmp_path):
    manifest = read_dataset(data)
    packed = pack(manifest, Preprocess.exact(32), tmp_path / "pack", workers=1)
    first, *others = [evaluate(detector, given) for given in (data, manifest, packed, tmp_path / "pack")]
    for other in others:
        assert (other.judgements.logits == first.judgements.logits).all()
        assert other.figures == first.figures
    assert others[-1].counts == first.counts | {"broken_in_pack": 0}


def test_a_pack_made_for_another_preprocess_is_refused(detector, data, tmp_path):
    packed = pack(read_dataset(data), Preprocess.center(32), tmp_path / "pack", workers=1)
    with pytest.raises(UsageError, match="pack it again"):
        evaluate(detector, packed)


@pytest.fixture
def troubled(tmp_path):
    """One picture of each kind of trouble, and two good ones."""
    grey = np.full((32, 32, 3), 140, np.uint8)
    members = {
        "good.png": encode_png(grey),
        "dark.png": encode_png(grey // 4),
        "broken.png": encode_png(grey)[:60],
        "large.png": encode_png(np.zeros((40, 40, 3), np.uint8)),
        "far.png": encode_png(np.full((32, 32, 3), 255, np.uint8)),
    }
    for name, file in members.items():
        (tmp_path / name).write_bytes(file)
    rows = [
        Row(name, source=str(tmp_path), member=name, label="fake" if index % 2 else "real", split="test")
        for index, name in enumerate([*members, "missing.png"])
    ]
    return from_rows(rows)


def test_what_cannot_be_judged_is_counted_and_named(troubled, tmp_path):
    detector = build_toy_detector(tmp_path / "near.onnx", distance_limit=0.8)
    evaluation = evaluate(detector, troubled)
    assert evaluation.counts == {
        "rows": 6, "scored": 3, "undecodable": 2, "outside_size": 1, "outside_distance": 1,
    }  # fmt: skip
    assert evaluation.judgements.problems == (
        "", "", "undecodable", "outside_size", "outside_distance", "undecodable",
    )  # fmt: skip
    assert evaluation.figures["accuracy"].n == 3
    assert sum(sum(row.values()) for row in evaluation.outcome.table.values()) == 3
    # far.png is bright and would be called fake, were it inside the domain
    assert evaluation.outcome.table[Label.REAL][Label.FAKE] == 0
    assert "40×40" in evaluation.judgements.messages[3]


def test_a_crop_is_judged_alone(detector, tmp_path):
    pixels = np.zeros((32, 80, 3), np.uint8)
    pixels[:, 48:] = 255
    (tmp_path / "wide.png").write_bytes(encode_png(pixels))
    boxes = {"dark": (0, 0, 32, 32), "bright": (48, 0, 32, 32), "outside": (60, 0, 32, 32)}
    rows = [
        Row(name, source=str(tmp_path), member="wide.png", box=box, label="real")
        for name, box in boxes.items()
    ]
    judgements = evaluate(detector, from_rows(rows)).judgements
    assert judgements.logits[:2] == pytest.approx([-4, 4], abs=1e-5)
    assert judgements.problems == ("", "", "undecodable")


def test_one_class_gives_no_auc_and_no_crash(detector, data, tmp_path):
    manifest = read_dataset(data)
    only_fake = manifest.select(np.array(manifest.column("label")) == "fake")
    evaluation = evaluate(detector, only_fake, out=tmp_path / "out")
    assert evaluation.figures["roc_auc"].value is None
    assert (
        json.loads((tmp_path / "out/evaluation.json").read_text("utf-8"))["figures"]["roc_auc"]["low"] is None
    )


def test_the_files_tell_the_same_story(detector, data, tmp_path):
    from pyarrow import parquet

    evaluation = evaluate(detector, data, out=tmp_path)
    told = json.loads((tmp_path / "evaluation.json").read_text("utf-8"))
    assert told["figures"]["accuracy"]["value"] == evaluation.figures["accuracy"].value
    assert told["detector"]["sha256"] == detector.sha256
    table = parquet.read_table(tmp_path / "predictions.parquet").to_pydict()
    labels = [name == "fake" for name in table["label"]]
    again = summarise(labels, table["logit"])
    assert again == evaluation.figures
    assert table["probability"] == pytest.approx(1 / (1 + np.exp(-np.array(table["logit"]))))
    assert table["answer"].count("unsure") == told["outcome"]["unsure"]["value"] * len(labels)
    assert "fake\trecall" in (tmp_path / "classification_report.tsv").read_text("utf-8")


def test_without_pyarrow_the_predictions_are_csv(troubled, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    detector = build_toy_detector(tmp_path / "toy.onnx")
    evaluate(detector, troubled, out=tmp_path / "out")
    with (tmp_path / "out/predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == list(troubled.column("id"))
    assert rows[2]["problem"] == "undecodable"
    assert rows[2]["logit"] == ""
    assert not (tmp_path / "out/predictions.parquet").exists()


def test_a_split_that_is_not_there_is_told(detector, data):
    with pytest.raises(DataError, match="no split 'valid': choose one of test, train"):
        evaluate(detector, data, split="valid")


def test_a_set_without_splits_is_taken_whole(detector, tmp_path):
    folder = make_toy(tmp_path / "set", n=8, layout="folders")
    evaluation = evaluate(detector, folder)
    assert (evaluation.split, evaluation.counts["rows"]) == (None, 8)


def test_rows_without_label_cannot_be_evaluated(detector, tmp_path):
    with pytest.raises(DataError, match="has no label"):
        evaluate(detector, from_rows([Row("a", source=str(tmp_path), member="a.png")]))


def test_a_budget_without_threshold_is_told_before_the_work(detector, data):
    seen = []
    with pytest.raises(UsageError, match="choose one of"):
        evaluate(detector, data, budget=0.2, progress=lambda done, total: seen.append(done))
    assert seen == []


def test_progress_ends_with_all_rows(detector, data):
    seen = []
    evaluate(detector, data, progress=lambda done, total: seen.append((done, total)))
    assert (seen[0], seen[-1]) == ((0, 20), (20, 20))
