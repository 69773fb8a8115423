"""A whole run on toy pictures: its files, its resumption, its refusals."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import small_training
from doctored.data.manifest import Manifest
from doctored.detector.card import Card
from doctored.detector.detector import open_detector
from doctored.errors import DataError, UsageError
from doctored.training import Recipe, RunResult, publish, train
from doctored.training.batches import Examples
from doctored.training.loop import Hooks
from doctored.training.material import record_audit
from doctored.training.precision import Way
from doctored.training.run import Plan, ask, describe_command, open_teachers
from small_training import SMALL, make_no_detector

FILES = {
    "audit.json",
    "config.toml",
    "manifest.parquet",
    "split.json",
    "metrics.jsonl",
    "checkpoints",
    "detector.onnx",
    "training_metrics.json",
    "model_card.json",
    "predictions.parquet",
}


def test_folder_holds_every_artefact_and_no_leavings(finished: RunResult) -> None:
    assert {path.name for path in finished.folder.iterdir()} == FILES
    rows = [json.loads(line) for line in (finished.folder / "metrics.jsonl").read_text().splitlines()]
    assert rows == finished.history
    assert [row["epoch"] for row in rows] == [1, 2, 3]


def audit_planted(folder: Path, plant: str) -> list[str]:
    """What a run notes of data with this fault, which the audit calls broken."""
    from benchmarks.audit_planted import write_planted
    from doctored.data.readers import read_dataset

    data = read_dataset(write_planted(folder / "broken.zip", plant, 1, 240))
    notes: list[str] = []
    record_audit(folder / "run", data, Hooks(note=notes.append))
    assert json.loads((folder / "run" / "audit.json").read_text())["verdict"]["state"] == "broken"
    return notes


def test_a_run_on_broken_data_is_warned_of(tmp_path: Path) -> None:
    notes = audit_planted(tmp_path, "quality")
    assert any("warning: this data is broken" in note and "quantisation tables" in note for note in notes)


def test_names_that_tell_the_classes_apart_are_no_reason_to_doubt_a_network(tmp_path: Path) -> None:
    notes = audit_planted(tmp_path, "name")
    assert any("does not see: " in note and "file name" in note for note in notes)
    assert not any("warning" in note for note in notes)


def test_card_says_what_was_done(finished: RunResult) -> None:
    card = Card.from_json((finished.folder / "model_card.json").read_text())
    assert card.name == "toy"
    assert card.asks.value == "generated"
    assert (card.domain.min_side, card.domain.max_side) == (32, 32)
    assert card.card.command.startswith("doctored train toy.zip --out runs/toy")
    assert "/" not in card.card.data
    parts = ("train", "val", "held", "test")
    assert {f"{part}.{label}" for part in parts for label in ("real", "fake")} == set(card.card.counts)
    for side in ("fake", "real"):
        assert [threshold.budget for threshold in card.thresholds[side]] == [0.05, 0.01]
    metric = card.card.metrics["test.accuracy"]
    assert metric.n == card.card.counts["test.real"] + card.card.counts["test.fake"]


def test_detector_gives_the_predictions_of_the_run(finished: RunResult, toy: Path) -> None:
    import pyarrow.parquet as parquet

    from doctored.data.members import MemberStore

    table = parquet.read_table(finished.folder / "predictions.parquet").to_pylist()
    manifest = {
        row["id"]: row for row in parquet.read_table(finished.folder / "manifest.parquet").to_pylist()
    }
    with MemberStore(toy) as store, open_detector(finished.detector) as detector:
        for row in table[:12]:
            outputs = detector.run(decode_one(store.read(manifest[row["id"]]["member"])))
            assert outputs.logit[0] == pytest.approx(row["logit"], abs=1e-3)
            assert outputs.probability[0] == pytest.approx(row["probability"], abs=1e-4)


def decode_one(data: bytes) -> np.ndarray:
    from doctored.picture import decode

    return decode(data).pixels[np.newaxis]


def test_no_row_is_in_two_splits_and_test_is_not_trained_on(finished: RunResult) -> None:
    import pyarrow.parquet as parquet

    rows = parquet.read_table(finished.folder / "manifest.parquet").to_pylist()
    by_pixels: dict[str, set[str]] = {}
    for row in rows:
        by_pixels.setdefault(row["pixels_sha256"], set()).add(row["split"])
    assert all(len(splits) == 1 for splits in by_pixels.values())


def test_the_same_run_again_is_the_same_bit_for_bit(
    finished: RunResult, start: Callable[[str], RunResult]
) -> None:
    again = start("toy")
    assert weights(again.folder) == weights(finished.folder)
    assert without_speed(again.history) == without_speed(finished.history)
    assert again.detector.read_bytes() == finished.detector.read_bytes()


def test_resume_after_kill_gives_what_no_kill_would_have(
    finished: RunResult, toy: Path, tmp_path: Path
) -> None:
    """kill -9 after the first epoch is on disk; the same call then finishes the run."""
    folder = tmp_path / "toy"
    words = [sys.executable, small_training.__file__, str(toy), str(folder)]
    child = subprocess.Popen(words, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    deadline = time.monotonic() + 120
    while not (folder / "metrics.jsonl").exists() and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert not (folder / "detector.onnx").exists()
    resumed = train(toy, folder, SMALL, device="cpu")
    assert weights(folder) == weights(finished.folder)
    assert without_speed(resumed.history) == without_speed(finished.history)
    assert resumed.detector.read_bytes() == finished.detector.read_bytes()


def weights(folder: Path) -> dict[str, bytes]:
    state = torch.load(folder / "checkpoints" / "best.pt", weights_only=True)["network"]
    return {name: value.numpy().tobytes() for name, value in state.items()}


def without_speed(history: list[dict[str, object]]) -> list[dict[str, object]]:
    return [{key: value for key, value in row.items() if key != "pictures_per_second"} for row in history]


def test_finished_run_is_not_overwritten(finished: RunResult, toy: Path) -> None:
    with pytest.raises(UsageError, match="finished run"):
        train(toy, finished.folder, Recipe())


def test_other_settings_do_not_resume(
    finished: RunResult, toy: Path, tmp_path: Path, small_recipe: Recipe
) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "config.toml").write_bytes((finished.folder / "config.toml").read_bytes())
    with pytest.raises(UsageError, match="other settings"):
        train(toy, folder, replace(small_recipe, epochs=4), device="cpu")


def test_plan_round_trip(finished: RunResult) -> None:
    plan = Plan.from_toml(finished.folder / "config.toml")
    assert Plan.from_toml(rewritten(plan, finished.folder.parent / "config.toml")) == plan


def rewritten(plan: Plan, path: Path) -> Path:
    path.write_text(plan.to_toml())
    return path


def test_weights_of_another_run_can_be_started_from(
    finished: RunResult, toy: Path, tmp_path: Path, small_recipe: Recipe
) -> None:
    tuned = train(
        toy, tmp_path / "tuned", replace(small_recipe, epochs=1), device="cpu", init_from=finished.folder
    )
    assert tuned.history[0]["val_loss"] < finished.history[0]["val_loss"]
    card = Card.from_json((tuned.folder / "model_card.json").read_text())
    assert f"--init-from runs/{finished.folder.name} " in card.card.command


@pytest.mark.usefixtures("without_detector")
def test_what_a_teacher_has_learnt_from_is_not_tested_on(
    finished: RunResult, toy: Path, tmp_path: Path
) -> None:
    taught = replace(SMALL, epochs=1, seed=SMALL.seed + 1, teacher=str(finished.folder))
    result = train(toy, tmp_path / "taught", taught, device="cpu")
    before, after = (Manifest.from_parquet(run.folder / "manifest.parquet") for run in (finished, result))
    assert before.column("split") == after.column("split")
    alone = train(toy, tmp_path / "alone", replace(taught, teacher=""), device="cpu")
    drawn = Manifest.from_parquet(alone.folder / "manifest.parquet")
    assert before.column("split") != drawn.column("split")


def test_teachers_say_of_training_pictures_what_they_say_of_any(finished: RunResult) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, SMALL.size, SMALL.size, 3), np.uint8)
    none, train_rows = np.zeros(0, np.int64), np.arange(0, 40, 3)
    examples = Examples(pixels, np.zeros(40, np.uint8), train_rows, none, none)
    one, other = open_teachers(replace(SMALL, teacher=f"{finished.folder}, {finished.folder}"))
    torch.nn.init.normal_(other.head.weight)
    with torch.no_grad():
        logits = [
            teacher(teacher.normalise(torch.from_numpy(pixels[train_rows]))).logit for teacher in (one, other)
        ]
    assert not torch.allclose(*logits, atol=0.1)
    for teachers, said in (([one], logits[0]), ([one, other], sum(logits) / 2)):
        taught = ask(teachers, examples, Way(), torch.device("cpu"), Hooks()).taught
        np.testing.assert_allclose(taught[train_rows], said.sigmoid(), rtol=1e-5)
        assert np.isnan(np.delete(taught, train_rows)).all()


def test_a_teacher_of_another_size_is_refused(finished: RunResult) -> None:
    with pytest.raises(UsageError, match=f"{SMALL.size} pixels a side, not at {SMALL.size + 8}"):
        open_teachers(replace(SMALL, size=SMALL.size + 8, teacher=str(finished.folder)))


def test_missing_data_and_devices_are_refused(toy: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError):
        train(tmp_path / "nothing", tmp_path / "run")
    with pytest.raises(UsageError, match="auto or cpu"):
        train(toy, tmp_path / "run", device="abacus")


def test_command_names_no_folder_and_every_changed_setting() -> None:
    command = describe_command("set.zip", "run", "fine", Recipe(epochs=5, teacher="elsewhere/one,../two"))
    assert command == (
        "doctored train set.zip --out runs/run --name fine --set epochs=5 --set teacher=runs/one,runs/two"
    )


def test_the_settings_of_a_command_are_read_back_as_they_were() -> None:
    recipe = Recipe(flip=False, balance=True, average=0.5, network="residual", limit=10)
    words = describe_command("set.zip", "run", "run", recipe).split()
    settings = [words[place + 1].split("=") for place, word in enumerate(words) if word == "--set"]
    assert Recipe.from_settings(dict(settings)) == recipe


def test_a_name_that_no_card_takes_is_refused_before_training(toy: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--name"):
        train(toy, tmp_path / "My Run")


def test_card_tells_what_each_threshold_costs_on_the_test_split(finished: RunResult) -> None:
    import pyarrow.parquet as parquet

    card = Card.from_json((finished.folder / "model_card.json").read_text())
    rows = [
        row
        for row in parquet.read_table(finished.folder / "predictions.parquet").to_pylist()
        if row["split"] == "test"
    ]
    for point in card.thresholds["fake"]:
        real = [row["logit"] for row in rows if row["label"] == "real"]
        metric = card.card.metrics[f"test.real_called_fake_at_{point.budget:g}"]
        assert metric.value == pytest.approx(sum(logit >= point.logit for logit in real) / len(real))
        assert metric.n == len(real)


class Stopped(Exception):
    pass


def stop_after(epochs: int) -> Hooks:
    """Hooks that leave a run as a kill would, once that many epochs are on disk."""

    def stop(row: dict[str, object]) -> None:
        if row["epoch"] == epochs:
            raise Stopped

    return Hooks(epoch=stop)


@pytest.fixture
def without_detector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "make_detector", make_no_detector)


@pytest.mark.usefixtures("without_detector")
def test_with_everything_on_a_resumed_run_is_the_same_bit_for_bit(
    finished: RunResult, toy: Path, tmp_path: Path
) -> None:
    everything = replace(
        SMALL,
        teacher=str(finished.folder),
        deliver=0.5,
        cutmix=0.4,
        mixup=0.3,
        balance=True,
        clip_norm=0.5,
        dropout=0.1,
        symmetric=True,
        schedule="linear",
    )
    whole = train(toy, tmp_path / "whole" / "run", everything, device="cpu")
    with pytest.raises(Stopped):
        train(toy, tmp_path / "killed" / "run", everything, device="cpu", hooks=stop_after(1))
    resumed = train(toy, tmp_path / "killed" / "run", everything, device="cpu")
    assert weights(resumed.folder) == weights(whole.folder)
    assert without_speed(resumed.history) == without_speed(whole.history)
    assert weights(whole.folder) != weights(finished.folder)
    assert all(row["val_accuracy"] is not None for row in whole.history)
    plain = train(toy, tmp_path / "plain", replace(everything, teacher=""), device="cpu")
    assert plain.history[0]["train_loss"] != whole.history[0]["train_loss"]


@pytest.mark.usefixtures("without_detector")
def test_a_run_stops_when_nothing_gets_better(toy: Path, tmp_path: Path) -> None:
    restless = replace(SMALL, epochs=40, patience=1, schedule="constant", learning_rate=0.05)
    history = train(toy, tmp_path / "run", restless, device="cpu").history
    losses = [row["val_loss"] for row in history]
    assert len(losses) < 40
    assert losses.index(min(losses)) == len(losses) - 2


@pytest.mark.usefixtures("without_detector")
def test_a_limited_run_learns_from_no_more_and_says_so(toy: Path, tmp_path: Path) -> None:
    result = train(toy, tmp_path / "run", replace(SMALL, epochs=1, limit=80), device="cpu")
    counts = Card.from_json((result.folder / "model_card.json").read_text()).card.counts
    learnt = {
        label: sum(counts[f"{part}.{label}"] for part in ("train", "val", "held"))
        for label in ("real", "fake")
    }
    assert learnt == {"real": 40, "fake": 40}
    assert counts["test.real"] + counts["test.fake"] == 40
    split = json.loads((result.folder / "split.json").read_text())
    assert (split["limit"], split["left_out"], split["rows"]) == (80, 120, 120)


def test_thresholds_are_bought_on_pictures_that_chose_nothing(finished: RunResult) -> None:
    """The bound of each threshold is that of the held rows; val and held are the split, and share no unit."""
    import pyarrow.parquet as parquet
    from scipy import stats

    card = Card.from_json((finished.folder / "model_card.json").read_text())
    rows = parquet.read_table(finished.folder / "predictions.parquet").to_pylist()
    parts = {part: [row for row in rows if row["part"] == part] for part in ("val", "held")}
    assert all(row["split"] == "val" for part in parts.values() for row in part)
    assert len(parts["held"]) == pytest.approx(0.7 * sum(map(len, parts.values())), abs=4)
    reals = np.array([row["logit"] for row in parts["held"] if row["label"] == "real"])
    for point in card.thresholds["fake"]:
        wrong = int((reals >= point.logit).sum())
        bound = (
            stats.binomtest(wrong, len(reals), alternative="less").proportion_ci(0.95, method="exact").high
        )
        assert point.n == len(reals) == card.card.counts["held.real"]
        assert point.bound == pytest.approx(bound, abs=1e-9)
    assert "No threshold for a budget of 0.1%: it takes 2,995" in card.card.text
    metrics = json.loads((finished.folder / "training_metrics.json").read_text())
    assert metrics["calibration"]["kind"] in ("temperature", "platt")
    assert f"Calibrated by {metrics['calibration']['kind']} scaling on {len(parts['val'])} " in card.card.text
    held = np.array([row["logit"] for row in parts["held"]])
    cut = card.card.metrics["confidence_at_coverage_0.95"]
    assert (np.abs(held) >= cut.value).mean() >= 0.95
    assert json.loads((finished.folder / "split.json").read_text())["buying_share"] == 0.7


def test_predictions_tell_every_row_of_val_by_its_own_label(finished: RunResult) -> None:
    import pyarrow.parquet as parquet

    manifest = parquet.read_table(finished.folder / "manifest.parquet").to_pylist()
    labels = {row["id"]: row["label"] for row in manifest if row["split"] in ("val", "test")}
    rows = parquet.read_table(finished.folder / "predictions.parquet").to_pylist()
    assert {row["id"]: row["label"] for row in rows} == labels
    assert len(rows) == len(labels)
