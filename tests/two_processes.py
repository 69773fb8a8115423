"""What torchrun starts, for tests: `two_processes.py DATA WHOLE RUN ...` trains these runs, or goes on.

The first through the command line, from archive to detector, as a user would; of the others just the
training. A run is called by the network that it trains.
"""

import os
import sys
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from doctored.cli.main import main
from doctored.models.base import Network, Pool, network
from doctored.training import Recipe, RunResult, train
from doctored.training import run as running
from doctored.training.loop import Hooks

SETTINGS: dict[str, Any] = {
    "epochs": 2, "batch_size": 32, "val_fraction": 0.25, "average": 0.9, "precision": "fp32",
    "compile": "off", "threads": 1, "optimizer": "adamw", "clip_norm": 1.0, "balance": True,
}  # fmt: skip


@network("plain")
class Plain(Network):
    """No batch norm, no dropout: how a batch is shared changes nothing but the last bits."""

    def __init__(self, *, dropout: float = 0.0, pool: Pool | None = None) -> None:
        super().__init__(16, dropout=dropout, pool=pool)
        self.body = nn.Sequential(
            nn.Conv2d(3, 16, 3, stride=2, padding=1),
            nn.GroupNorm(4, 16),
            nn.SiLU(),
            nn.Conv2d(16, 16, 3, padding=1),
        )

    def features(self, x: Tensor) -> Tensor:
        return self.body(x)


def train_only(data: Path, folder: Path, hooks: Hooks | None = None) -> RunResult:
    """A run without its audit and its detector, which take longer than a few steps do."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "audit.json").write_text("{}\n")
    running.publish = lambda *_: {"metrics": {}}
    return train(data, folder, Recipe(network=folder.name, **SETTINGS), device="cpu", hooks=hooks)


if __name__ == "__main__":
    data, whole, *others = map(Path, sys.argv[1:])
    settings = {**SETTINGS, "network": whole.name}
    words = [word for key, value in settings.items() for word in ("--set", f"{key}={str(value).lower()}")]
    if code := main(["train", str(data), "--out", str(whole), "--device", "cpu", *words]):
        sys.exit(code)
    for folder in others:
        train_only(data, folder)
    # one write, line end and all: both processes print into one pipe at the same moment
    sys.stdout.write(f"process {os.environ['RANK']} of {os.environ['WORLD_SIZE']} is done\n")
