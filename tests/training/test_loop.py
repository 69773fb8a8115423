import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as functional

from doctored.models import build_network
from doctored.training import Recipe
from doctored.training.batches import Examples
from doctored.training.loop import Average, follow, is_exhausted, learning_rate, make_loss, predict
from doctored.training.precision import Way, candidates


def test_learning_rate_rises_then_falls_to_zero() -> None:
    recipe = Recipe(learning_rate=2.0, warmup=0.25)
    rates = [learning_rate(recipe, step, 100) for step in range(1, 101)]
    assert rates[24] == pytest.approx(2.0)
    assert all(a < b for a, b in itertools.pairwise(rates[:25]))
    assert all(a > b for a, b in itertools.pairwise(rates[24:]))
    assert rates[-1] == pytest.approx(0.0, abs=1e-12)


def test_schedules_end_where_they_say() -> None:
    ends = {
        name: learning_rate(Recipe(learning_rate=2.0, schedule=name), 100, 100)
        for name in ("cosine", "linear", "constant")
    }
    assert ends == pytest.approx({"cosine": 0.0, "linear": 0.0, "constant": 2.0}, abs=1e-12)
    assert learning_rate(Recipe(learning_rate=2.0, warmup=0.0, schedule="linear"), 50, 99) == pytest.approx(
        1.0
    )


def test_a_teacher_is_followed_only_where_it_is_right() -> None:
    targets = torch.tensor([0.98, 0.98, 0.02, 0.02])
    taught = torch.tensor([0.6, 0.4, 0.3, 0.9])
    expected = torch.tensor([0.79, 0.98, 0.16, 0.02])
    torch.testing.assert_close(follow(targets, taught, 0.5), expected)


def test_with_balance_a_rare_class_weighs_as_much_as_the_other() -> None:
    none = np.zeros(0, np.int64)
    labels = np.array([1] * 3 + [0] * 9, np.uint8)
    examples = Examples(np.zeros((12, 8, 8, 3), np.uint8), labels, np.arange(12), none, none)
    logits, targets = torch.randn(12), torch.from_numpy(labels).float()
    each = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    expected = (each[:3].mean() + each[3:].mean()) / 2
    torch.testing.assert_close(make_loss(examples, Recipe(balance=True))(logits, targets), expected)
    torch.testing.assert_close(make_loss(examples, Recipe())(logits, targets), each.mean())


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


def test_large_pictures_are_judged_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("doctored.training.loop.PIXELS_AT_ONCE", 3 * 16 * 16 + 5)
    none = np.zeros(0, np.int64)
    pixels = np.random.default_rng(0).integers(0, 256, (7, 16, 16, 3), dtype=np.uint8)
    examples = Examples(pixels, np.zeros(7, np.uint8), np.arange(7), none, none)
    network, sizes = build_network("compact"), []
    network.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    logits, embeddings = predict(network, examples, np.arange(7), Way(), torch.device("cpu"))
    assert sizes == [3, 3, 1]
    assert (logits.shape, embeddings.shape) == ((7,), (7, 128))


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
