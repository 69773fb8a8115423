"""The zoo's contract in numbers, and every family of the zoo small enough to be looked at in a moment.

A family here is the class that makes the network, with fewer and narrower layers where the published one
takes seconds; families of transformers come from a folder with a tiny `config.json`, as a user's would.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor

from doctored.detector.session import Session
from doctored.models import Network, Pool, build_network
from doctored.models.efficientnet_lite import EfficientNetLite
from doctored.models.resnet import resnet
from doctored.models.vgg import VGG
from doctored.models.vit import vit
from doctored.training.export import DetectorGraph, Neighbourhood, to_onnx
from doctored.training.optimizer import make_optimizer
from doctored.training.parity import largest_difference
from doctored.training.recipe import Recipe
from toy_detectors import toy_card

TOKENS = {"image_size": 32, "patch_size": 8, "hidden_size": 32, "num_hidden_layers": 2}
TOKENS |= {"num_attention_heads": 2, "intermediate_size": 64}
SWIN = {
    "image_size": 32,
    "patch_size": 4,
    "embed_dim": 16,
    "depths": [1, 1],
    "num_heads": [2, 2],
    "window_size": 4,
}
STAGES: dict[str, Any] = {"depths": [1, 1], "hidden_sizes": [16, 32]}
# transformers' `model_type` → what makes a tiny one; its configuration's other values are its own.
KINDS: dict[str, dict[str, Any]] = {
    "clip_vision_model": TOKENS,
    "convnext": {**STAGES, "num_stages": 2},
    "convnextv2": {**STAGES, "num_stages": 2},
    "deit": TOKENS,
    "dinov2": {**TOKENS, "mlp_ratio": 2},
    "dinov2_with_registers": {**TOKENS, "mlp_ratio": 2, "num_register_tokens": 3},
    "dinov3_vit": {**TOKENS, "num_register_tokens": 3},
    "efficientnet": {
        "width_coefficient": 0.25,
        "depth_coefficient": 0.1,
        "hidden_dim": 320,
        "initializer_range": 0.2,
    },
    "mobilenet_v2": {"depth_multiplier": 0.25},
    "regnet": {**STAGES, "embedding_size": 16, "groups_width": 8},
    "resnet": {**STAGES, "embedding_size": 16},
    "siglip_vision_model": TOKENS,
    "swin": SWIN,
    "swinv2": SWIN,
}
SIDE = 48  # pixels: other than the 32 that positions were made for


class Family(NamedTuple):
    build: Callable[..., Network]
    side: int = SIDE


def own_families() -> dict[str, Family]:
    """The families that are built by a name alone."""
    return {
        "compact": Family(lambda **settings: build_network("compact", **settings), 32),
        "residual": Family(lambda **settings: build_network("residual-small", **settings), 32),
        "resnet18": Family(lambda **settings: resnet("basic", (8, 12, 16, 24), (1, 1, 1, 1), **settings), 64),
        "resnet50": Family(
            lambda **settings: resnet("bottleneck", (16, 24, 32, 48), (1, 1, 1, 1), **settings), 64
        ),
        "vgg19": Family(lambda **settings: VGG([(8, 8), (12,), (16, 16)], **settings)),
        "vit": Family(
            lambda **settings: vit(32, 2, num_hidden_layers=2, image_size=32, patch_size=8, **settings)
        ),
        "efficientnet-lite": Family(lambda **settings: EfficientNetLite(0.25, 0.3, **settings), 64),
    }


def transformers_families(folder: Path) -> dict[str, Family]:
    """`hf/FOLDER` for every kind of `KINDS`, its configuration written below `folder`."""
    from transformers import AutoConfig

    families = {}
    for kind, settings in KINDS.items():
        AutoConfig.for_model(kind, **settings).save_pretrained(folder / kind)
        families[f"hf/{kind}"] = Family(
            lambda name=f"hf/{folder / kind}", **others: build_network(name, **others), 64
        )
    return families


def make(family: Family, pool: Pool | None = None, **settings: Any) -> Network:
    """A network with seeded weights whose batch norms have seen pictures, as those of a trained one have."""
    torch.manual_seed(0)
    network = family.build(pool=pool, **settings)
    norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    usual = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        network(network.normalise(pictures(family.side, 8)))
    for norm, momentum in zip(norms, usual, strict=True):
        norm.momentum = momentum
    return network.eval()


def pictures(side: int, count: int = 4) -> Tensor:
    """uint8 [count, side, side, 3], every second one smooth, so that there is something to tell apart."""
    generator = torch.Generator().manual_seed(3)
    coarse = torch.rand(count, 3, 4, 4, generator=generator)
    smooth = functional.interpolate(coarse, (side, side), mode="bilinear")
    noise = torch.rand(count, 3, side, side, generator=generator)
    chosen = torch.where(torch.arange(count)[:, None, None, None] % 2 == 0, smooth, noise)
    return (255 * chosen).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def pooling_deviation(network: Network, pixels: Tensor) -> float:
    """The largest difference between the logit and the pooling of the map, done again in float64."""
    with torch.no_grad():
        evidence = network(network.normalise(pixels))
    cells = evidence.map.double().flatten(1)
    pool = network.pool
    if pool.kind == "mean":
        expected = cells.mean(1)
    else:
        expected = pool.temperature * (cells / pool.temperature).exp().mean(1).log()
    return float((evidence.logit.double() - expected).abs().max())


def company_deviation(network: Network, pixels: Tensor) -> float:
    """The largest difference in logit between a picture in a batch and the same picture alone."""
    with torch.no_grad():
        x = network.normalise(pixels)
        alone = torch.cat([network(row[None]).logit for row in x])
        return float((network(x).logit - alone).abs().max())


def grad_cam_deviation(network: Network, pixels: Tensor) -> float:
    """How far the map, less the head's constant, is from Grad-CAM before its ReLU, up to scale.

    Grad-CAM (Selvaraju et al. 2017): the features' channels weighted by the mean of the logit's gradient over
    all places. Features and gradients are taken by a hook where they enter the head; a symmetric network has
    two, and the mirrored one is turned back.
    """
    seen: list[Tensor] = []

    def keep(module: torch.nn.Module, entering: tuple[Tensor, ...]) -> None:
        entering[0].retain_grad()
        seen.append(entering[0])

    handle = network.head.register_forward_pre_hook(keep)
    try:
        evidence = network(network.normalise(pixels))
        evidence.logit.sum().backward()
    finally:
        handle.remove()
        network.zero_grad()
    cams = []
    for features in seen:
        assert features.grad is not None
        weights = features.grad.mean((2, 3), keepdim=True)
        cams.append((weights * features).sum(1, keepdim=True))
    cam = cams[0] + cams[1].flip(3) if network.symmetric else cams[0]
    assert len(cams) == 1 + network.symmetric
    ours = evidence.map - network.head.bias.view(1, 1, 1, 1)
    scale = cam.flatten(1).norm(dim=1) / ours.flatten(1).norm(dim=1)
    difference = (cam - scale.view(-1, 1, 1, 1) * ours).flatten(1).norm(dim=1)
    return float((difference / cam.flatten(1).norm(dim=1)).max().detach())


def losses_of_a_step(network: Network, pixels: Tensor) -> tuple[float, float]:
    """The loss before and after one step of the recipe's AdamW on a toy batch, in training mode."""
    network.train()
    targets = (torch.arange(len(pixels)) % 2).float()
    optimizer = make_optimizer(network, Recipe(optimizer="adamw", learning_rate=1e-3))

    def loss() -> Tensor:
        torch.manual_seed(1)
        return functional.binary_cross_entropy_with_logits(network(network.normalise(pixels)).logit, targets)

    before = loss()
    before.backward()
    optimizer.step()
    after = float(loss().detach())
    network.eval()
    return float(before.detach()), after


def unused_weights(network: Network, pixels: Tensor) -> list[str]:
    """Weights that would learn and get no gradient: data-parallel training stops at such."""
    network(network.normalise(pixels)).logit.sum().backward()
    unused = [name for name, w in network.named_parameters() if w.requires_grad and w.grad is None]
    network.zero_grad()
    return unused


def export_deviation(network: Network, side: int) -> float:
    """The largest difference in probability between torch and the exported file in the detector's session."""
    channels = network.place_width()
    graph = DetectorGraph(network, 1.7, -0.3, Neighbourhood(np.zeros(channels), np.eye(channels)))
    temperature = None if network.pool.kind == "mean" else graph.pool.temperature
    card = toy_card(size=side, pool=network.pool.kind, temperature=temperature)
    session = Session(to_onnx(graph, side, card.to_json()))
    return largest_difference(graph, session.run, pictures(side, 8).numpy())


def misplaced_changes(network: Network, side: int) -> list[str]:
    """Neighbouring corners of a picture whose changes are felt in the wrong order on the map.

    A third of the picture a side is inverted in each corner in turn. How strongly each cell's features change
    has a centre; that of a lower corner must lie lower than that of the corner above it, that of a right one
    further right.
    """
    base, third = pictures(side, 1), math.ceil(side / 3)
    centres: dict[tuple[int, int], tuple[float, float]] = {}
    with torch.no_grad():
        before = network.features(network.normalise(base))
        for down, across in ((0, 0), (0, 1), (1, 0), (1, 1)):
            changed = base.clone()
            y, x = (slice(-third, None) if is_last else slice(third) for is_last in (down, across))
            changed[:, y, x] = 255 - changed[:, y, x]
            felt = (network.features(network.normalise(changed)) - before).square().sum(1)[0]
            felt = felt / felt.sum()
            rows, columns = (torch.arange(count, dtype=felt.dtype) for count in felt.shape)
            centres[down, across] = float(felt.sum(1) @ rows), float(felt.sum(0) @ columns)
    is_lower = {f"column {i}": centres[1, i][0] > centres[0, i][0] for i in (0, 1)}
    is_further_right = {f"row {i}": centres[i, 1][1] > centres[i, 0][1] for i in (0, 1)}
    return [place for place, is_right in {**is_lower, **is_further_right}.items() if not is_right]
