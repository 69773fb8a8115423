"""Batches, drawn ahead of the loop that trains on them; everything random comes from (seed, epoch)."""

import itertools
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from doctored.training.augment import draw_moves, move
from doctored.training.delivery import deliver, draw_deliveries
from doctored.training.mixing import Mix, draw_mix
from doctored.training.recipe import Recipe

AHEAD = 3
Rows = NDArray[np.int64]
Item = TypeVar("Item")


@dataclass(frozen=True)
class Examples:
    """Pictures uint8 [N, H, W, 3] (a memory map will do), labels uint8 [N] (fake is 1), rows by part.

    Of the validation split `val` chooses the epoch and the calibration, and `held`, which chooses nothing,
    buys thresholds; where it is empty `val` does that, too. `taught`: float32 [N], how likely each training
    picture is fake by what a teacher says, empty where there is none.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    train: Rows
    val: Rows
    test: Rows
    held: Rows = field(default_factory=lambda: np.zeros(0, np.int64))
    taught: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))

    @property
    def buying(self) -> str:
        """The part that buys thresholds and the distance limit."""
        return "held" if len(self.held) else "val"

    def take(self, rows: Rows) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(self.pixels[rows]), torch.from_numpy(self.labels[rows]).float()


class Batch(NamedTuple):
    """What one process trains on in one step.

    `pixels`: uint8 [N, H, W, 3], augmented; `labels`: float [N]; `taught`: float [N], what a teacher says;
    `mix`: how pictures are mixed once they are normalised.
    """

    pixels: Tensor
    labels: Tensor
    taught: Tensor | None
    mix: Mix | None

    def pinned(self) -> "Batch":
        """In page-locked memory, from which a GPU copies while it computes."""
        taught = None if self.taught is None else self.taught.pin_memory()
        return Batch(
            self.pixels.pin_memory(), self.labels.pin_memory(), taught, self.mix and self.mix.pinned()
        )


def draw_batches(
    examples: Examples, recipe: Recipe, epoch: int, process: int = 0, processes: int = 1
) -> Iterator[Batch]:
    """This process's share of every full batch of an epoch, augmented.

    Which pictures a batch has, and how each is moved and delivered, does not depend on how many processes
    share it; the mixing within a share does.
    """
    moving = torch.Generator().manual_seed(draw_seed(recipe.seed, epoch, 0))
    mixing = torch.Generator().manual_seed(draw_seed(recipe.seed, epoch, 1, process))
    delivering = torch.Generator().manual_seed(draw_seed(recipe.seed, epoch, 2))
    part = slice(process, None, processes)
    for rows in draw_rows(examples.train, recipe, epoch):
        moves = draw_moves(len(rows), recipe, moving).take(part)
        pixels, labels = examples.take(rows[part])
        pixels = move(pixels, moves)
        if recipe.deliver:
            pixels = deliver(pixels, draw_deliveries(len(rows), recipe.deliver, delivering).take(part))
        taught = torch.from_numpy(examples.taught[rows[part]]) if len(examples.taught) else None
        yield Batch(pixels, labels, taught, draw_mix(len(pixels), recipe, mixing))


def draw_rows(rows: Rows, recipe: Recipe, epoch: int) -> Iterator[Rows]:
    """The rows of every full batch, in an order that only seed and epoch decide."""
    order = np.random.default_rng([recipe.seed, epoch]).permutation(rows)
    for start in range(0, len(order) - recipe.batch_size + 1, recipe.batch_size):
        yield order[start : start + recipe.batch_size]


def draw_seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def ahead(items: Iterable[Item], count: int = AHEAD) -> Iterator[Item]:
    """The same items in the same order, the next `count` being made in a thread meanwhile."""
    source = iter(items)
    end = object()
    # torch counts threads for each thread: two teams on the same cores would wait for each other
    with ThreadPoolExecutor(1, "batches", torch.set_num_threads, (1,)) as thread:
        waiting: list[Future[object]] = [thread.submit(next, source, end) for _ in range(count)]
        for place in itertools.cycle(range(count)):
            item = waiting[place].result()
            if item is end:
                return
            waiting[place] = thread.submit(next, source, end)
            yield item  # type: ignore[misc]
