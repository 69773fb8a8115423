import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from doctored.training import Recipe
from doctored.training.batches import Examples, ahead, draw_batches, draw_rows, draw_seed

NONE = np.zeros(0, np.int64)


def toy(count: int = 70, size: int = 8) -> Examples:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (count, size, size, 3), np.uint8)
    return Examples(pixels, np.arange(count, dtype=np.uint8) % 2, np.arange(count), NONE, NONE)


def taught() -> Examples:
    return replace(toy(), taught=np.random.default_rng(1).random(70, np.float32))


def test_rows_are_a_permutation_that_seed_and_epoch_decide() -> None:
    rows = np.arange(100, 170)

    def order(seed: int, epoch: int) -> list[int]:
        parts = list(draw_rows(rows, Recipe(batch_size=16, seed=seed), epoch))
        assert [len(part) for part in parts] == [16] * 4
        return [int(row) for part in parts for row in part]

    assert order(0, 0) == order(0, 0)
    assert len({tuple(order(0, 0)), tuple(order(0, 1)), tuple(order(1, 0))}) == 3
    assert len(set(order(0, 0))) == 64
    assert set(order(0, 0)) <= set(rows.tolist())


def test_processes_share_what_one_would_see_alone() -> None:
    recipe = Recipe(size=8, batch_size=16, deliver=0.5, rotate_share=0.3)
    examples = taught()
    alone = list(draw_batches(examples, recipe, 3))
    shared = [list(draw_batches(examples, recipe, 3, process, 2)) for process in range(2)]
    for step, whole in enumerate(alone):
        for process in range(2):
            part = shared[process][step]
            for name in ("pixels", "labels", "taught"):
                assert torch.equal(getattr(part, name), getattr(whole, name)[process::2])


def test_a_share_of_the_pictures_is_delivered_and_keeps_what_the_teacher_said() -> None:
    recipe = Recipe(size=8, batch_size=32, deliver=0.5, crop=0, flip=False, rotate_share=0.0)
    examples = taught()
    for batch, rows in zip(
        draw_batches(examples, recipe, 0), draw_rows(examples.train, recipe, 0), strict=True
    ):
        assert batch.taught is not None
        np.testing.assert_array_equal(batch.taught.numpy(), examples.taught[rows])
        changed = (batch.pixels.numpy() != examples.pixels[rows]).any((1, 2, 3)).mean()
        assert 0.15 < changed < 0.85


def test_without_a_teacher_nothing_is_taught() -> None:
    assert all(batch.taught is None for batch in draw_batches(toy(), Recipe(size=8, batch_size=32), 0))


def test_seeds_differ_by_their_numbers() -> None:
    seeds = {draw_seed(*numbers) for numbers in itertools.product(range(3), repeat=3)}
    assert len(seeds) == 27


@pytest.mark.parametrize("count", [1, 3, 10])
def test_ahead_keeps_the_order(count: int) -> None:
    assert list(ahead(range(7), count)) == list(range(7))
    assert list(ahead([], count)) == []


def test_what_goes_wrong_ahead_is_raised_where_it_is_awaited() -> None:
    def failing():
        yield 1
        raise ZeroDivisionError

    items = ahead(failing())
    assert next(items) == 1
    with pytest.raises(ZeroDivisionError):
        next(items)


def test_an_abandoned_epoch_leaves_no_thread_behind() -> None:
    import threading

    items = ahead(itertools.count())
    assert next(items) == 0
    items.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("batches")]


def test_what_is_made_ahead_does_not_compete_for_the_cores() -> None:
    def count_threads():
        yield torch.get_num_threads()

    before = torch.get_num_threads()
    assert list(ahead(count_threads())) == [1]
    assert torch.get_num_threads() == before
