"""Where the figures of a run go besides its own files, if asked: TensorBoard, MLflow.

Both stay on this machine unless MLFLOW_TRACKING_URI names a server. What they are told again after a resumed
run replaces what they were told before. A tracker that fails is left behind; the training is not.
"""

import contextlib
import importlib.util
import json
import logging
import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Protocol

from doctored.errors import MissingExtra, TrainingError, UsageError
from doctored.spelling import suggest
from doctored.training.loop import Hooks, Row
from doctored.training.publish import write_json
from doctored.training.recipe import Recipe

EXPERIMENT = "doctored"


class Tracker(Protocol):
    def start(self, history: list[Row]) -> None:
        """The rows of epochs that an interrupted run has behind it; none where the run is new."""

    def epoch(self, row: Row) -> None: ...

    def finish(self, figures: Mapping[str, float], epochs: int) -> None:
        """The run is done; `figures` are those of its detector."""

    def abandon(self) -> None:
        """The run has stopped before its end; it may go on another day."""


class TensorBoard:
    """Event files under `tensorboard/` in the run's folder: `tensorboard --logdir runs` shows all runs."""

    def __init__(self, folder: Path, name: str, recipe: Recipe) -> None:
        self.folder, self.recipe = folder / "tensorboard", recipe

    def start(self, history: list[Row]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        # what an earlier process wrote from this step on is not shown any more
        self.writer = SummaryWriter(str(self.folder), purge_step=1 if history else None)
        if not history:
            recipe = "".join(f"    {line}\n" for line in self.recipe.to_toml().splitlines())
            self.writer.add_text("recipe", recipe, 0)
        for row in history:
            self.epoch(row)

    def epoch(self, row: Row) -> None:
        for key, value in numbers(row).items():
            self.writer.add_scalar(key, value, row["epoch"])
        self.writer.flush()

    def finish(self, figures: Mapping[str, float], epochs: int) -> None:
        for key, value in figures.items():
            self.writer.add_scalar(f"detector/{key}", value, epochs)
        self.writer.close()

    def abandon(self) -> None:
        self.writer.close()


class MLflow:
    """A run of the experiment `doctored`. Its id is kept in `mlflow.json`: a resumed run goes on there.

    Without MLFLOW_TRACKING_URI the store is one file beside the run's folder, `mlflow.db`.
    """

    def __init__(self, folder: Path, name: str, recipe: Recipe) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        from mlflow import MlflowClient
        from mlflow.entities import Metric, Param

        for library in ("mlflow", "alembic"):  # they tell of every table that they make
            logging.getLogger(library).setLevel(logging.WARNING)

        self.measured = Metric
        self.record = folder / "mlflow.json"
        known = json.loads(self.record.read_text(encoding="utf-8")) if self.record.exists() else {}
        local = f"sqlite:///{(folder.parent / 'mlflow.db').resolve().as_posix()}"
        store = known.get("store") or os.environ.get("MLFLOW_TRACKING_URI") or local
        self.client = MlflowClient(tracking_uri=store)
        if known:
            self.run = known["run"]
            return
        found = self.client.get_experiment_by_name(EXPERIMENT)
        experiment = found.experiment_id if found else self.client.create_experiment(EXPERIMENT)
        self.run = self.client.create_run(experiment, run_name=name).info.run_id
        settings = [Param(key, str(value)) for key, value in asdict(recipe).items()]
        self.client.log_batch(self.run, params=settings)
        write_json(self.record, {"store": store, "run": self.run})

    def start(self, history: list[Row]) -> None:
        self.client.update_run(self.run, status="RUNNING")
        told = {metric.step for metric in self.client.get_metric_history(self.run, "val_loss")}
        for row in history:
            if row["epoch"] not in told:
                self.epoch(row)

    def epoch(self, row: Row) -> None:
        self.tell(numbers(row), row["epoch"])

    def tell(self, figures: Mapping[str, float], step: int) -> None:
        now_ms = round(time.time() * 1000)
        metrics = [self.measured(key, value, now_ms, step) for key, value in figures.items()]
        self.client.log_batch(self.run, metrics=metrics)

    def finish(self, figures: Mapping[str, float], epochs: int) -> None:
        self.tell(figures, epochs)
        self.client.set_terminated(self.run, "FINISHED")

    def abandon(self) -> None:
        self.client.set_terminated(self.run, "KILLED")


Make = Callable[[Path, str, Recipe], Tracker]
TRACKERS: dict[str, tuple[tuple[str, ...], Make]] = {  # the packages that each needs, and what makes it
    "tensorboard": (("tensorboard",), TensorBoard),
    "mlflow": (("mlflow", "sqlalchemy", "alembic"), MLflow),
}


def require_trackers(names: Sequence[str]) -> None:
    """Raise UsageError for a name that there is not, MissingExtra where its package is not installed."""
    for name in names:
        if name not in TRACKERS:
            raise UsageError(f"no tracker is called {name!r}: {suggest(name, TRACKERS)}")
        if any(importlib.util.find_spec(package) is None for package in TRACKERS[name][0]):
            raise MissingExtra("track", f"--track {name}")


class Trackers:
    """All trackers of a run. Raises TrainingError where one cannot be started."""

    def __init__(
        self, names: Sequence[str], folder: Path, name: str, recipe: Recipe, note: Callable[[str], None]
    ) -> None:
        self.note = note
        self.followed: dict[str, Tracker] = {}
        for tracker in dict.fromkeys(names):
            try:
                with quiet():
                    self.followed[tracker] = TRACKERS[tracker][1](folder, name, recipe)
            except Exception as error:  # a foreign library and its store: any kind of failure
                raise TrainingError(
                    f"{tracker} does not start ({describe(error)}); mend it, or leave out --track {tracker}"
                ) from error

    def __enter__(self) -> "Trackers":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.tell_all(lambda tracker: tracker.abandon())

    def joined(self, hooks: Hooks) -> Hooks:
        """Hooks that tell the trackers, too."""

        def start(history: list[Row]) -> None:
            self.tell_all(lambda tracker: tracker.start(history))
            hooks.start(history)

        def epoch(row: Row) -> None:
            self.tell_all(lambda tracker: tracker.epoch(row))
            hooks.epoch(row)

        return replace(hooks, start=start, epoch=epoch)

    def finish(self, metrics: Mapping[str, Any], epochs: int) -> None:
        """`metrics` as in `training_metrics.json`."""
        figures = {key: float(metric["value"]) for key, metric in metrics["metrics"].items()}
        self.tell_all(lambda tracker: tracker.finish(figures, epochs))

    def tell_all(self, tell: Callable[[Tracker], None]) -> None:
        for name, tracker in list(self.followed.items()):
            try:
                with quiet():
                    tell(tracker)
            except Exception as error:  # as above, and hours of training must not be lost to it
                del self.followed[name]
                self.note(f"warning: {name} fails ({describe(error)}); the run goes on without it")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """What these libraries deprecate in one another is not news to the person who trains."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def numbers(row: Row) -> dict[str, float]:
    """What of an epoch's row is measured."""
    return {key: float(value) for key, value in row.items() if key != "epoch" and value is not None}


def describe(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(": ")[:200]
