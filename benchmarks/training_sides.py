"""Our side of the training benchmarks: a real run whose epochs can be interleaved with something else."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from doctored.data.manifest import Manifest
from doctored.data.readers import read_dataset
from doctored.training import Recipe, train
from doctored.training.batches import Examples
from doctored.training.loop import Hooks, Row
from doctored.training.material import open_material


class EnoughEpochs(Exception):
    pass


@dataclass(frozen=True)
class Workload:
    """The data that both sides train on: a manifest file, and its pictures in memory maps."""

    source: Path
    examples: Examples
    pixels: Path


def prepare(data: Path, pictures: int | None, recipe: Recipe, folder: Path) -> Workload:
    """Pack `pictures` of the data set's training rows (all, where None), drawn with the recipe's seed."""
    manifest = read_dataset(data.resolve())
    if pictures is not None:
        manifest = draw(manifest, pictures, recipe.seed)
    source = folder / "manifest.csv"
    manifest.to_csv(source)
    material = open_material(source, recipe, Hooks())
    return Workload(source, material.examples(), material.packed.path / "pixels.npy")


def draw(manifest: Manifest, pictures: int, seed: int) -> Manifest:
    train_rows = np.flatnonzero([split == "train" for split in manifest.column("split")])
    return manifest.select(np.sort(np.random.default_rng(seed).permutation(train_rows)[:pictures]))


def run_epochs(
    workload: Workload, recipe: Recipe, epochs: int, out: Path, after_epoch: Callable[[Row], None]
) -> None:
    """The first `epochs` of the run that `doctored train` would make; nothing is published.

    The run waits for `after_epoch`, which gets each epoch's row: there the other side takes its turn.
    """

    def step_aside(row: Row) -> None:
        after_epoch(row)
        if row["epoch"] == epochs:
            raise EnoughEpochs

    try:
        train(workload.source, out, recipe, name="ours", hooks=Hooks(epoch=step_aside, note=print))
    except EnoughEpochs:
        return
