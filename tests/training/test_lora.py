"""LoRA changes nothing at its start, little of the network while it learns, and leaves a plain one behind."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from doctored.errors import MissingExtra, UsageError
from doctored.models import Network, build_network, count_parameters
from doctored.training import Recipe, checkpoint
from doctored.training.freezing import adapt
from doctored.training.loop import Hooks, fit
from doctored.training.lora import adaptable_layers, merge, merged_weights
from doctored.training.optimizer import make_optimizer
from doctored.training.precision import Way
from toy_examples import toy_examples

pytest.importorskip("peft", reason="the extra 'train' brings it")

RANK = 2
RECIPE = Recipe(
    network="tiny",
    lora=RANK,
    epochs=2,
    batch_size=16,
    average=0.9,
    precision="fp32",
    compile="off",
    threads=1,
)


class Tiny(Network):
    """Patches of 4×4, a 1×1 convolution with a norm, and a linear layer on each cell."""

    def __init__(self) -> None:
        super().__init__(12)
        self.patches = nn.Conv2d(3, 16, kernel_size=4, stride=4)
        self.mixing = nn.Sequential(nn.Conv2d(16, 16, kernel_size=1), nn.BatchNorm2d(16), nn.GELU())
        self.lift = nn.Linear(16, 12)

    def features(self, x: Tensor) -> Tensor:
        cells = self.mixing(self.patches(x)).permute(0, 2, 3, 1)
        return self.lift(cells).permute(0, 3, 1, 2)  # type: ignore[no-any-return]


def fresh(seed: int = 0) -> Tiny:
    torch.manual_seed(seed)
    return Tiny()


def adapted() -> Tiny:
    network = fresh()
    adapt(network, RECIPE)
    return network


def pictures() -> Tensor:
    return fresh().normalise(torch.from_numpy(toy_examples().pixels[:8]))


def run(folder: Path, hooks: Hooks | None = None) -> Tiny:
    network = adapted()
    fit(network, toy_examples(), RECIPE, Way(), folder, Accelerator(cpu=True), hooks or Hooks())
    return network


def test_adapters_change_nothing_before_they_learn() -> None:
    with torch.no_grad():
        assert torch.equal(adapted().eval()(pictures()).logit, fresh().eval()(pictures()).logit)


def test_linear_and_pointwise_layers_are_adapted_and_nothing_else_learns_but_the_head() -> None:
    assert adaptable_layers(fresh()) == ["mixing.0", "lift"]
    network = adapted()
    learning = {name for name, weight in network.named_parameters() if weight.requires_grad}
    assert {name for name in learning if ".lora_" not in name} == {"head.weight", "head.bias"}
    assert len(learning) == 2 + 2 * 2
    held = [p for group in make_optimizer(network, RECIPE).param_groups for p in group["params"]]
    assert sorted(map(id, held)) == sorted(id(w) for w in network.parameters() if w.requires_grad)


def test_the_merged_network_equals_the_adapted_one_and_differs_by_a_low_rank() -> None:
    network = adapted().eval()
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if ".lora_B" in name:
                weight.normal_()
        expected = network(pictures())
        plain = fresh(seed=1).eval()
        plain.load_state_dict(merged_weights(network))
        assert torch.equal(network(pictures()).logit, expected.logit)  # it was not touched
        merge(network)
        for merged in (plain, network):
            torch.testing.assert_close(merged(pictures()).map, expected.map, atol=1e-5, rtol=1e-5)
            torch.testing.assert_close(merged(pictures()).logit, expected.logit, atol=1e-5, rtol=1e-5)
    change = plain.lift.weight - fresh().lift.weight
    assert torch.linalg.matrix_rank(change.detach(), atol=1e-4) == RANK
    assert not [name for name, _ in network.named_modules() if "lora" in name]
    assert count_parameters(network) == count_parameters(fresh())


def test_a_run_leaves_a_plain_network_in_which_only_adapted_layers_and_head_have_moved(
    tmp_path: Path,
) -> None:
    network = run(tmp_path)
    stored = checkpoint.load(tmp_path / "checkpoints" / "best.pt")["network"]
    plain = fresh(seed=1)
    plain.load_state_dict(stored)
    before = fresh().state_dict()
    moved = {name for name, value in plain.state_dict().items() if not torch.equal(value, before[name])}
    assert moved == {"mixing.0.weight", "lift.weight", "head.weight", "head.bias"}
    for now, kept in zip(network.state_dict().values(), plain.state_dict().values(), strict=True):
        assert torch.equal(now, kept)


def test_a_run_that_was_interrupted_ends_like_one_that_was_not(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole")

    def interrupt(row: dict[str, object]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", Hooks(epoch=interrupt))
    resumed = run(tmp_path / "cut")
    again = run(tmp_path / "cut")  # a run that had learnt all, but was not published
    for network in (resumed, again):
        for now, before in zip(network.state_dict().values(), whole.state_dict().values(), strict=True):
            assert torch.equal(now, before)


def test_a_network_without_such_layers_is_refused() -> None:
    with pytest.raises(UsageError, match="'compact' has none"):
        adapt(build_network("compact"), replace(RECIPE, network="compact"))


def test_without_peft_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(MissingExtra, match=r"doctored\[train\]"):
        adapted()
