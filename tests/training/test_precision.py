"""Which arithmetic is timed, and for how long."""

from typing import ClassVar

import pytest
import torch
from torch import Tensor

from doctored.models import Evidence, build_network
from doctored.models.compact import Compact
from doctored.training import precision
from doctored.training.precision import TIMED_STEPS, WARMUP_STEPS, Way, choose_way, pictures_per_second
from doctored.training.recipe import Recipe

RECIPE = Recipe(batch_size=4, size=8)
CPU = torch.device("cpu")


class Counting(Compact):
    """Counts its steps, in a place that copies of it share."""

    steps: ClassVar[list[int]] = []

    def forward(self, x: Tensor) -> Evidence:
        self.steps.append(len(x))
        return super().forward(x)


def count_steps(way: Way, best: float) -> tuple[float, int]:
    Counting.steps.clear()
    return pictures_per_second(Counting(), way, RECIPE, CPU, best), len(Counting.steps)


def test_a_way_that_is_nowhere_near_the_best_is_given_up_after_a_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(precision, "HOPELESS_S", 0.0)
    speed, steps = count_steps(Way(), best=1e12)
    assert steps == 1
    assert 0 < speed < 1e12


def test_others_are_timed_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    # a first step of less than seconds may be slow for reasons that pass
    assert count_steps(Way(), best=1e12)[1] == WARMUP_STEPS + TIMED_STEPS
    monkeypatch.setattr(precision, "HOPELESS_S", 0.0)
    for best in (0.0, 1e-6):
        assert count_steps(Way(), best)[1] == WARMUP_STEPS + TIMED_STEPS


def test_the_fastest_way_is_kept() -> None:
    notes: list[str] = []
    network = build_network("compact")
    way, speeds = choose_way(network, Recipe(batch_size=4, compile="off"), CPU, 1, notes.append)
    names = ["fp32 channels_last", "fp32 contiguous", "bf16 channels_last", "bf16 contiguous"]
    assert list(speeds) == names
    assert notes == [f"timing {name}" for name in names]
    layout = "channels_last" if way.channels_last else "contiguous"
    assert speeds[f"{way.precision} {layout}"] == max(speeds.values())
