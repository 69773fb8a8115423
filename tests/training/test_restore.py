"""A run made again from its detector file and its data: what comes back, and what is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from doctored.cli.main import main
from doctored.data.toy import make_toy
from doctored.detector.card import METADATA_KEY, Card
from doctored.detector.onnx_file import read_card_text
from doctored.errors import DataError, DetectorError, UsageError
from doctored.training import Recipe, RunResult, checkpoint, train
from doctored.training.ancestry import find_earlier_splits
from doctored.training.finished import export, open_run
from doctored.training.interpolate import interpolate, try_shares
from doctored.training.restore import read_making, read_weights, restore
from doctored.training.run import Plan, load_run
from small_training import SMALL


@pytest.fixture(scope="module")
def restored(finished: RunResult, toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("restored")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCTORED_HOME", str(folder / "home"))
        return restore(finished.detector, toy, folder / "toy")


def tampered(detector: Path, out: Path, card: dict[str, Any]) -> Path:
    """The detector with other texts in its card's card."""
    model = onnx.load(detector)
    for entry in model.metadata_props:
        if entry.key == METADATA_KEY:
            old = Card.from_json(entry.value)
            entry.value = replace(old, card=replace(old.card, **card)).to_json()
    onnx.save(model, out)
    return out


def test_weights_splits_and_recipe_come_back(restored: Path, finished: RunResult) -> None:
    old, new = (checkpoint.load(run / checkpoint.BEST)["network"] for run in (finished.folder, restored))
    assert old.keys() == new.keys()
    for key, value in old.items():
        if not key.endswith("num_batches_tracked"):
            assert torch.equal(value, new[key]), key
    plans = [Plan.from_toml(run / "config.toml") for run in (finished.folder, restored)]
    assert plans[0].digest == plans[1].digest
    # how it was computed is no part of what was learnt
    assert replace(plans[0].recipe, precision="auto", compile="auto", threads=0) == replace(
        plans[1].recipe, precision="auto", compile="auto", threads=0
    )
    assert find_earlier_splits([restored]) == find_earlier_splits([finished.folder])
    assert (restored / "detector.onnx").read_bytes() == finished.detector.read_bytes()


def test_it_serves_wherever_a_run_does(
    restored: Path, finished: RunResult, toy: Path, tmp_path: Path
) -> None:
    opened, rows = open_run(restored), open_run(finished.folder)
    examples = opened.examples
    assert (examples.val == rows.examples.val).all()
    assert (examples.held == rows.examples.held).all()
    assert (opened.look(examples.test)[0] == rows.look(examples.test)[0]).all()
    recipe = replace(SMALL, epochs=1, teacher=str(restored))
    tuned = train(toy, tmp_path / "tuned", recipe, device="cpu", init_from=restored)
    assert (
        "--init-from runs/toy" in Card.from_json((tuned.folder / "model_card.json").read_text()).card.command
    )
    assert try_shares(tuned.folder, restored)[0].accuracy["known"].n == len(examples.val)
    assert not load_run(restored).training


def test_what_was_interpolated_comes_back_as_such(finished: RunResult, toy: Path, tmp_path: Path) -> None:
    tuned = train(toy, tmp_path / "tuned", replace(SMALL, epochs=1), device="cpu", init_from=finished.folder)
    between = interpolate(tuned.folder, finished.folder, tmp_path / "between", 0.25)
    again = restore(between, toy, tmp_path / "again", init_from=finished.folder)
    plan = Plan.from_toml(again / "config.toml")
    assert (plan.start, plan.share) == ("toy", 0.25)
    assert open_run(again).about.share == 0.25


def test_other_data_or_other_splits_are_refused(finished: RunResult, toy: Path, tmp_path: Path) -> None:
    more = make_toy(tmp_path / "more.zip", n=260, archive="zip")
    with pytest.raises(DataError, match=r"not the pictures and splits.*doctored train toy\.zip"):
        restore(finished.detector, more, tmp_path / "run")
    command = "doctored train toy.zip --out runs/toy --set val_fraction=0.4"
    other = tampered(finished.detector, tmp_path / "other.onnx", {"command": command})
    with pytest.raises(DataError, match="not the pictures and splits"):
        restore(other, toy, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_weights_that_are_not_the_networks_are_refused(
    finished: RunResult, toy: Path, tmp_path: Path
) -> None:
    command = Card.from_json(read_card_text(finished.detector.read_bytes())).card.command
    other = tampered(
        finished.detector, tmp_path / "other.onnx", {"command": f"{command} --set network=residual-small"}
    )
    with pytest.raises(UsageError, match="not one to one"):
        restore(other, toy, tmp_path / "run")


def test_a_network_that_says_something_else_than_the_file_is_refused(
    finished: RunResult, toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = read_weights(finished.detector.read_bytes())
    key = next(key for key, value in weights.items() if value.ndim == 4)
    moved = {**weights, key: weights[key].roll(1, 1)}
    monkeypatch.setattr("doctored.training.restore.read_weights", lambda file: moved)
    with pytest.raises(DataError, match="says something else than the file"):
        restore(finished.detector, toy, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_cards_without_a_training_are_refused(finished: RunResult, toy: Path, tmp_path: Path) -> None:
    card = Card.from_json(read_card_text(finished.detector.read_bytes()))
    trained = "doctored train toy.zip"
    for command, why in (
        ("by hand", "no command that trained it"),
        ("doctored train 'toy.zip", "no command that trained it"),
        ("", "no command that trained it"),
        (f"{trained} && doctored interpolate a b --share x", "no command that trained it"),
        (f"{trained} && doctored interpolate a b --share nan", "no command that trained it"),
        (f"{trained} --set network=frozen", "frozen encoder"),
        (f"{trained} --set network=hf/somebody/something", "from elsewhere"),
        (f"{trained} --set weights=pretrained --set network=resnet18", "from elsewhere"),
        (f"{trained} --set teacher=runs/other", "taught by 'other'; give as many runs with --teacher"),
        (f"{trained} --set teacher=runs/one,runs/two", "taught by 'one,two'"),
        (f"{trained} --folds 5", "several folds"),
        (f"{trained} --set size=64", "contradicts itself"),
        (f"{trained} --set seed=-1", "seed is between"),
        (f"{trained} --set nothing=1", "no setting is called"),
        (f"{trained} --init-from runs/first", "started from the run 'first'; give it with --init-from"),
    ):
        with pytest.raises(UsageError, match=why):
            read_making(replace(card, card=replace(card.card, command=command)), has_start=False)
    taught = replace(card, card=replace(card.card, command=f"{trained} --set teacher=/etc/other"))
    assert read_making(taught, has_start=False, teacher=str(tmp_path)).recipe.teacher == str(tmp_path)


def test_a_taught_run_comes_back_with_its_teacher(finished: RunResult, toy: Path, tmp_path: Path) -> None:
    recipe = replace(SMALL, epochs=1, seed=7, teacher=str(finished.folder))
    taught = train(toy, tmp_path / "taught", recipe, device="cpu")
    with pytest.raises(UsageError, match="taught by 'toy'; give as many"):
        restore(taught.detector, toy, tmp_path / "again")
    with pytest.raises(UsageError, match="is no run"):
        restore(taught.detector, toy, tmp_path / "again", teacher=str(tmp_path))
    with pytest.raises(UsageError, match="give as many"):
        restore(taught.detector, toy, tmp_path / "again", teacher=f"{finished.folder},{finished.folder}")
    again = restore(taught.detector, toy, tmp_path / "again", teacher=str(finished.folder))
    assert Plan.from_toml(again / "config.toml").recipe.teacher == str(finished.folder)
    assert find_earlier_splits([again]) == find_earlier_splits([taught.folder])
    old, new = (open_run(run) for run in (taught.folder, again))
    assert (old.look(old.examples.test)[0] == new.look(new.examples.test)[0]).all()


def test_a_finished_run_is_not_written_over(finished: RunResult, toy: Path) -> None:
    with pytest.raises(UsageError, match="not empty"):
        restore(finished.detector, toy, finished.folder)


def test_val_is_parted_as_the_card_counts_it(finished: RunResult, toy: Path, tmp_path: Path) -> None:
    # an older version bought thresholds on another share, and the digest does not tell
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("doctored.training.material.BUYING_SHARE", 2 / 3)
        older = train(toy, tmp_path / "older", replace(SMALL, epochs=1), device="cpu")
    again = restore(older.detector, toy, tmp_path / "again")
    parts = [open_run(run).examples for run in (older.folder, again)]
    assert len(parts[0].held) != len(open_run(finished.folder).examples.held)
    assert (parts[0].held == parts[1].held).all()
    assert (parts[0].val == parts[1].val).all()
    unknown = tampered(older.detector, tmp_path / "unknown.onnx", {"counts": {"val.real": 1}})
    with pytest.raises(DataError, match="parted in a way that is not known"):
        restore(unknown, toy, tmp_path / "run")


def test_symmetric_residual_networks_come_back(toy: Path, tmp_path: Path) -> None:
    recipe = replace(SMALL, epochs=1, network="residual-small", symmetric=True)
    run = train(toy, tmp_path / "small", recipe, device="cpu")
    again = restore(run.detector, toy, tmp_path / "again")
    assert load_run(again).symmetric
    made = export(again, open_run(again), tmp_path / "again.onnx", print)
    card = Card.from_json(read_card_text(made.read_bytes()))
    assert "trained for 1 epochs" in card.card.text
    first = Card.from_json(read_card_text(run.detector.read_bytes()))
    assert (card.digest, card.card.command) == (first.digest, first.card.command)


def test_weights_that_are_no_numbers_are_refused(finished: RunResult, toy: Path, tmp_path: Path) -> None:
    model = onnx.load(finished.detector)
    tensor = next(entry for entry in model.graph.initializer if entry.name == "network.head.bias")
    tensor.CopyFrom(onnx.numpy_helper.from_array(np.full(1, np.nan, np.float32), tensor.name))
    with pytest.raises(DetectorError, match="not numbers"):
        read_weights(model.SerializeToString())
    with pytest.raises(DetectorError, match="cannot be read"):
        read_weights(b"no detector")


def test_the_shipped_detectors_tell_their_recipe() -> None:
    from doctored.detector.shelf import shelf

    for entry in shelf():
        made = read_making(entry.card, has_start=True)
        assert isinstance(made.recipe, Recipe)
        assert made.recipe.size == 32
        assert 0 < made.share <= 1


def test_the_command(
    finished: RunResult, toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "again"
    assert main(["restore", str(finished.detector), str(toy), "--out", str(out)]) == 0
    assert f"run: {out}" in capsys.readouterr().out
    assert main(["restore", str(tmp_path / "none.onnx"), str(toy), "--out", str(tmp_path / "x")]) == 4
    assert "no detector file" in capsys.readouterr().err
    with pytest.raises(DetectorError):
        restore(tmp_path / "none.onnx", toy, tmp_path / "x")
