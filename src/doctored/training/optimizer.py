"""The two optimisers of a recipe, behind one that the loop steps.

Muon (Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks") replaces a weight
matrix's momentum by the nearest matrix with equal singular values. It trains the hidden convolutions, AdamW
everything else: the first layer, the head, biases and norms. PyTorch's own Muon takes matrices only.
"""

from typing import Any

import torch
from torch import Tensor, nn

from doctored.models import Network
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
    """The recipe's optimiser; biases and norms are not decayed."""
    hidden = hidden_convolutions(network) if recipe.optimizer == "muon" else []
    others = [p for p in network.parameters() if not any(p is q for q in hidden)]
    decayed = {"params": [p for p in others if p.ndim > 1], "weight_decay": recipe.weight_decay}
    undecayed = {"params": [p for p in others if p.ndim <= 1], "weight_decay": 0.0}
    if not hidden:
        return torch.optim.AdamW([decayed, undecayed], lr=recipe.learning_rate, fused=True)
    orthogonal = {
        "params": hidden,
        "weight_decay": recipe.muon_weight_decay,
        "orthogonal": True,
        "muon_ratio": recipe.muon_rate / recipe.learning_rate,
    }
    return MuonAdamW([decayed, undecayed, orthogonal], recipe.learning_rate)


def hidden_convolutions(network: Network) -> list[Tensor]:
    """Weights of convolutions that neither see pixels nor are the head."""
    return [
        module.weight
        for module in network.modules()
        if isinstance(module, nn.Conv2d) and module is not network.head and module.in_channels > 3
    ]
