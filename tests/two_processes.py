"""What torchrun starts, for tests: `two_processes.py DATA RUN ...` trains these runs, or goes on with them.

Through the command line, as a user would; a run is called by the network that it trains.
"""

import os
import sys
import warnings
from pathlib import Path

from torch import Tensor, nn

from doctored.cli.main import main
from doctored.models.base import Network, Pool, network
from doctored.training import Recipe

SETTINGS = {
    "epochs": 2, "batch_size": 32, "val_fraction": 0.25, "average": 0.9, "precision": "fp32",
    "compile": "off", "threads": 1, "optimizer": "adamw", "clip_norm": 1.0, "balance": True,
}  # fmt: skip


def recipe(name: str) -> Recipe:
    return Recipe(network=name, **SETTINGS)


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


if __name__ == "__main__":
    warnings.simplefilter("error", ResourceWarning)
    data, *runs = sys.argv[1:]
    for run in runs:
        settings = SETTINGS | {"network": Path(run).name}
        words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
        if code := main(["train", data, "--out", run, "--device", "cpu", *words]):
            sys.exit(code)
    print(f"process {os.environ['RANK']} of {os.environ['WORLD_SIZE']} is done", flush=True)
