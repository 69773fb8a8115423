"""Trackers are told what the run's own files say, once, also by a run that was resumed."""

import importlib.util
import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from doctored.errors import MissingExtra, TrainingError, UsageError
from doctored.training import Recipe, publish, trackers, train
from doctored.training.loop import Hooks, Row
from doctored.training.trackers import Trackers, require_trackers
from small_training import SMALL, make_no_detector

QUICK = replace(SMALL, epochs=2)
needs_tensorboard = pytest.mark.skipif(
    importlib.util.find_spec("tensorboard") is None, reason="TensorBoard is not installed (extra 'track')"
)
needs_mlflow = pytest.mark.skipif(
    importlib.util.find_spec("mlflow") is None, reason="MLflow is not installed (extra 'track')"
)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "make_detector", make_no_detector)


class Stopped(Exception):
    pass


def stop(row: Row) -> None:
    raise Stopped


def interrupted_and_resumed(toy: Path, folder: Path, tracker: str) -> list[Row]:
    with pytest.raises(Stopped):
        train(toy, folder, QUICK, device="cpu", track=[tracker], hooks=Hooks(epoch=stop))
    return train(toy, folder, QUICK, device="cpu", track=[tracker]).history


@needs_tensorboard
def test_tensorboard_shows_every_epoch_once(toy: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = tmp_path / "run"
    history = interrupted_and_resumed(toy, folder, "tensorboard")
    assert len(list((folder / "tensorboard").iterdir())) == 2
    shown = EventAccumulator(str(folder / "tensorboard"))
    shown.Reload()
    for key in ("train_loss", "val_loss", "val_accuracy", "learning_rate"):
        points = [(event.step, event.value) for event in shown.Scalars(key)]
        assert points == [(row["epoch"], pytest.approx(row[key], rel=1e-6)) for row in history]
    metrics = json.loads((folder / "training_metrics.json").read_text())["metrics"]
    (final,) = shown.Scalars("detector/test.accuracy")
    assert final.value == pytest.approx(metrics["test.accuracy"]["value"])
    assert "recipe/text_summary" in shown.Tags()["tensors"]


@needs_mlflow
def test_mlflow_keeps_every_epoch_once_in_one_run(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "runs" / "mine"
    history = interrupted_and_resumed(toy, folder, "mlflow")
    assert {path.name for path in tmp_path.iterdir()} == {"runs"}
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {"mine", "mlflow.db"}
    kept = json.loads((folder / "mlflow.json").read_text())
    client = MlflowClient(tracking_uri=kept["store"])
    run = client.get_run(kept["run"])
    assert len(client.search_runs([run.info.experiment_id])) == 1
    assert (run.info.run_name, run.info.status) == ("mine", "FINISHED")
    assert run.data.params["batch_size"] == str(QUICK.batch_size)
    points = [(metric.step, metric.value) for metric in client.get_metric_history(kept["run"], "val_loss")]
    assert sorted(points) == [(row["epoch"], pytest.approx(row["val_loss"])) for row in history]
    metrics = json.loads((folder / "training_metrics.json").read_text())["metrics"]
    assert run.data.metrics["test.accuracy"] == pytest.approx(metrics["test.accuracy"]["value"])


class Recorder:
    """A tracker that keeps what it is told, and fails where it is asked to."""

    told: defaultdict[str, list[object]]

    def __init__(self, folder: Path, name: str, recipe: Recipe) -> None:
        self.fails = name == "fails"
        if name == "cannot":
            raise OSError("no such store")

    def start(self, history: list[Row]) -> None:
        self.told["start"].append(len(history))

    def epoch(self, row: Row) -> None:
        if self.fails:
            raise ConnectionError("the server\nis gone")
        self.told["epoch"].append(row["epoch"])

    def finish(self, figures: dict[str, float], epochs: int) -> None:
        self.told["finish"].append(figures)

    def abandon(self) -> None:
        self.told["abandon"].append(True)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> defaultdict[str, list[object]]:
    Recorder.told = defaultdict(list)
    monkeypatch.setitem(trackers.TRACKERS, "recorder", (("json",), Recorder))
    return Recorder.told


def test_a_tracker_that_fails_is_left_behind_and_the_run_goes_on(
    told: defaultdict[str, list[object]], tmp_path: Path
) -> None:
    notes: list[str] = []
    rows: list[Row] = []
    with Trackers(["recorder"], tmp_path, "fails", QUICK, notes.append) as followed:
        hooks = followed.joined(Hooks(epoch=rows.append))
        hooks.start([])
        for number in (1, 2):
            hooks.epoch({"epoch": number})
        followed.finish({"metrics": {}}, 2)
    assert [row["epoch"] for row in rows] == [1, 2]
    assert notes == [
        "warning: recorder fails (ConnectionError: the server is gone); the run goes on without it"
    ]
    assert told["finish"] == []


def test_a_run_that_stops_says_so(told: defaultdict[str, list[object]], tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), Trackers(["recorder"], tmp_path, "run", QUICK, print):
        raise KeyboardInterrupt
    assert told["abandon"] == [True]


def test_a_tracker_that_cannot_start_is_an_error(
    told: defaultdict[str, list[object]], tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match=r"recorder does not start.*leave out --track recorder"):
        Trackers(["recorder"], tmp_path, "cannot", QUICK, print)


def test_unknown_and_missing_trackers_are_refused_before_training(
    monkeypatch: pytest.MonkeyPatch, toy: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="tensorboard"):
        train(toy, tmp_path / "run", QUICK, track=["tensorbord"])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"doctored\[track\]"):
        require_trackers(["mlflow"])
