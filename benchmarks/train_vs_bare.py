"""`train.vs_bare`: our whole training loop against a bare torch loop on tensors already in memory.

    python -m benchmarks.train_vs_bare --data cifake.zip

Ours reads uint8 pictures from the pack, augments and normalises them, keeps a moving average and its
bookkeeping. The bare loop has normalised float tensors ready and does nothing but draw a batch, forward,
backward, step. Network, optimizer, precision, memory layout, compilation and batch are the same; epochs
take turns in one process, and the first of each is a warm-up.
"""

import tempfile
import time
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
import torch.nn.functional as functional

from benchmarks import options as commands
from benchmarks.paired import LEAST_ROUNDS, Paired
from benchmarks.results_file import Figure
from benchmarks.training_sides import Workload, prepare, run_epochs
from doctored.models import build_network
from doctored.training import Recipe
from doctored.training.optimizer import make_optimizer
from doctored.training.precision import Way, quiet_compiler
from doctored.training.run import Plan


def bare_loop(workload: Workload, recipe: Recipe, way: Way) -> Callable[[], float]:
    """A function that trains for one epoch and returns its pictures a second."""
    network = way.place(build_network(recipe.network)).train()
    pixels, labels = workload.examples.take(workload.examples.train)
    pictures = way.batch(network.normalise(pixels))
    optimizer = make_optimizer(network, recipe)
    model, device = way.compile(network), torch.device("cpu")
    size = recipe.batch_size
    steps = len(labels) // size

    def epoch() -> float:
        started = time.perf_counter()
        order = torch.randperm(len(labels))
        for step in range(steps):
            rows = order[step * size : (step + 1) * size]
            with quiet_compiler(), way.autocast(device):
                logit = model(way.batch(pictures[rows])).logit
            functional.binary_cross_entropy_with_logits(logit.float(), labels[rows]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return steps * size / (time.perf_counter() - started)

    return epoch


def compare(options: Namespace, folder: Path) -> dict[str, Figure]:
    recipe = Recipe()
    workload = prepare(commands.data_of(options), options.pictures, recipe, folder)
    commands.wait_for_idle(options)
    ours: list[float] = []
    theirs: list[float] = []
    bare: list[Callable[[], float]] = []

    def take_turns(row: dict[str, float]) -> None:
        if not bare:
            way = Plan.from_toml(folder / "run" / "config.toml").way
            print(f"both run {way}")
            bare.append(bare_loop(workload, recipe, way))
        ours.append(row["pictures_per_second"])
        theirs.append(bare[0]())
        print(f"epoch {row['epoch']}: ours {ours[-1]:,.0f}, bare {theirs[-1]:,.0f} pictures/s")

    run_epochs(workload, recipe, options.rounds + 1, folder / "run", take_turns)
    paired = Paired(tuple(ours[1:]), tuple(theirs[1:]))
    return paired.figures("train.vs_bare", "pictures/s", "ours", "bare")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = commands.parser(__doc__ or "")
    parser.add_argument("--pictures", type=int, help="a draw of this many training pictures; else all")
    parser.add_argument("--rounds", type=int, default=LEAST_ROUNDS, help="measured epochs of each side")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        figures = compare(options, Path(folder))
    commands.finish("train_vs_bare", figures, options)


if __name__ == "__main__":
    main()
