import itertools

import numpy as np
import pytest
import torch
from accelerate import Accelerator

from doctored.models import build_network
from doctored.training import Recipe
from doctored.training.loop import Average, Examples, batches, draw_seed, is_exhausted, learning_rate, predict
from doctored.training.precision import Way, candidates


def test_learning_rate_rises_then_falls_to_zero() -> None:
    recipe = Recipe(learning_rate=2.0, warmup=0.25)
    rates = [learning_rate(recipe, step, 100) for step in range(1, 101)]
    assert rates[24] == pytest.approx(2.0)
    assert all(a < b for a, b in itertools.pairwise(rates[:25]))
    assert all(a > b for a, b in itertools.pairwise(rates[24:]))
    assert rates[-1] == pytest.approx(0.0, abs=1e-12)


def test_batches_are_a_permutation_that_seed_and_epoch_decide() -> None:
    rows, accelerator = np.arange(100, 170), Accelerator(cpu=True)

    def order(seed: int, epoch: int) -> list[int]:
        parts = list(batches(rows, Recipe(batch_size=16, seed=seed), epoch, accelerator))
        assert [len(part) for part in parts] == [16] * 4
        return [int(row) for part in parts for row in part]

    assert order(0, 0) == order(0, 0)
    assert len({tuple(order(0, 0)), tuple(order(0, 1)), tuple(order(1, 0))}) == 3
    assert len(set(order(0, 0))) == 64
    assert set(order(0, 0)) <= set(rows.tolist())


def test_seeds_differ_by_epoch_and_process() -> None:
    seeds = {
        draw_seed(seed, epoch, process) for seed in range(3) for epoch in range(3) for process in range(3)
    }
    assert len(seeds) == 27


@pytest.mark.parametrize(
    ("losses", "patience", "stops"),
    [
        ([3, 2, 1], 2, False),
        ([1, 2, 3], 2, True),
        ([1, 2], 2, False),
        ([2, 1, 3, 3], 2, True),
        ([2, 3, 3, 1], 3, False),
        ([1, 2, 3, 4], 0, False),
    ],
)
def test_patience(losses: list[float], patience: int, stops: bool) -> None:
    assert is_exhausted([{"val_loss": loss} for loss in losses], patience) is stops


def test_average_is_the_exponential_one_and_the_network_gets_its_own_back() -> None:
    torch.manual_seed(0)
    network = build_network("compact")
    average = Average(network, 0.9)
    expected = network.head.bias.detach().double().clone()
    for step in range(30):
        with torch.no_grad():
            network.head.bias += 0.1
        average.update(network, step)
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * network.head.bias.detach().double()
    torch.testing.assert_close(average.weights["head.bias"].double(), expected, atol=1e-5, rtol=1e-5)
    own = network.head.bias.detach().clone()
    with average.applied(network):
        assert torch.equal(network.head.bias, average.weights["head.bias"])
    assert torch.equal(network.head.bias, own)


def test_predict_does_not_depend_on_how_rows_are_cut() -> None:
    torch.manual_seed(0)
    network = build_network("compact")
    pixels = np.random.default_rng(0).integers(0, 256, (30, 32, 32, 3), dtype=np.uint8)
    none = np.zeros(0, np.int64)
    examples = Examples(pixels, np.zeros(30, np.uint8), none, none, none)
    together, _ = predict(network, examples, np.arange(30), Way(), torch.device("cpu"))
    alone = [
        predict(network, examples, np.array([row]), Way(), torch.device("cpu"))[0][0] for row in range(30)
    ]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_what_the_recipe_fixes_is_not_timed() -> None:
    cpu = torch.device("cpu")
    assert candidates(Recipe(precision="fp32", compile="off"), cpu, 10**6) == [Way()]
    assert candidates(Recipe(precision="bf16", compile="on"), cpu, 1) == [Way("bf16", compiled=True)]
    assert len({way.precision for way in candidates(Recipe(), cpu, 10)}) == 2
    assert not any(way.compiled for way in candidates(Recipe(), cpu, 10))
