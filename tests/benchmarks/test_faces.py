"""The folds' pooled figures become the benchmark's; a fold that failed keeps them from being kept."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks import faces
from doctored.training import Recipe

POOLED = {
    "failed": {},
    "pooled": {
        "accuracy": {"value": 0.96, "n": 2200, "low": 0.951, "high": 0.968},
        "roc_auc": {"value": 0.99, "n": 2200, "low": 0.985, "high": 0.995},
    },
}


@pytest.mark.parametrize(("name", "prefix"), [("faces", "faces"), ("faces-resnet18", "faces.resnet")])
def test_each_recipe_gives_its_own_figures(
    name: str, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def train_folds(data: Path, out: Path, recipe: Recipe, **settings: Any) -> dict[str, Any]:
        asked.update(settings, out=out, network=recipe.network, encoder=recipe.encoder, epochs=recipe.epochs)
        return POOLED

    monkeypatch.setattr(faces, "train_folds", train_folds)
    figures = faces.measure(name, tmp_path / "faces.zip", tmp_path, tmp_path / "clip.onnx", epochs=3)
    assert asked["epochs"] == 3
    assert asked["encoder"] == (str(tmp_path / "clip.onnx") if asked["network"] == "frozen" else "")
    assert (asked["folds"], asked["out"]) == (5, tmp_path / name)
    epochs = {} if asked["network"] == "frozen" else {f"{prefix}.epochs": 3}
    assert {key: figure.value for key, figure in figures.items() if figure.unit == "epochs"} == epochs
    assert set(figures) == {f"{prefix}.accuracy", f"{prefix}.auc", *epochs}
    accuracy = figures[f"{prefix}.accuracy"]
    assert (accuracy.value, accuracy.n, accuracy.low, accuracy.high) == (0.96, 2200, 0.951, 0.968)


def test_nothing_is_kept_where_a_fold_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = {**POOLED, "failed": {"fold-2-seed-0": "the loss is no longer a number"}}
    monkeypatch.setattr(faces, "train_folds", lambda *_, **__: broken)
    with pytest.raises(SystemExit, match="fold-2-seed-0"):
        faces.measure("faces", tmp_path / "faces.zip", tmp_path)
