"""timm cannot be imported beside a CPU torch: the refusal is tested here, and the reading on stand-ins."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import zoo
from doctored.errors import UsageError
from doctored.models import build_network


class Grid(nn.Module):
    """A body of timm's interface that returns a grid."""

    feature_info = (SimpleNamespace(), {"reduction": 8})
    pretrained_cfg = {"mean": (0.5, 0.5, 0.5), "std": (0.25, 0.25, 0.25)}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 8, 8)

    def forward_features(self, x: Tensor) -> Tensor:
        return self.patches(x).relu()


class TokenBody(Grid):
    """The same with two tokens before the patches, and a norm that timm applies to the pooled token."""

    num_prefix_tokens = 2

    def __init__(self) -> None:
        super().__init__()
        self.fc_norm = nn.LayerNorm(16)

    def forward_features(self, x: Tensor) -> Tensor:
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        return torch.cat([torch.full((len(x), 2, 16), 9.0), tokens], 1)


@pytest.fixture
def timm(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = []

    def create_model(name: str, **settings: Any) -> nn.Module:
        calls.append({"name": name, **settings})
        if name == "grid" and "dynamic_img_size" in settings:
            raise TypeError("unexpected keyword argument 'dynamic_img_size'")
        return {"grid": Grid, "tokens": TokenBody}[name]()

    module = ModuleType("timm")
    module.create_model = create_model  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "timm", module)
    monkeypatch.setitem(sys.modules, "torchvision", ModuleType("torchvision"))
    return calls


@pytest.mark.parametrize("name", ["grid", "tokens"])
def test_the_contract_holds(name: str, timm: list[dict[str, Any]]) -> None:
    family = zoo.Family(lambda **settings: build_network(f"timm/{name}", **settings))
    net, pixels = zoo.make(family), zoo.pictures(family.side)
    assert zoo.pooling_deviation(net, pixels) <= 1e-5
    assert zoo.grad_cam_deviation(net, pixels) <= 1e-4
    assert zoo.misplaced_changes(net, 128) == []
    assert zoo.unused_weights(net, pixels) == []
    assert net.stages()[0] is net.body.patches
    assert all(call["num_classes"] == 0 and not call["pretrained"] for call in timm)


def test_pretrained_weights_bring_their_normalisation(timm: list[dict[str, Any]]) -> None:
    assert build_network("timm/grid").normalisation is None
    assert build_network("timm/grid", weights="pretrained").normalisation == ((0.5,) * 3, (0.25,) * 3)
    assert timm[-1]["pretrained"] is True
    with pytest.raises(UsageError, match="'pretrained' or none"):
        build_network("timm/grid", weights="a/folder")


def test_an_unknown_name_is_a_usage_error(timm: list[dict[str, Any]]) -> None:
    with pytest.raises(UsageError, match="timm makes no 'gird'"):
        build_network("timm/gird")


def test_without_torchvision_it_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(UsageError, match="needs timm and a torchvision that fits this torch"):
        build_network("timm/resnet18")
