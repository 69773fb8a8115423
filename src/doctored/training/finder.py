"""A short search for a learning rate.

After Smith, "Cyclical learning rates for training neural networks", 2017.
The rate rises exponentially from step to step on a copy of the network. While it is too low nothing is
learnt, then the loss falls, then it flies apart. Where it fell fastest is a good peak for a cycle.
"""

import copy
import itertools
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from doctored.errors import TrainingError, UsageError
from doctored.training.batches import Batch
from doctored.training.freezing import adapt, freeze
from doctored.training.loop import SEARCHING, Hooks, Loop
from doctored.training.material import open_material
from doctored.training.precision import Way, set_threads
from doctored.training.publish import write_json
from doctored.training.recipe import FROZEN, Recipe
from doctored.training.run import ask, make_network, open_teachers, start_processes

STEPS = 150
LOWEST, HIGHEST = 1e-6, 1.0
REMEMBERED = 0.9  # of the running mean of the loss, by which a search is stopped
DIVERGED = 4.0  # times the lowest running mean
SEEN_AT_ONCE = 9  # on each side of a step, to tell how the loss falls there: a third of a decade of rates
RULE = "the rate at which the loss falls fastest, before its lowest point"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Search:
    """`rates` and `losses`, one a step, as far as the search came; `smoothed` is the mean of the losses
    around each step. `learning_rate` is what the rule suggests; `muon_rate` follows in proportion where the
    recipe trains with Muon."""

    rates: list[float]
    losses: list[float]
    smoothed: list[float]
    is_diverged: bool
    learning_rate: float
    muon_rate: float | None

    def to_json(self) -> dict[str, Any]:
        points = zip(self.rates, self.losses, self.smoothed, strict=True)
        return {
            "schema": 1,
            "rule": RULE,
            "learning_rate": self.learning_rate,
            "muon_rate": self.muon_rate,
            "stopped": "diverged" if self.is_diverged else "at the highest rate",
            "points": [{"rate": rate, "loss": loss, "smoothed": mean} for rate, loss, mean in points],
        }

    def settings(self) -> dict[str, float]:
        """What to set in a recipe."""
        found = {"learning_rate": self.learning_rate, "muon_rate": self.muon_rate}
        return {name: rate for name, rate in found.items() if rate is not None}


def find_rate(
    data: str | os.PathLike[str],
    out: str | os.PathLike[str],
    recipe: Recipe | None = None,
    *,
    device: str = "auto",
    steps: int = STEPS,
    hooks: Hooks | None = None,
) -> Search:
    """Search on this data, and keep what was found in `learning_rate.json` in the folder `out`.

    No run is started, and nothing else in the folder changes. In fp32 unless the recipe says bf16, so that
    nothing is timed first. Raises TrainingError where the loss falls at no rate.
    """
    recipe, hooks = recipe or Recipe(), hooks or Hooks()
    if recipe.network == FROZEN:
        raise UsageError("a frozen encoder's head is fitted, not trained step by step; it needs no rate")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UsageError("a learning rate is searched for by one process; start it without torchrun")
    accelerator, hooks = start_processes(device, recipe, hooks)
    examples = open_material(Path(data), recipe, hooks).examples()
    network = make_network(recipe, examples)
    adapt(network, recipe)
    network.to(accelerator.device)
    way = Way("bf16" if recipe.precision == "bf16" else "fp32", threads=set_threads(recipe.threads))
    if teachers := open_teachers(recipe):
        examples = ask(teachers, examples, way, accelerator.device, hooks)
    loop = Loop(copy.deepcopy(network), examples, recipe, way, accelerator, hooks)
    rates, losses = sweep(loop, np.geomspace(LOWEST, HIGHEST, steps))
    search = judge(rates, losses, steps, recipe)
    write_json(Path(out) / "learning_rate.json", search.to_json())
    return search


def sweep(loop: Loop, rates: Floats) -> tuple[list[float], list[float]]:
    """Train a step at each rate until the loss has flown apart; the rates that were tried, and the losses."""
    torch.manual_seed(loop.recipe.seed)
    loop.model.train()
    freeze(loop.network, loop.recipe, 0)
    losses: list[float] = []
    mean, lowest = 0.0, math.inf
    for step, (rate, batch) in enumerate(zip(rates.tolist(), endless(loop), strict=False), 1):
        losses.append(float(loop.step(batch, rate)))
        loop.hooks.step(SEARCHING, step, len(rates))
        mean = REMEMBERED * mean + (1 - REMEMBERED) * losses[-1]
        smooth = mean / (1 - REMEMBERED**step)  # without the zero that it started from
        lowest = min(lowest, smooth)
        if not math.isfinite(losses[-1]) or smooth > DIVERGED * lowest:
            break
    return rates[: len(losses)].tolist(), losses


def endless(loop: Loop) -> Iterator[Batch]:
    """Batches as training draws them, epoch after epoch."""
    return itertools.chain.from_iterable(map(loop.batches, itertools.count()))


def judge(rates: Sequence[float], losses: Sequence[float], steps: int, recipe: Recipe) -> Search:
    """What the rule says of a sweep; `steps` is how many it would have had."""
    is_diverged = len(losses) < steps or not math.isfinite(losses[-1])
    known = len(losses) - (not math.isfinite(losses[-1]))
    rates, losses = list(rates[:known]), list(losses[:known])
    if known < 2 * SEEN_AT_ONCE + 1:
        raise TrainingError(f"the loss flew apart after {known} steps; look at the data and at clip_norm")
    slopes, means = slopes_and_means(np.log10(rates), np.array(losses))
    falling = slopes[: int(means[SEEN_AT_ONCE:-SEEN_AT_ONCE].argmin()) + 1]
    fastest = int(falling.argmin())
    if falling[fastest] >= 0:
        raise TrainingError(
            f"the loss falls at no rate from {rates[0]:g} to {rates[-1]:g}; look at the labels and the data"
        )
    rate = float(f"{rates[fastest + SEEN_AT_ONCE]:.2g}")
    muon = (
        float(f"{rate * recipe.muon_rate / recipe.learning_rate:.2g}") if recipe.optimizer == "muon" else None
    )
    return Search(rates, losses, means.tolist(), is_diverged, rate, muon)


def slopes_and_means(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """How y falls or rises around each point that has `SEEN_AT_ONCE` neighbours on either side (the slope of
    the least-squares line through them), float64 [N − 2·neighbours], and the mean of y around every point,
    float64 [N]. Looking both ways, unlike a running mean, moves nothing towards higher rates."""
    width = 2 * SEEN_AT_ONCE + 1
    windows = np.lib.stride_tricks.sliding_window_view
    around = windows(x, width) - windows(x, width).mean(1, keepdims=True)
    slopes: Floats = (around * windows(y, width)).sum(1) / (around**2).sum(1)
    counts = np.convolve(np.ones(len(y)), np.ones(width), "same")
    means: Floats = np.convolve(y, np.ones(width), "same") / counts
    return slopes, means
