"""What is frozen does not move by a bit, what learns learns at its own rate, and a resumed run agrees."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from accelerate import Accelerator

from doctored.errors import UsageError
from doctored.models import Network, build_network, count_parameters, network_names
from doctored.training import Recipe, checkpoint
from doctored.training.freezing import adapt, count_frozen, learnable_stages, weights_by_stage
from doctored.training.loop import Average, Hooks, Loop, fit, learning_rate
from doctored.training.optimizer import make_optimizer, weights_by_rate
from doctored.training.precision import Way
from toy_examples import toy_examples

PLAIN = Recipe(epochs=2, batch_size=16, average=0.9, precision="fp32", compile="off", warmup=0.0, threads=1)
STAGES = 3  # of the compact network


def fresh(name: str = "compact") -> Network:
    torch.manual_seed(0)
    return build_network(name)


def trained(recipe: Recipe, folder: Path, hooks: Hooks | None = None) -> Network:
    network = fresh()
    adapt(network, recipe)
    fit(network, toy_examples(), recipe, Way(), folder, Accelerator(cpu=True), hooks or Hooks())
    return network


def moved_stages(network: Network) -> list[bool]:
    """Of each stage, and last of the head, whether any weight or statistic has changed."""
    start = fresh()
    parts = [
        *zip(learnable_stages(network), learnable_stages(start), strict=True),
        (network.head, start.head),
    ]
    return [
        any(
            not torch.equal(now, before)
            for now, before in zip(part.state_dict().values(), old.state_dict().values(), strict=True)
        )
        for part, old in parts
    ]


@pytest.mark.parametrize(
    ("freeze", "moved"),
    [
        (0, [True] * 4),
        (1, [False, True, True, True]),
        (2, [False, False, True, True]),
        (-1, [False] * 3 + [True]),
    ],
)
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_frozen_stages_do_not_change_by_a_bit(
    freeze: int, moved: list[bool], optimizer: str, tmp_path: Path
) -> None:
    recipe = replace(PLAIN, freeze=freeze, optimizer=optimizer, epochs=1)
    assert moved_stages(trained(recipe, tmp_path)) == moved


def test_stages_thaw_one_by_one_from_the_head() -> None:
    recipe = replace(PLAIN, freeze=-1, unfreeze_every=2)
    counts = [count_frozen(fresh(), recipe, epoch) for epoch in range(8)]
    assert counts == [3, 3, 2, 2, 1, 1, 0, 0]


def test_what_thaws_in_time_learns_and_what_does_not_stays(tmp_path: Path) -> None:
    recipe = replace(PLAIN, freeze=-1, unfreeze_every=1, epochs=3)
    assert moved_stages(trained(recipe, tmp_path)) == [False, True, True, True]


def test_thawing_survives_an_interruption(tmp_path: Path) -> None:
    recipe = replace(PLAIN, freeze=-1, unfreeze_every=1, epochs=3)
    whole = trained(recipe, tmp_path / "whole")

    def interrupt(row: dict[str, object]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(recipe, tmp_path / "cut", Hooks(epoch=interrupt))
    resumed = trained(recipe, tmp_path / "cut")
    for now, before in zip(resumed.state_dict().values(), whole.state_dict().values(), strict=True):
        assert torch.equal(now, before)


def test_frozen_weights_are_in_no_group_and_have_no_average() -> None:
    network, recipe = fresh(), replace(PLAIN, freeze=2)
    adapt(network, recipe)
    held = {id(p) for group in make_optimizer(network, recipe).param_groups for p in group["params"]}
    frozen, learning = learnable_stages(network)[:2], [learnable_stages(network)[2], network.head]
    assert held == {id(p) for part in learning for p in part.parameters()}
    average, state = Average(network, 0.9), network.state_dict()
    shared = {name for name, value in average.weights.items() if value.data_ptr() == state[name].data_ptr()}
    owned = {id(p) for stage in frozen for p in stage.parameters()}
    assert shared == {name for name, p in network.named_parameters() if id(p) in owned}


def test_all_weights_are_counted_whether_they_learn_or_not() -> None:
    network = fresh()
    adapt(network, replace(PLAIN, freeze=-1))
    assert count_parameters(network) == count_parameters(fresh()) == 93_825


@pytest.mark.parametrize("name", network_names())
def test_every_weight_is_in_one_stage_or_in_the_head(name: str) -> None:
    network = fresh(name)
    parts = weights_by_stage(network)
    assert [id(p) for p in parts[-1]] == [id(p) for p in network.head.parameters()]
    assert sorted(id(p) for part in parts for p in part) == sorted(id(p) for p in network.parameters())
    assert all(parts)
    assert len(parts) > 2


def test_each_stage_learns_at_its_own_rate() -> None:
    """Oracle: the first step of AdamW without decay moves every weight by the learning rate."""
    recipe = replace(
        PLAIN, layer_decay=0.5, optimizer="adamw", weight_decay=0.0, learning_rate=1e-3, average=0.0
    )
    network = fresh()
    loop = Loop(network, toy_examples(), recipe, Way(), Accelerator(cpu=True), Hooks())
    before = [[p.detach().clone() for p in part] for part in weights_by_stage(network)]
    network.train()
    loop.step(next(loop.batches(0)), rate=learning_rate(recipe, 1, 10))
    for depth, (old, new) in enumerate(zip(before, weights_by_stage(network), strict=True)):
        steps = torch.cat([(b - a).abs().flatten() for a, b in zip(old, new, strict=True)])
        expected = learning_rate(recipe, 1, 10) * 0.5 ** (STAGES - depth)
        assert float(steps.detach().median()) == pytest.approx(expected, rel=1e-3)


def test_rates_are_one_where_nothing_decays() -> None:
    network = fresh()
    ((factor, weights),) = weights_by_rate(network, 1.0)
    assert factor == 1.0
    assert [id(p) for p in weights] == [id(p) for p in network.parameters()]


def test_nonsense_is_refused() -> None:
    with pytest.raises(UsageError, match="has 3 stages"):
        adapt(fresh(), replace(PLAIN, freeze=4))
    with pytest.raises(UsageError, match="leave freeze at 0"):
        replace(PLAIN, freeze=1, lora=4)
    with pytest.raises(UsageError, match="set freeze too"):
        replace(PLAIN, unfreeze_every=1)
    several = SimpleNamespace(num_processes=2)
    with pytest.raises(UsageError, match="train without torchrun"):
        Loop(fresh(), toy_examples(), replace(PLAIN, freeze=1, unfreeze_every=1), Way(), several, Hooks())  # type: ignore[arg-type]


def test_best_weights_are_those_of_a_plain_network(tmp_path: Path) -> None:
    trained(replace(PLAIN, freeze=2, epochs=1), tmp_path)
    fresh().load_state_dict(checkpoint.load(tmp_path / "checkpoints" / "best.pt")["network"])
