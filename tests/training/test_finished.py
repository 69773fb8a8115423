"""A run opened again: the same detector, and one in int8 where that is worth it."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from doctored.cli.main import main
from doctored.detector.card import Metric
from doctored.detector.session import Session
from doctored.errors import DataError, UsageError
from doctored.measure.calibrate import choose_calibration
from doctored.measure.likelihood import PRIOR
from doctored.measure.thresholds import operating_points
from doctored.training import RunResult, finished
from doctored.training.finished import export, export_int8, open_run
from doctored.training.publish import (
    Made,
    Trained,
    make_card,
    make_detector,
    measure,
)
from doctored.training.quantise import quantise
from doctored.training.rows import find_domain, find_rows


@pytest.fixture(scope="module")
def trained(finished: RunResult) -> Trained:
    return open_run(finished.folder)


@pytest.fixture(scope="module")
def made(trained: Trained) -> Made:
    """Exporting takes seconds; most of these tests are about what comes after."""
    return make_detector(trained, silent)


@pytest.fixture(scope="module")
def small(made: Made, trained: Trained) -> bytes:
    return quantise(made.file, trained.examples.pixels[trained.examples.train[:128]])


@pytest.fixture
def run(finished: RunResult, tmp_path: Path) -> Path:
    """A copy of the finished run that a test may change."""
    return Path(shutil.copytree(finished.folder, tmp_path / "toy"))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, made: Made, small: bytes) -> Callable[[float], None]:
    """Which speed is measured is not what these tests are about; the function decides it."""
    monkeypatch.setattr(finished, "make_detector", lambda *_: made)
    monkeypatch.setattr(finished, "quantise", lambda *_: small)

    def decide(speed: float) -> None:
        monkeypatch.setattr(finished, "race", lambda *_: Metric(speed, 11, 0.9 * speed, 1.1 * speed))

    decide(2.0)
    return decide


def silent(line: str) -> None:
    pass


def test_a_run_that_was_stopped_is_published_from_its_best_weights(run: Path) -> None:
    before = [json.loads((run / name).read_text()) for name in ("training_metrics.json", "model_card.json")]
    original = (run / "detector.onnx").read_bytes()
    for name in ("detector.onnx", "model_card.json", "training_metrics.json", "predictions.parquet"):
        (run / name).unlink()
    opened = open_run(run)
    assert export(run, opened, None, silent) == run / "detector.onnx"
    metrics, card = (
        json.loads((run / name).read_text()) for name in ("training_metrics.json", "model_card.json")
    )
    for name, told in before[0]["metrics"].items():
        assert metrics["metrics"][name] == pytest.approx(told), name
    assert (metrics["epochs"], card["name"]) == (3, "toy")
    assert card["card"]["command"].startswith("doctored train toy.zip --out runs/toy")
    assert [row["n"] for row in card["thresholds"]["fake"]] == [
        row["n"] for row in before[1]["thresholds"]["fake"]
    ]
    assert (run / "predictions.parquet").exists()
    pixels = opened.examples.pixels[:40]
    again = Session((run / "detector.onnx").read_bytes()).run(pixels)
    np.testing.assert_allclose(again.logit, Session(original).run(pixels).logit, atol=1e-5)


def test_pictures_that_were_moved_are_found_again_or_missed(run: Path, toy: Path, tmp_path: Path) -> None:
    from doctored.data.manifest import Manifest
    from doctored.data.toy import make_toy

    manifest = Manifest.from_parquet(run / "manifest.parquet")
    gone = manifest.with_columns(source=[str(tmp_path / "gone.zip")] * len(manifest))
    gone.to_parquet(run / "manifest.parquet")
    with pytest.raises(DataError):
        open_run(run)
    shutil.copy(toy, tmp_path / "moved.zip")
    assert len(open_run(run, data=tmp_path / "moved.zip").manifest) == len(manifest)
    with pytest.raises(DataError, match="lacks"):
        open_run(run, data=make_toy(tmp_path / "few.zip", n=20, archive="zip"))
    other = make_toy(tmp_path / "other.zip", n=240, seed=5, archive="zip")
    with pytest.raises(DataError, match="not those"):
        open_run(run, data=other)


def test_balance_weighs_the_classes_in_the_calibration_and_the_card_says_so(trained: Trained) -> None:
    fakes = np.flatnonzero(trained.examples.labels[trained.examples.val] == 1)
    rare = replace(trained.examples, val=np.delete(trained.examples.val, fakes[2:]))
    gone = find_rows(trained.manifest, trained.examples)["val"][fakes[2:]]
    kept = trained.manifest.select(np.delete(np.arange(len(trained.manifest)), gone))
    plain = replace(trained, examples=rare, manifest=kept)
    balanced = replace(plain, recipe=replace(trained.recipe, balance=True))
    weighed, counted = measure(balanced), measure(plain)
    raw, _ = plain.look(rare.val)
    labels = rare.labels[rare.val]
    for measured, balance in ((weighed, True), (counted, False)):
        seed = trained.recipe.seed
        assert measured.calibration == choose_calibration(raw, labels, seed=seed, balance=balance)
    assert weighed.affine != counted.affine
    card = make_card(balanced, weighed)
    assert card.card.metrics[PRIOR] == Metric(0.0, len(labels), 0.0, 0.0)
    assert "of which real and fake ones weigh the same in all" in card.card.text
    assert PRIOR not in make_card(plain, counted).card.metrics


def test_a_source_of_one_class_is_no_domain(trained: Trained) -> None:
    """It takes part neither in the calibration nor in the domain distance."""
    examples, manifest = trained.examples, trained.manifest
    rows = find_rows(manifest, examples)
    labels = manifest.column("label")
    reals = {part: [row for row in rows[part] if labels[row] == "real"] for part in ("train", "val", "held")}
    lone = {row for found in reals.values() for row in found[:6]}
    sources = ["thumbnails.zip" if row in lone else "toy.zip" for row in range(len(manifest))]
    other = replace(trained, manifest=manifest.with_columns(source=sources))
    within = find_domain(other.manifest, examples)
    measured, inside = measure(other), within["val"]
    raw, _ = trained.look(examples.val)
    truth = examples.labels[examples.val[inside]]
    assert measured.calibration == choose_calibration(raw[inside], truth, seed=trained.recipe.seed)
    _, seen = trained.look(examples.train[within["train"]])
    np.testing.assert_allclose(measured.neighbourhood.mean, seen.mean(0), atol=1e-5)
    _, buyers = trained.look(getattr(examples, examples.buying)[within[examples.buying]])
    distances = measured.neighbourhood.distance(buyers)
    assert measured.distance_limit == pytest.approx(np.percentile(distances, 99.5))
    card = make_card(other, measured)
    told, fakes = card.card.metrics[PRIOR], int(truth.sum())
    assert (told.value, told.n) == (pytest.approx(np.log(fakes / (len(truth) - fakes))), len(truth))
    left_out = len(inside) - len(truth)
    assert left_out
    assert f"the other {left_out} are of sources with one class alone" in card.card.text
    bought = card.thresholds["fake"][0]
    assert bought.n == len(reals["held"]) - 6
    expected = operating_points(*measured.buyers(examples), [bought.budget])["fake"][0]
    assert bought.logit == expected.logit


@pytest.mark.usefixtures("quick")
def test_what_is_no_run_is_refused(tmp_path: Path, run: Path, trained: Trained) -> None:
    with pytest.raises(UsageError, match="not a run"):
        open_run(tmp_path)
    with pytest.raises(UsageError, match="is a folder"):
        export(run, trained, tmp_path, silent)


@pytest.mark.usefixtures("quick")
def test_int8_carries_both_sides_in_its_card(run: Path, trained: Trained) -> None:
    out, comparison = export_int8(run, trained, None, silent)
    assert out == run / "detector.int8.onnx"
    session = Session(out.read_bytes())
    metrics = session.card.card.metrics
    assert session.card.name == "toy-int8"
    assert "int8" in session.card.card.text
    assert metrics["int8.val.accuracy"] == comparison.int8_accuracy == metrics["val.accuracy"]
    assert metrics["int8.val.accuracy_of_float"].n == len(trained.examples.val)
    assert metrics["int8.speed_one"] == Metric(2.0, 11, 1.8, 2.2)
    # thresholds and figures are those of what the file itself gives
    logits = session.run(trained.examples.pixels[trained.examples.val]).logit
    labels = trained.examples.labels[trained.examples.val]
    assert metrics["val.accuracy"].value == pytest.approx(float(((logits >= 0) == labels).mean()))


def test_the_command_tells_what_it_did(
    run: Path, tmp_path: Path, quick: Callable[[float], None], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(run), "--out", str(tmp_path / "one.onnx")]) == 0
    assert f"detector: {tmp_path / 'one.onnx'}" in capsys.readouterr().out
    assert main(["export", str(run), "--version", "1.1.0"]) == 0
    assert json.loads((run / "model_card.json").read_text())["version"] == "1.1.0"
    assert main(["export", str(run), "--version", "newest"]) == 2
    assert "three numbers" in capsys.readouterr().err
    assert main(["export", str(run), "--int8"]) == 0
    said = capsys.readouterr().out
    assert "times as fast" in said
    assert "accuracy on" in said
    assert (run / "detector.int8.onnx").exists()
    quick(1.05)
    assert main(["export", str(run), "--int8", "--out", str(tmp_path / "no.onnx")]) == 0
    said = capsys.readouterr().out
    assert said.startswith("int8 is not kept, nothing is written: it is not faster beyond doubt with one")
    assert not (tmp_path / "no.onnx").exists()
