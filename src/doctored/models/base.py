"""The contract of every network: a map of local evidence, and a logit that is a pooling of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from doctored.errors import UsageError
from doctored.spelling import suggest


class Evidence(NamedTuple):
    """What a network says of a batch.

    `map`: float [N, 1, h, w], local evidence, positive says fake. `logit`: float [N], `pool(map)`.
    `embedding`: float [N, d], what the domain distance is measured on.
    """

    map: Tensor
    logit: Tensor
    embedding: Tensor


@dataclass(frozen=True)
class Pool:
    """How a map becomes a logit: the mean, or a smooth maximum, T·log(mean(exp(map / T)))."""

    kind: str = "mean"
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in ("mean", "smoothmax"):
            raise UsageError(f"a pool is 'mean' or 'smoothmax', not {self.kind!r}")
        if not self.temperature > 0:
            raise UsageError(f"a pool's temperature is positive, not {self.temperature}")

    def __call__(self, evidence: Tensor) -> Tensor:
        """float [N, 1, h, w] → float [N]."""
        cells = evidence.flatten(1)
        if self.kind == "mean":
            return cells.mean(1)
        scaled = cells / self.temperature
        top = scaled.amax(1, keepdim=True)
        return self.temperature * (top.squeeze(1) + (scaled - top).exp().mean(1).log())

    def scaled(self, slope: float) -> "Pool":
        """The pool under which an affine map of the evidence is the same affine map of the logit."""
        return self if self.kind == "mean" else Pool(self.kind, self.temperature * slope)


class Network(nn.Module):
    """Base of all networks: subclasses give `features`; the rest of the contract is here.

    The head is linear and works cell by cell. Dropout drops whole channels, which under mean pooling
    is dropout on the pooled vector, so that the classic "pool, drop, linear" and this are one network.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, channels: int, *, dropout: float = 0.0, pool: Pool | None = None) -> None:
        super().__init__()
        self.pool = pool or Pool()
        self.dropout = nn.Dropout2d(dropout)
        self.head = nn.Conv2d(channels, 1, kernel_size=1)
        self.register_buffer("mean", torch.full((3,), 0.5))
        self.register_buffer("std", torch.full((3,), 0.25))

    def features(self, x: Tensor) -> Tensor:
        """float [N, 3, H, W], normalised → float [N, d, h, w]."""
        raise NotImplementedError

    def normalise(self, pixels: Tensor) -> Tensor:
        """uint8 [N, H, W, 3] → float [N, 3, H, W]; the training data have mean 0 and deviation 1."""
        scale = 1.0 / (255.0 * self.std)
        return (pixels.to(scale.dtype) * scale - self.mean / self.std).permute(0, 3, 1, 2)

    def stages(self) -> list[nn.Module]:
        """The parts of the body in order from the pixels; the head is not among them."""
        body = [part for part in self.children() if part is not self.dropout and part is not self.head]
        return list(body[0].children()) if len(body) == 1 else body

    def forward(self, x: Tensor) -> Evidence:
        features = self.features(x)
        evidence = self.head(self.dropout(features))
        return Evidence(evidence, self.pool(evidence), features.mean((2, 3)))


Builder = TypeVar("Builder", bound=Callable[..., Network])
_zoo: dict[str, Callable[..., Network]] = {}


def network(name: str) -> Callable[[Builder], Builder]:
    """Register a network's class or function under the name that recipes use."""

    def register(builder: Builder) -> Builder:
        if name in _zoo:
            raise ValueError(f"two networks are called {name!r}")
        _zoo[name] = builder
        return builder

    return register


def network_names() -> list[str]:
    return sorted(_zoo)


def build_network(name: str, *, dropout: float = 0.0, pool: Pool | None = None) -> Network:
    """Make a network with random weights; an unknown name is a UsageError that proposes the nearest."""
    if name not in _zoo:
        raise UsageError(f"no network is called {name!r}: {suggest(name, network_names())}")
    return _zoo[name](dropout=dropout, pool=pool)


def count_parameters(module: nn.Module) -> int:
    """Trainable parameters; batch norm's running statistics are not among them."""
    return sum(weights.numel() for weights in module.parameters() if weights.requires_grad)
