"""The two optimisers of a recipe, behind one that the loop steps.

Muon (Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks") replaces a weight
matrix's momentum by the nearest matrix with equal singular values. It trains the hidden convolutions, AdamW
everything else: the first layer, the head, biases and norms. PyTorch's own Muon takes matrices only.
"""

from typing import Any

import torch
from torch import Tensor, nn

from doctored.models import Network
from doctored.training.freezing import weights_by_stage
from doctored.training.recipe import Recipe

MOMENTUM = 0.9
# The quintic's coefficients and five steps are those of the source above: singular values end near 1.
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
STEPS = 5


def orthogonalise(matrix: Tensor) -> Tensor:
    """float [m, n] → float [m, n] with the same singular vectors and singular values near 1 (0.7 to 1.2)."""
    a, b, c = COEFFICIENTS
    wide: Tensor = matrix if matrix.size(0) <= matrix.size(1) else matrix.T
    x: Tensor = wide / (wide.norm() + 1e-7)
    for _ in range(STEPS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x if wide is matrix else x.T


class MuonAdamW(torch.optim.AdamW):
    """AdamW, but for the groups marked `orthogonal`, which Muon updates at `muon_ratio` times the rate."""

    def __init__(self, groups: list[dict[str, Any]], learning_rate: float) -> None:
        groups = [{"orthogonal": False, "muon_ratio": 1.0, **group} for group in groups]
        super().__init__(groups, lr=learning_rate, fused=True)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        all_groups = self.param_groups
        for group in all_groups:
            if group["orthogonal"]:
                self.step_orthogonal(group)
        self.param_groups = [group for group in all_groups if not group["orthogonal"]]
        try:
            super().step(closure)
        finally:
            self.param_groups = all_groups

    def step_orthogonal(self, group: dict[str, Any]) -> None:
        rate = group["lr"] * group["muon_ratio"]
        for weight in group["params"]:
            if weight.grad is None:
                continue
            state = self.state[weight]
            if not state:  # AdamW expects a step count of every state that it restores
                state.update(step=torch.zeros(()), momentum=torch.zeros_like(weight))
            momentum = state["momentum"]
            momentum.mul_(MOMENTUM).add_(weight.grad)
            update = orthogonalise((weight.grad + MOMENTUM * momentum).flatten(1))
            tall = max(1.0, update.size(0) / update.size(1)) ** 0.5
            weight.mul_(1 - rate * group["weight_decay"]).add_(update.view_as(weight), alpha=-rate * tall)


def make_optimizer(network: Network, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimiser, of the weights that take gradients; biases and norms are not decayed.

    A group's `rate_factor` is what the loop multiplies its learning rate by.
    """
    hidden = set(map(id, hidden_convolutions(network))) if recipe.optimizer == "muon" else set()
    orthogonal = {
        "weight_decay": recipe.muon_weight_decay,
        "orthogonal": True,
        "muon_ratio": recipe.muon_rate / recipe.learning_rate,
    }
    groups: list[dict[str, Any]] = []
    for factor, weights in weights_by_rate(network, recipe.layer_decay):
        others = [weight for weight in weights if id(weight) not in hidden]
        kinds: list[dict[str, Any]] = [
            {"params": [weight for weight in others if weight.ndim > 1], "weight_decay": recipe.weight_decay},
            {"params": [weight for weight in others if weight.ndim <= 1], "weight_decay": 0.0},
            {"params": [weight for weight in weights if id(weight) in hidden], **orthogonal},
        ]
        groups += [{"rate_factor": factor, **kind} for kind in kinds if kind["params"]]
    if not hidden:
        return torch.optim.AdamW(groups, lr=recipe.learning_rate, fused=True)
    return MuonAdamW(groups, recipe.learning_rate)


def weights_by_rate(network: Network, decay: float) -> list[tuple[float, list[nn.Parameter]]]:
    """The weights that learn, and at which factor of the learning rate.

    The head learns at 1, and each stage nearer the pixels at `decay` times the next one's factor: layer-wise
    rates, as in Clark et al. 2020 (ELECTRA) and Bao et al. 2022 (BEiT).
    """
    if decay == 1:
        return [(1.0, [weight for weight in network.parameters() if weight.requires_grad])]
    parts = weights_by_stage(network)
    return [
        (decay ** (len(parts) - 1 - depth), [weight for weight in weights if weight.requires_grad])
        for depth, weights in enumerate(parts)
    ]


def hidden_convolutions(network: Network) -> list[Tensor]:
    """Weights that learn of convolutions that neither see pixels nor are the head, nor LoRA's adapters, nor
    depthwise: a channel's own filter is no matrix between channels."""
    return [
        module.weight
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d)
        and module is not network.head
        and module.in_channels > 3
        and module.groups == 1
        and module.weight.requires_grad
        and ".lora_" not in name
    ]
