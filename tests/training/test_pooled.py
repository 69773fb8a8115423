"""Folds and seeds: nothing leaks between folds, every picture is tested once a seed, the table adds up."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as parquet
import pytest

from doctored.data.manifest import Manifest
from doctored.data.readers import read_dataset
from doctored.data.toy import make_toy
from doctored.errors import TrainingError, UsageError
from doctored.measure.metrics import roc_auc
from doctored.training import pooled, publish, train_folds
from doctored.training.loop import Hooks, Row
from doctored.training.precision import Way
from doctored.training.run import Plan
from small_training import SMALL, make_no_detector

QUICK = replace(SMALL, epochs=1)
FOLDS, SEEDS = 2, 2
RUNS = ["fold-1-seed-0", "fold-2-seed-0", "fold-1-seed-1", "fold-2-seed-1"]


@pytest.fixture(scope="module", autouse=True)
def _quick(doctored_home: Path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCTORED_HOME", str(doctored_home))
        patch.setattr(publish, "make_detector", make_no_detector)
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """No published split; the first ten fakes and the first ten reals are of one scene each."""
    folder = tmp_path_factory.mktemp("data")
    manifest = read_dataset(make_toy(folder / "toy.zip", n=128, archive="zip", layout="folders"))
    scenes: dict[str, int] = {"real": 0, "fake": 0}
    groups = []
    for label in manifest.column("label"):
        scenes[label] += 1
        groups.append(f"scene {label}" if scenes[label] <= 10 else None)
    manifest.with_columns(group=groups).to_parquet(folder / "toy.parquet")
    return folder / "toy.parquet"


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, data: Path) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("pool") / "pool"
    return folder, train_folds(data, folder, QUICK, folds=FOLDS, seeds=SEEDS, device="cpu")


def logits_of(folder: Path) -> dict[str, float]:
    rows = parquet.read_table(folder / "predictions.parquet").to_pylist()
    return {row["id"]: row["logit"] for row in rows if row["split"] == "test"}


def test_every_picture_is_tested_once_a_seed(done: tuple[Path, dict[str, Any]], data: Path) -> None:
    folder, table = done
    everything = sorted(read_dataset(data).column("id"))
    for seed in range(SEEDS):
        parts = [logits_of(folder / f"fold-{fold}-seed-{seed}") for fold in (1, 2)]
        assert sorted([*parts[0], *parts[1]]) == everything
    assert table["pictures"] == len(everything)
    assert table["units"] == len(everything) - 18


def test_groups_and_equal_pictures_never_part(done: tuple[Path, dict[str, Any]], data: Path) -> None:
    scenes = dict(zip(read_dataset(data).column("id"), read_dataset(data).column("group"), strict=True))
    for run in RUNS:
        manifest = Manifest.from_parquet(done[0] / run / "manifest.parquet")
        assert {"train", "val", "test"} == set(manifest.column("split"))
        by_scene: dict[str, set[str]] = {}
        for name, split in zip(manifest.column("id"), manifest.column("split"), strict=True):
            if scenes[name]:
                by_scene.setdefault(scenes[name], set()).add(split)
        assert all(len(splits) == 1 for splits in by_scene.values())


def test_seeds_share_folds_and_differ_in_weights(done: tuple[Path, dict[str, Any]]) -> None:
    first, second = (Plan.from_toml(done[0] / run / "config.toml") for run in (RUNS[0], RUNS[2]))
    assert first.digest == second.digest
    assert (first.recipe.seed, second.recipe.seed) == (0, 1)
    assert logits_of(done[0] / RUNS[0]) != logits_of(done[0] / RUNS[2])


def test_the_table_is_what_the_runs_say(done: tuple[Path, dict[str, Any]], data: Path) -> None:
    folder, table = done
    assert json.loads((folder / "pooled.json").read_text()) == table
    assert [run["folder"] for run in table["runs"]] == RUNS
    truth = dict(zip(read_dataset(data).column("id"), read_dataset(data).targets(), strict=True))
    accuracies, areas = [], []
    for seed in range(SEEDS):
        logits = logits_of(folder / f"fold-1-seed-{seed}") | logits_of(folder / f"fold-2-seed-{seed}")
        labels = np.array([truth[name] for name in logits])
        scores = np.array(list(logits.values()))
        accuracies.append(float(((scores >= 0) == labels).mean()))
        areas.append(roc_auc(labels, scores))
        assert table["by_seed"][seed]["accuracy"]["value"] == pytest.approx(accuracies[-1])
        assert table["by_seed"][seed]["roc_auc"]["value"] == pytest.approx(areas[-1])
    for key, values in (("accuracy", accuracies), ("roc_auc", areas)):
        assert table["pooled"][key]["value"] == pytest.approx(np.mean(values))
        assert table["pooled"][key]["n"] == len(truth)
        assert table["pooled"][key]["low"] <= np.mean(values) <= table["pooled"][key]["high"]
        assert table["spread"][key]["deviation"] == pytest.approx(np.std(values, ddof=1))


def test_what_is_done_is_kept_and_what_is_missing_is_made(
    done: tuple[Path, dict[str, Any]], data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, table = done
    trained: list[str] = []
    real = pooled.train_part
    monkeypatch.setattr(
        pooled, "train_part", lambda part, *rest: trained.append(part.name) or real(part, *rest)
    )
    before = (folder / RUNS[1] / "predictions.parquet").read_bytes()
    (folder / RUNS[1] / "detector.onnx").unlink()
    assert train_folds(data, folder, QUICK, folds=FOLDS, seeds=SEEDS, device="cpu") == table
    assert trained == [RUNS[1]]
    assert (folder / RUNS[1] / "predictions.parquet").read_bytes() == before
    with pytest.raises(UsageError, match="other settings"):
        train_folds(data, folder, replace(QUICK, dropout=0.1), folds=FOLDS, seeds=SEEDS, device="cpu")


def test_a_run_that_fails_takes_only_its_seed_with_it(
    done: tuple[Path, dict[str, Any]], data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, table = done

    def fail(*_: object) -> None:
        raise TrainingError("the loss is no longer a number")

    monkeypatch.setattr(pooled, "train_part", fail)
    hidden = [(folder / run / "detector.onnx") for run in RUNS]
    hidden[3].rename(hidden[3].with_suffix(".away"))
    notes: list[str] = []
    hooks = Hooks(note=notes.append)
    partial = train_folds(data, folder, QUICK, folds=FOLDS, seeds=SEEDS, device="cpu", hooks=hooks)
    assert partial["seeds"] == [0]
    assert partial["failed"] == {RUNS[3]: "the loss is no longer a number"}
    assert partial["by_seed"] == table["by_seed"][:1]
    assert partial["spread"]["accuracy"]["deviation"] is None
    assert any(f"{RUNS[3]} failed" in note for note in notes)
    hidden[1].rename(hidden[1].with_suffix(".away"))
    with pytest.raises(TrainingError, match="no seed has all its runs"):
        train_folds(data, folder, QUICK, folds=FOLDS, seeds=SEEDS, device="cpu")
    for file in (hidden[1], hidden[3]):
        file.with_suffix(".away").rename(file)


def test_a_published_test_split_takes_no_part_in_folds(toy: Path, tmp_path: Path) -> None:
    class Enough(Exception):
        pass

    def stop(row: Row) -> None:
        raise Enough

    with pytest.raises(Enough):
        train_folds(toy, tmp_path / "pool", QUICK, folds=3, device="cpu", hooks=Hooks(epoch=stop))
    splits = dict(zip(read_dataset(toy).column("id"), read_dataset(toy).column("split"), strict=True))
    used = Manifest.from_parquet(tmp_path / "pool" / "fold-1-seed-0" / "manifest.parquet").column("id")
    assert {splits[name] for name in used} == {"train"}
    assert set(used) == {name for name, split in splits.items() if split == "train"}


def test_seeds_without_folds_are_measured_on_the_test_split(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed = [(Way("fp32", channels_last=False), {"fp32 contiguous": 7.0})]
    monkeypatch.setattr("doctored.training.run.choose_way", lambda *asked: timed.pop())
    table = train_folds(toy, tmp_path / "pool", QUICK, seeds=2, device="cpu")
    plans = [Plan.from_toml(tmp_path / "pool" / seed / "config.toml") for seed in ("seed-0", "seed-1")]
    assert plans[0].way == plans[1].way  # it is timed once, for all
    assert not plans[1].way.channels_last
    assert plans[0].timings == plans[1].timings == {"fp32 contiguous": 7.0}
    assert [run["folder"] for run in table["runs"]] == ["seed-0", "seed-1"]
    assert (table["folds"], table["seeds"]) == (0, [0, 1])
    splits = dict(zip(read_dataset(toy).column("id"), read_dataset(toy).column("split"), strict=True))
    assert {splits[name] for name in logits_of(tmp_path / "pool" / "seed-0")} == {"test"}
    assert table["runs"][0]["accuracy"]["value"] == table["by_seed"][0]["accuracy"]["value"]


@pytest.mark.parametrize(
    ("settings", "says"),
    [({"folds": 1}, "2 or more"), ({"seeds": 0}, "at least one"), ({"folds": -2}, "2 or more")],
)
def test_pools_that_make_no_sense_are_refused(
    settings: dict[str, int], says: str, toy: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=says):
        train_folds(toy, tmp_path / "pool", QUICK, **settings)
    assert not (tmp_path / "pool").exists()


def test_more_folds_than_groups_are_refused(toy: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="fewer folds"):
        train_folds(toy, tmp_path / "pool", QUICK, folds=150, device="cpu")
