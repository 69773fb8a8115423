import copy

import pytest
import torch
from torch import nn

from doctored.models import build_network
from doctored.training import Recipe
from doctored.training.optimizer import MuonAdamW, hidden_convolutions, make_optimizer, orthogonalise


@pytest.mark.parametrize("shape", [(8, 8), (16, 72), (72, 16)])
def test_orthogonalise_keeps_singular_vectors_and_levels_values(shape: tuple[int, int]) -> None:
    """Oracle: the SVD. The source's quintic sends singular values to about 0.7 to 1.2."""
    torch.manual_seed(0)
    matrix = torch.randn(shape)
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    inner = u.T @ orthogonalise(matrix) @ v.T
    values = torch.diagonal(inner)
    assert (values > 0.5).all()
    assert (values < 1.3).all()
    off_diagonal = inner - torch.diag(values)
    assert off_diagonal.abs().max() < 1e-3


def test_groups_hold_every_weight_once() -> None:
    network = build_network("compact")
    optimizer = make_optimizer(network, Recipe(optimizer="muon"))
    held = [id(p) for group in optimizer.param_groups for p in group["params"]]
    assert sorted(held) == sorted(id(p) for p in network.parameters())
    assert [tuple(p.shape[:2]) for p in hidden_convolutions(network)] == [(64, 32), (128, 64)]


def test_adamw_half_is_adamw() -> None:
    """What is not a hidden convolution moves exactly as under torch's AdamW."""
    torch.manual_seed(0)
    ours, theirs = build_network("compact"), build_network("compact")
    theirs.load_state_dict(ours.state_dict())
    a = make_optimizer(ours, Recipe(optimizer="muon"))
    b = make_optimizer(theirs, Recipe(optimizer="adamw"))
    assert isinstance(a, MuonAdamW)
    gradients = [torch.randn_like(p) for p in ours.parameters()]
    for network, optimizer in ((ours, a), (theirs, b)):
        for parameter, gradient in zip(network.parameters(), gradients, strict=True):
            parameter.grad = gradient.clone()
        optimizer.step()
    hidden = {id(p) for p in hidden_convolutions(ours)}
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(mine, other) == (id(mine) not in hidden)


def test_state_survives_a_checkpoint() -> None:
    torch.manual_seed(0)
    network = build_network("compact")
    optimizer = make_optimizer(network, Recipe())

    def step() -> None:
        torch.manual_seed(1)
        for parameter in network.parameters():
            parameter.grad = torch.randn_like(parameter)
        optimizer.step()

    step()
    weights = {key: value.clone() for key, value in network.state_dict().items()}
    state = copy.deepcopy(optimizer.state_dict())
    restored = build_network("compact")
    restored.load_state_dict(weights)
    again = make_optimizer(restored, Recipe())
    again.load_state_dict(state)
    step()
    torch.manual_seed(1)
    for parameter in restored.parameters():
        parameter.grad = torch.randn_like(parameter)
    again.step()
    for a, b in zip(network.parameters(), restored.parameters(), strict=True):
        assert torch.equal(a, b)


def test_depthwise_filters_are_left_to_adamw() -> None:
    network = build_network("compact")
    depthwise = nn.Conv2d(8, 8, 3, groups=8)
    network.extra = nn.Sequential(depthwise, nn.Conv2d(8, 8, 3))
    hidden = {id(weight) for weight in hidden_convolutions(network)}
    assert id(depthwise.weight) not in hidden
    assert id(network.extra[1].weight) in hidden
