"""Weights between those that a run started from and its own: the run they make, and how a share is chosen."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from doctored.cli.main import main
from doctored.data.manifest import Manifest
from doctored.data.toy import make_toy
from doctored.detector.session import Session
from doctored.errors import DataError, UsageError
from doctored.training import RunResult, checkpoint, train
from doctored.training.finished import open_run
from doctored.training.interpolate import SHARES, interpolate, try_shares
from doctored.training.run import Plan, load_run
from small_training import SMALL


@pytest.fixture(scope="module")
def tuned(finished: RunResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that starts from the finished one, on its pictures and as many others."""
    folder = tmp_path_factory.mktemp("tuned")
    data = make_toy(folder / "more.zip", n=480, archive="zip")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCTORED_HOME", str(folder / "home"))
        recipe = replace(SMALL, epochs=2, learning_rate=0.003, symmetric=True)
        return train(data, folder / "tuned", recipe, device="cpu", init_from=finished.folder).folder


@pytest.fixture(scope="module")
def between(tuned: Path, finished: RunResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "between"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCTORED_HOME", str(out.parent / "home"))
        return interpolate(tuned, finished.folder, out, 0.25).parent


def weights(folder: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = checkpoint.load(folder / "checkpoints" / "best.pt")["network"]
    return found


def test_its_weights_lie_where_they_were_asked_to(between: Path, tuned: Path, finished: RunResult) -> None:
    first, last, made = (weights(folder) for folder in (finished.folder, tuned, between))
    moved = 0
    for key, value in made.items():
        if key in ("mean", "std") or not value.is_floating_point():
            assert torch.equal(value, last[key]), key
        else:
            expected = 0.75 * first[key].double() + 0.25 * last[key].double()
            torch.testing.assert_close(value.double(), expected, atol=1e-6, rtol=1e-5)
            moved += not torch.equal(first[key], last[key])
    assert moved > 4


def test_it_is_a_run_like_every_other(between: Path, tuned: Path, finished: RunResult) -> None:
    opened = open_run(between)
    pixels = opened.examples.pixels[opened.examples.test[:40]]
    logits, _ = opened.look(opened.examples.test[:40])
    told = json.loads((between / "training_metrics.json").read_text())["calibration"]
    session = Session((between / "detector.onnx").read_bytes())
    expected = told["slope"] * logits + told["offset"]
    np.testing.assert_allclose(session.run(pixels).logit, expected, atol=1e-3)
    card = session.card
    assert (card.name, Plan.from_toml(between / "config.toml").share) == ("between", 0.25)
    assert "25% of the way from those of 'toy' to the trained ones" in card.card.text
    trained, command = card.card.command.split(" && ")
    assert trained.startswith("doctored train more.zip --out runs/tuned --init-from runs/toy")
    assert command == "doctored interpolate runs/tuned runs/toy --share 0.25 --out runs/between"
    assert {path.name for path in between.iterdir()} == {path.name for path in tuned.iterdir()}
    assert load_run(between).symmetric
    assert opened.about.share == 0.25


def test_shares_are_tried_on_validation_alone_from_one_end_to_the_other(
    tuned: Path, finished: RunResult
) -> None:
    tried = try_shares(tuned, finished.folder)
    assert tuple(one.share for one in tried) == SHARES
    trained = open_run(tuned)
    kinds = tried[-1].accuracy
    assert list(kinds) == ["known", "known, delivered", "new", "new, delivered"]
    assert kinds["known"].n + kinds["new"].n == len(trained.examples.val)
    assert min(kinds["known"].n, kinds["new"].n) > 5
    logits, _ = trained.look(trained.examples.val)
    right = int(((logits > 0) == trained.examples.labels[trained.examples.val]).sum())
    assert sum(round((kinds[kind].value or 0) * kinds[kind].n) for kind in ("known", "new")) == right


def test_a_start_that_learnt_from_what_the_run_is_tested_on_is_refused(
    tuned: Path, finished: RunResult, tmp_path: Path
) -> None:
    start = Path(shutil.copytree(finished.folder, tmp_path / "start"))
    manifest = Manifest.from_parquet(start / "manifest.parquet")
    untrained = sum(split != "train" for split in manifest.column("split"))
    manifest.with_columns(split=["train"] * len(manifest)).to_parquet(start / "manifest.parquet")
    for run in (tuned, finished.folder):
        with pytest.raises(DataError, match=f"has learnt from {untrained} pictures"):
            interpolate(run, start, tmp_path / "out", 0.5)
    assert not (tmp_path / "out").exists()


def test_what_makes_no_sense_is_refused(tuned: Path, finished: RunResult, tmp_path: Path) -> None:
    for share in (0.0, 1.0, -0.2, float("nan")):
        with pytest.raises(UsageError, match="between 0 and 1"):
            interpolate(tuned, finished.folder, tmp_path / "out", share)
    with pytest.raises(UsageError, match="finished run"):
        interpolate(tuned, finished.folder, tuned, 0.5)
    other = Path(shutil.copytree(finished.folder, tmp_path / "other"))
    state = weights(other)
    checkpoint.save(
        {"network": {"head.weight": next(iter(state.values()))}}, other / "checkpoints" / "best.pt"
    )
    with pytest.raises(UsageError, match="not of one network"):
        interpolate(tuned, other, tmp_path / "out", 0.5)


def test_the_command_tries_every_tenth_or_writes_one(
    tuned: Path, finished: RunResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start = str(finished.folder)
    assert main(["interpolate", str(tuned), start]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split("  ")[0] == "share"
    assert [head.count(kind) for kind in ("known (n ", "new (n ", "delivered (n ")] == [1, 1, 2]
    assert [line[:3] for line in lines] == [f"{share:.1f}" for share in SHARES]
    assert main(["interpolate", str(tuned), start, "--share", "0.5"]) == 2
    assert "give --share and --out" in capsys.readouterr().err
    out = tmp_path / "half"
    words = ["--share", "0.5", "--out", str(out), "--name", "mid", "--version", "1.2.0"]
    assert main(["interpolate", str(tuned), start, *words]) == 0
    assert f"detector: {out / 'detector.onnx'}" in capsys.readouterr().out
    card = Session((out / "detector.onnx").read_bytes()).card
    assert "--share 0.5 --name mid --out" in card.card.command
    assert card.version == "1.2.0"
