"""The contract of every network: a map of local evidence, and a logit that is a pooling of it."""

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from doctored.errors import UsageError
from doctored.spelling import suggest


class Evidence(NamedTuple):
    """What a network says of a batch.

    `map`: float [N, 1, h, w], local evidence, positive says fake. `logit`: float [N], `pool(map)`.
    `embedding`: float [N, d], where it lies among others; of a network that learns just its features' means.
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


Statistics = tuple[tuple[float, ...], tuple[float, ...]]


class Network(nn.Module):
    """Base of all networks: subclasses give `features`; the rest of the contract is here.

    The head is linear and works cell by cell. Dropout drops whole channels, which under mean pooling
    is dropout on the pooled vector, so that the classic "pool, drop, linear" and this are one network.
    """

    mean: Tensor
    std: Tensor
    # Mean and deviation that pretrained weights expect, by channel, of values from 0 to 1; a network without
    # them takes those of its training data.
    normalisation: Statistics | None = None
    # Whether it looks at the mirror image of a picture, too, where it judges and does not learn.
    symmetric = False
    # Whether it works out an embedding where it judges; some cost more than the features do.
    embeds = True
    # Which part of an embedding the domain distance is measured on.
    place = slice(None)

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
        """uint8 [N, H, W, 3] → float [N, 3, H, W], by `mean` and `std`."""
        scale = 1.0 / (255.0 * self.std)
        return (pixels.to(scale.dtype) * scale - self.mean / self.std).permute(0, 3, 1, 2)

    def stages(self) -> list[nn.Module]:
        """The parts of the body in order from the pixels; the head is not among them."""
        body = [part for part in self.children() if part is not self.dropout and part is not self.head]
        return list(body[0].children()) if len(body) == 1 else body

    def forward(self, x: Tensor) -> Evidence:
        """What it says of pictures, float [N, 3, H, W], normalised.

        A symmetric network's map is the mean of its own and of the mirrored one of the mirror image.
        """
        seen = self.look(x)
        if self.training or not self.symmetric:
            return seen
        mirrored = self.look(x.flip(3))
        evidence = (seen.map + mirrored.map.flip(3)) / 2
        return Evidence(evidence, self.pool(evidence), (seen.embedding + mirrored.embedding) / 2)

    def look(self, x: Tensor) -> Evidence:
        features = self.features(x)
        evidence = self.head(self.dropout(features))
        embeds = self.embeds and not self.training
        embedding = self.embed(x, features) if embeds else features.mean((2, 3))
        return Evidence(evidence, self.pool(evidence), embedding)

    def embed(self, x: Tensor, features: Tensor) -> Tensor:
        """float [N, 3, H, W], normalised, and its features [N, c, h, w] → float [N, d], where a picture lies
        among others; nothing is learnt from it."""
        return features.mean((2, 3))

    def embedding_width(self) -> int:
        """How long an embedding is, d."""
        return self.head.in_channels

    def place_width(self) -> int:
        """How long that part of it is that the distance is measured on."""
        return len(range(self.embedding_width())[self.place])


Builder = TypeVar("Builder", bound=Callable[..., Network])


class Registered(NamedTuple):
    """What makes a network, the module that tells of it, the side of the pictures it was made for."""

    build: Callable[..., Network]
    module: str
    size: int

    @property
    def about(self) -> str:
        """The first sentence of the file it lies in."""
        return (sys.modules[self.module].__doc__ or "").partition("\n")[0]


_zoo: dict[str, Registered] = {}


def network(name: str, *, size: int = 32) -> Callable[[Builder], Builder]:
    """Register a network's class or function under the name that recipes use.

    `size` is the side in pixels of the pictures it was published for; any other works. A name that ends
    with `/` is a library of networks: its builder also takes what follows in the name, as its first argument.
    """

    def register(builder: Builder) -> Builder:
        if name in _zoo:
            raise ValueError(f"two networks are called {name!r}")
        _zoo[name] = Registered(builder, builder.__module__, size)
        return builder

    return register


def registered_networks() -> dict[str, Registered]:
    """Every network by its name, libraries (`hf/`) among them."""
    return dict(sorted(_zoo.items()))


def network_names() -> list[str]:
    """The networks whose name alone makes them; libraries are not among them."""
    return [name for name in sorted(_zoo) if not name.endswith("/")]


def build_network(
    name: str,
    *,
    dropout: float = 0.0,
    pool: Pool | None = None,
    weights: str = "",
    symmetric: bool = False,
) -> Network:
    """Make a network, with random weights unless `weights` names others.

    A `symmetric` one judges a picture and its mirror image. `weights` is `pretrained` (those published for
    this network), a folder or file, or a name on the hub; nothing is fetched unless it is named. An unknown
    name is a UsageError that proposes the nearest.
    """
    family, slash, rest = name.partition("/")
    if family + slash not in _zoo or (slash and not rest):
        raise UsageError(f"no network is called {name!r}: {suggest(name, network_names())}")
    build = _zoo[family + slash].build
    settings: dict[str, Any] = {"dropout": dropout, "pool": pool}
    if weights:
        if "weights" not in inspect.signature(build).parameters:
            raise UsageError(
                f"nobody published weights of {name!r}; leave weights empty (--init-from starts from a run)"
            )
        settings["weights"] = weights
    made = build(rest, **settings) if slash else build(**settings)
    made.symmetric = symmetric
    return made


def count_parameters(module: nn.Module) -> int:
    """All weights, learning or frozen; batch norm's running statistics are not among them."""
    return sum(weights.numel() for weights in module.parameters())
