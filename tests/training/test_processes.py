"""Data parallel: what two processes that share every batch compute is what one computes."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import two_processes
from doctored.errors import UsageError
from doctored.training import Recipe, RunResult, train
from doctored.training.loop import Hooks, Row
from doctored.training.run import start_processes

ALONE = {"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}


Together = tuple[Path, str, str]  # the folder of the runs, what was printed, what was told on stderr


class Stopped(Exception):
    pass


def stop(row: Row) -> None:
    raise Stopped


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, toy: Path, doctored_home: Path) -> dict[str, RunResult]:
    """The runs of one process, by network."""
    folder = tmp_path_factory.mktemp("alone")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCTORED_HOME", str(doctored_home))
        return {
            name: train(toy, folder / name, two_processes.recipe(name), device="cpu")
            for name in ("plain", "compact")
        }


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory, toy: Path, doctored_home: Path) -> Together:
    """Three runs of two processes: new, with batch norm, and one that one process left after an epoch."""
    folder = tmp_path_factory.mktemp("together")
    fresh, normed, resumed = folder / "plain", folder / "compact", folder / "resumed" / "plain"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCTORED_HOME", str(doctored_home))
        with pytest.raises(Stopped):
            train(toy, resumed, two_processes.recipe("plain"), device="cpu", hooks=Hooks(epoch=stop))
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"]
    torchrun += ["--local-addr=127.0.0.1", two_processes.__file__]
    environment = {key: value for key, value in os.environ.items() if key not in ALONE} | {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "DOCTORED_HOME": str(doctored_home),
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
    }
    done = subprocess.run(
        [
            *torchrun,
            "--local-addr=127.0.0.1",
            two_processes.__file__,
            str(toy),
            *map(str, (fresh, normed, resumed)),
        ],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return folder, done.stdout, done.stderr


def rows(folder: Path) -> list[Row]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_two_processes_compute_what_one_does(together: Together, alone: dict[str, RunResult]) -> None:
    shared = rows(together[0] / "plain")
    assert len(shared) == len(alone["plain"].history) == 2
    for one, two in zip(alone["plain"].history, shared, strict=True):
        assert two["train_loss"] == pytest.approx(one["train_loss"], abs=1e-4)
        assert two["val_loss"] == pytest.approx(one["val_loss"], abs=1e-4)


def test_batch_norm_sees_halves_so_it_agrees_less(together: Together, alone: dict[str, RunResult]) -> None:
    for one, two in zip(alone["compact"].history, rows(together[0] / "compact"), strict=True):
        assert two["train_loss"] == pytest.approx(one["train_loss"], abs=0.05)
        assert two["train_loss"] != one["train_loss"]


def test_two_processes_go_on_with_what_one_began(together: Together, alone: dict[str, RunResult]) -> None:
    resumed = rows(together[0] / "resumed" / "plain")
    assert resumed[0]["train_loss"] == alone["plain"].history[0]["train_loss"]
    assert resumed[1]["train_loss"] == pytest.approx(alone["plain"].history[1]["train_loss"], abs=1e-4)
    assert (together[0] / "resumed" / "plain" / "detector.onnx").exists()


def test_one_process_talks_and_writes(together: Together, alone: dict[str, RunResult]) -> None:
    folder, printed, told = together
    assert printed.count("detector: ") == 3
    assert len(re.findall(r"^process [01] of 2 is done$", printed, re.MULTILINE)) == 2
    assert len(re.findall(r"^epoch 1/2 ", told, re.MULTILINE)) == 2
    assert len(re.findall(r"^epoch 2/2 ", told, re.MULTILINE)) == 3
    assert {path.name for path in (folder / "plain").iterdir()} == {
        path.name for path in alone["plain"].folder.iterdir()
    }


def test_batches_that_cannot_be_shared_evenly_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="multiple of 2"):
        start_processes("cpu", Recipe(batch_size=31), Hooks())
