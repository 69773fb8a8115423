"""Which arithmetic is fastest on this machine: timed, never guessed.

Without bf16 units autocast can run at a sixth of the fp32 speed, with them at twice; `torch.compile`
sometimes helps and sometimes hurts. So a few steps of each way are timed and the fastest is kept.
"""

import contextlib
import copy
import os
import shutil
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from doctored.models import Network
from doctored.training.recipe import FROZEN, Recipe
from doctored.workers import available_cores

COMPILE_PAYS_AFTER_STEPS = 2000
TIMED_STEPS = 8
WARMUP_STEPS = 3
HOPELESS, HOPELESS_S = (
    4,
    5.0,
)  # a first step of more seconds, and of more times the fastest way's: no more steps


@dataclass(frozen=True)
class Way:
    """One way to compute the same step."""

    precision: str = "fp32"
    channels_last: bool = True
    compiled: bool = False
    threads: int = 0

    def autocast(self, device: torch.device) -> contextlib.AbstractContextManager[Any]:
        return torch.autocast(device.type, torch.bfloat16, enabled=self.precision == "bf16")

    def place(self, network: Network) -> Network:
        layout = torch.channels_last if self.channels_last else torch.contiguous_format
        placed: Network = network.to(memory_format=layout)  # type: ignore[call-overload]
        return placed

    def batch(self, x: Tensor) -> Tensor:
        return x.contiguous(
            memory_format=torch.channels_last if self.channels_last else torch.contiguous_format
        )

    def compile(self, network: Network) -> nn.Module:
        if not self.compiled:
            return network
        with quiet_compiler():
            return torch.compile(network, dynamic=False)  # type: ignore[return-value]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@contextlib.contextmanager
def quiet_compiler() -> Iterator[None]:
    """The compiler's own deprecation warnings are not news to the person who trains."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def set_threads(threads: int) -> int:
    """Use this many processor threads (0: this process's share of the cores) and return how many that is."""
    # torchrun tells each process how many of them share the machine
    sharing = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    threads = threads or max(1, available_cores() // sharing)
    torch.set_num_threads(threads)
    return threads


def candidates(recipe: Recipe, device: torch.device, steps: int) -> list[Way]:
    """The ways worth timing: what the recipe fixes is fixed, and compiling must have time to pay."""
    if recipe.network == FROZEN:  # its encoder runs in fp32, and its head is not trained in steps
        return [Way()]
    precisions = ["fp32", "bf16"] if recipe.precision == "auto" else [recipe.precision]
    if recipe.compile == "auto":
        worthwhile = steps >= COMPILE_PAYS_AFTER_STEPS and (
            device.type != "cpu" or shutil.which("c++") is not None
        )
        compiles = [False, True] if worthwhile else [False]
    else:
        compiles = [recipe.compile == "on"]
    layouts = [True, False] if recipe.precision == "auto" else [True]
    return [
        Way(precision, channels_last, compiled)
        for precision in precisions
        for compiled in compiles
        for channels_last in layouts
        if channels_last or not compiled
    ]


def choose_way(
    network: Network, recipe: Recipe, device: torch.device, steps: int, note: Callable[[str], None]
) -> tuple[Way, dict[str, float]]:
    """Time the candidates on random pictures; return the fastest and every candidate's pictures a second.

    The network is not changed: each candidate trains a copy. A way that fails to run (a missing
    compiler, say) is left out; one always remains, eager fp32.
    """
    ways = candidates(recipe, device, steps)
    if len(ways) == 1:
        return ways[0], {}
    speeds: dict[Way, float] = {}
    for way in ways:
        note(f"timing {describe(way)}")
        try:
            speeds[way] = pictures_per_second(network, way, recipe, device, max(speeds.values(), default=0.0))
        except Exception as error:  # a compiler or kernel that this machine lacks: any kind of failure
            note(f"{describe(way)} does not run here: {type(error).__name__}")
    torch.compiler.reset()
    if not speeds:
        return Way(), {}
    best = max(speeds, key=lambda way: speeds[way])
    return best, {describe(way): round(speed, 1) for way, speed in speeds.items()}


def describe(way: Way) -> str:
    words = [way.precision, "channels_last" if way.channels_last else "contiguous"]
    return " ".join([*words, "compiled"] if way.compiled else words)


def pictures_per_second(
    network: Network, way: Way, recipe: Recipe, device: torch.device, best: float = 0.0
) -> float:
    """Median speed of whole steps (forward, backward, update) on a copy of the network.

    A way that is nowhere near the `best` speed so far in its first step is not timed further: bf16 on a
    processor without units for it would take minutes. A compiled one's first step says nothing.
    """
    trial = way.place(copy.deepcopy(network).to(device).train())
    model = way.compile(trial)
    optimizer = torch.optim.SGD(trial.parameters(), lr=0.0)
    generator = torch.Generator().manual_seed(0)
    shape = (recipe.batch_size, recipe.side, recipe.side, 3)
    pixels = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
    targets = torch.randint(0, 2, (recipe.batch_size,), generator=generator).float().to(device)
    seconds = []
    for step in range(WARMUP_STEPS + TIMED_STEPS):
        start = time.perf_counter()
        x = way.batch(trial.normalise(pixels.to(device)))
        with quiet_compiler() if way.compiled else contextlib.nullcontext(), way.autocast(device):
            logit = model(x).logit
        functional.binary_cross_entropy_with_logits(logit.float(), targets).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        taken = time.perf_counter() - start
        is_slow = taken > HOPELESS_S and taken * best > HOPELESS * recipe.batch_size
        if step == 0 and is_slow and device.type == "cpu" and not way.compiled:
            return recipe.batch_size / taken
        if step >= WARMUP_STEPS:
            seconds.append(taken)
    return recipe.batch_size / statistics.median(seconds)
