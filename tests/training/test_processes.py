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
from doctored.training import Recipe
from doctored.training import run as running
from doctored.training.loop import Hooks, Row
from doctored.training.run import start_processes

ALONE = {"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}


class Stopped(Exception):
    pass


Together = tuple[Path, str, str]  # the folder of the runs, what was printed, what was told on stderr


def stop(row: Row) -> None:
    raise Stopped


@pytest.fixture(scope="module", autouse=True)
def _quick(doctored_home: Path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCTORED_HOME", str(doctored_home))
        patch.setattr(running, "publish", running.publish)  # `train_only` puts another in its place
        yield


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, toy: Path) -> dict[str, list[Row]]:
    """What one process computes, by network."""
    folder = tmp_path_factory.mktemp("alone")
    return {name: two_processes.train_only(toy, folder / name).history for name in ("plain", "compact")}


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory, toy: Path, doctored_home: Path) -> Together:
    """Three runs of two processes: new, with batch norm, and one that one process left after an epoch."""
    folder = tmp_path_factory.mktemp("together")
    runs = [folder / "plain", folder / "compact", folder / "resumed" / "plain"]
    with pytest.raises(Stopped):
        two_processes.train_only(toy, runs[2], Hooks(epoch=stop))
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"]
    torchrun += ["--local-addr=127.0.0.1", two_processes.__file__, str(toy), *map(str, runs)]
    environment = {key: value for key, value in os.environ.items() if key not in ALONE} | {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "DOCTORED_HOME": str(doctored_home),
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
    }
    with subprocess.Popen(
        torchrun, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            printed, told = process.communicate(timeout=280)
        finally:
            process.terminate()  # torchrun then ends its processes; a kill would leave them behind
    assert process.returncode == 0, told[-4000:]
    return folder, printed, told


def rows(folder: Path) -> list[Row]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_two_processes_compute_what_one_does(together: Together, alone: dict[str, list[Row]]) -> None:
    shared = rows(together[0] / "plain")
    assert len(shared) == len(alone["plain"]) == 2
    for one, two in zip(alone["plain"], shared, strict=True):
        assert two["train_loss"] == pytest.approx(one["train_loss"], abs=1e-4)
        assert two["val_loss"] == pytest.approx(one["val_loss"], abs=1e-4)


def test_batch_norm_sees_halves_so_it_agrees_less(together: Together, alone: dict[str, list[Row]]) -> None:
    for one, two in zip(alone["compact"], rows(together[0] / "compact"), strict=True):
        assert two["train_loss"] == pytest.approx(one["train_loss"], abs=0.05)
        assert two["train_loss"] != one["train_loss"]


def test_two_processes_go_on_with_what_one_began(together: Together, alone: dict[str, list[Row]]) -> None:
    first, second = rows(together[0] / "resumed" / "plain")
    assert first["train_loss"] == alone["plain"][0]["train_loss"]
    assert second["train_loss"] == pytest.approx(alone["plain"][1]["train_loss"], abs=1e-4)


def test_one_process_talks_and_writes(together: Together) -> None:
    folder, printed, told = together
    assert printed.count("detector: ") == 1
    assert len(re.findall(r"^process [01] of 2 is done$", printed, re.MULTILINE)) == 2
    assert re.findall(r"^epoch \d/\d ", told, re.MULTILINE) == ["epoch 1/2 ", "epoch 2/2 "]
    files = {path.name for path in (folder / "plain").iterdir()}
    assert {"detector.onnx", "audit.json", "predictions.parquet", "metrics.jsonl"} <= files
    assert not [name for name in files if name.endswith(".partial")]


def test_batches_that_cannot_be_shared_evenly_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="multiple of 2"):
        start_processes("cpu", Recipe(batch_size=31), Hooks())
