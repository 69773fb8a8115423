"""Which runs a run starts from, and where they had their pictures."""

from dataclasses import replace
from pathlib import Path

import pytest

from doctored.data.manifest import Manifest
from doctored.errors import UsageError
from doctored.training import RunResult, train_folds
from doctored.training.ancestry import find_ancestors, find_earlier_splits
from doctored.training.recipe import Recipe
from small_training import SMALL


def make_run(folder: Path, splits: dict[str, str]) -> Path:
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "checkpoints" / "best.pt").touch()
    digests = list(splits)
    columns = {"id": digests, "pixels_sha256": digests, "split": list(splits.values())}
    Manifest({**columns, "label": ["real"] * len(digests)}).to_parquet(folder / "manifest.parquet")
    return folder


def test_runs_are_found_by_folder_and_by_checkpoint_each_once(tmp_path: Path) -> None:
    one, other = (make_run(tmp_path / name, {"a": "train"}) for name in ("one", "other"))
    recipe = Recipe(teacher=str(other), encoder="hf/somebody/something")
    assert find_ancestors(recipe, one / "checkpoints" / "best.pt") == [one, other]
    assert find_ancestors(recipe, other) == [other]
    assert find_ancestors(Recipe(teacher=f"{other},{one}"), None) == [other, one]


def test_weights_from_elsewhere_are_no_run(tmp_path: Path) -> None:
    (tmp_path / "weights.pt").touch()
    assert find_ancestors(Recipe(), tmp_path / "weights.pt") == []
    assert find_ancestors(Recipe(), None) == []


def test_what_one_of_them_has_learnt_from_was_learnt(tmp_path: Path) -> None:
    one = make_run(tmp_path / "one", {"a": "train", "b": "val", "c": "test", "d": "test"})
    other = make_run(tmp_path / "other", {"a": "test", "b": "train", "c": "val"})
    assert find_earlier_splits([one, other]) == {"a": "train", "b": "train", "c": "val", "d": "test"}
    assert find_earlier_splits([other, one]) == find_earlier_splits([one, other])
    assert find_earlier_splits([]) == {}


def test_folds_that_would_test_on_what_was_learnt_are_refused(
    finished: RunResult, toy: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="the folds would test on"):
        train_folds(toy, tmp_path / "pool", replace(SMALL, epochs=1), folds=2, init_from=finished.folder)
