"""Frozen encoders: a body that never learns, looked at from any of its layers, under a linear head.

The head works on each token or cell by itself, and the logit is the mean of what it says: the evidence map
is exact, and training it needs the mean features alone. A class token and registers are left out.
"""

import contextlib
import hashlib
import math
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from doctored.errors import UsageError
from doctored.models import Evidence, Network, build_network
from doctored.spelling import suggest
from doctored.training.byte_weights import round_network
from doctored.training.freezing import learnable_stages
from doctored.training.onnx_encoder import OnnxLayer, read_layer
from doctored.training.recipe import Recipe

# Mean and deviation, by channel, that encoders were trained with, of values from 0 to 1.
PIXELS = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "clip": ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
    "half": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "unit": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
}
MAX_PREFIX_TOKENS = 8  # a class token, and the registers that some encoders have


class FrozenNetwork(Network):
    """A head on the features of an encoder's layer; subclasses give `encode`.

    `side`: pixels a side that the encoder sees. `weights`: how many of its weights lie before the layer.
    `digest`: tells encoder and layer from all others.
    """

    def __init__(self, channels: int, *, side: int, weights: int, digest: str) -> None:
        super().__init__(channels)
        self.side, self.weights, self.digest = side, weights, digest
        self.requires_grad_(False)

    def encode(self, x: Tensor) -> Tensor:
        """float [N, 3, side, side], normalised → tokens float [N, T, d] or a map float [N, d, h, w]."""
        raise NotImplementedError

    def enlarge(self, x: Tensor) -> Tensor:
        """float [N, 3, n, n] → float [N, 3, side, side], bicubic."""
        if x.shape[-1] == self.side:
            return x
        return functional.interpolate(x, (self.side, self.side), mode="bicubic", align_corners=False)

    def features(self, x: Tensor) -> Tensor:
        return as_map(self.encode(self.enlarge(x)))

    def read(self, features: Tensor) -> Evidence:
        """What the head says of features float [N, d, h, w]."""
        evidence = self.head(features)
        return Evidence(evidence, self.pool(evidence), features.mean((2, 3)))

    def forward(self, x: Tensor) -> Evidence:
        return self.read(self.features(x))

    def normalise_by(self, mean: Any, std: Any) -> None:
        """Normalise by these statistics, three values each."""
        self.mean.copy_(torch.as_tensor(mean))
        self.std.copy_(torch.as_tensor(std))


class TorchEncoder(FrozenNetwork):
    """A network of the zoo, seen from one of its modules, by name (empty: from its own features)."""

    def __init__(self, encoder: Network, layer: str, channels: int, **about: Any) -> None:
        super().__init__(channels, **about)
        self.encoder, self.layer = encoder.eval().requires_grad_(False), layer
        self.normalise_by(encoder.mean, encoder.std)

    def train(self, mode: bool = True) -> "TorchEncoder":
        super().train(mode)
        self.encoder.eval()
        return self

    def encode(self, x: Tensor) -> Tensor:
        return features_at(self.encoder, self.layer, x)


class OnnxEncoder(FrozenNetwork):
    """An encoder that is an ONNX file, run by onnxruntime; on export its graph is joined to the head's."""

    def __init__(self, file: OnnxLayer, channels: int, **about: Any) -> None:
        super().__init__(channels, **about)
        self.file = file
        self.place = slice(channels - (file.last or channels), None)

    def encode(self, x: Tensor) -> Tensor:
        return torch.from_numpy(self.file.run(x.cpu().contiguous().numpy())).to(x.device)


class Reached(Exception):
    """The layer has given its output; what lies behind it need not be computed."""


def features_at(encoder: Network, layer: str, x: Tensor) -> Tensor:
    """What a module of the encoder gives for x, at its first call; with no name, the encoder's features."""
    if not layer:
        return encoder.features(x)
    seen: list[Tensor] = []

    def see(module: nn.Module, inputs: Any, output: Any) -> None:
        seen.append(first_tensor(output))
        if not torch.compiler.is_exporting():  # the exporter follows a whole pass, and drops what is not used
            raise Reached

    handle = encoder.get_submodule(layer).register_forward_hook(see)
    try:
        with contextlib.suppress(Reached):
            encoder.features(x)
    finally:
        handle.remove()
    if not seen:
        raise UsageError(f"no picture ever comes by the layer {layer!r}; name another")
    return seen[0]


def first_tensor(output: Any) -> Tensor:
    """What a module gives may be a tensor, or a tuple or a mapping that begins with it."""
    while not isinstance(output, Tensor):
        output = next(iter(output.values() if hasattr(output, "values") else output))
    return output


def as_map(output: Tensor) -> Tensor:
    """Tokens float [N, T, d] or a map float [N, d, h, w] → a map; the grid is square and comes last."""
    if output.ndim == 4:
        return output
    if output.ndim != 3:
        raise UsageError("the layer gives neither tokens nor a map; name an earlier one")
    side = math.isqrt(output.shape[1])
    before = output.shape[1] - side * side
    if before > MAX_PREFIX_TOKENS:
        raise UsageError(f"the layer's {output.shape[1]} tokens are no square grid; name another layer")
    return torch.unflatten(output[:, before:].transpose(1, 2), 2, (side, side))


def open_encoder(recipe: Recipe) -> FrozenNetwork:
    """The recipe's encoder: an ONNX file, a finished run's folder, or a network of the zoo.

    Raises UsageError where there is none, or where its layer cannot be used.
    """
    if not recipe.encoder:
        raise UsageError(
            "'frozen' needs an encoder: --set encoder= a network, a run's folder or an .onnx file"
        )
    if recipe.lora or recipe.freeze:
        raise UsageError("nothing of a frozen encoder learns; leave lora and freeze at 0")
    if recipe.encoder.endswith(".onnx"):
        return open_onnx(recipe)
    if Path(recipe.encoder).is_dir():
        from doctored.training.run import load_run  # that module opens encoders, too

        return open_torch(load_run(Path(recipe.encoder)), recipe)
    encoder = build_network(recipe.encoder, weights=recipe.weights)
    if encoder.normalisation is not None:
        mean, std = encoder.normalisation
        encoder.mean.copy_(torch.tensor(mean))
        encoder.std.copy_(torch.tensor(std))
    return open_torch(encoder, recipe)


def open_torch(encoder: Network, recipe: Recipe) -> TorchEncoder:
    layer = find_layer(encoder, recipe.layer)
    if recipe.encoder_int8:
        round_network(encoder)
    encoder.eval().requires_grad_(True)
    side = recipe.encoder_side or recipe.size
    features = as_map(features_at(encoder, layer, torch.zeros(1, 3, side, side)))
    learnt = list(encoder.parameters())
    gradients = torch.autograd.grad(features.sum(), learnt, allow_unused=True)
    used = [
        weight.numel() for weight, gradient in zip(learnt, gradients, strict=True) if gradient is not None
    ]
    digest = digest_weights(encoder, type(encoder).__name__, layer, str(side))
    return TorchEncoder(encoder, layer, features.shape[1], side=side, weights=sum(used), digest=digest)


def open_onnx(recipe: Recipe) -> OnnxEncoder:
    file = read_layer(Path(recipe.encoder), recipe)
    side = file.side or recipe.encoder_side or recipe.size
    if recipe.size > side or recipe.encoder_side not in (0, side):
        raise UsageError(
            f"the encoder sees {side} pixels a side; set size to at most that, and leave encoder_side at 0"
        )
    zeros = torch.zeros(1, 3, side, side)
    channels = as_map(torch.from_numpy(file.run(zeros.numpy()))).shape[1]
    digest = hashlib.sha256(file.content + f"{recipe.encoder_pixels} {side}".encode()).hexdigest()
    network = OnnxEncoder(file, channels, side=side, weights=file.weights, digest=digest)
    network.normalise_by(*PIXELS[recipe.encoder_pixels])
    return network


def find_layer(encoder: Network, layer: str) -> str:
    """The name of the `layer`-th stage that has weights, counted from 1 at the pixels, or of that module."""
    names: dict[int, str] = {id(module): name for name, module in encoder.named_modules()}
    if layer.isdecimal():
        stages = learnable_stages(encoder)
        if not 1 <= int(layer) <= len(stages):
            raise UsageError(f"a layer is a number from 1 to {len(stages)}, or a module's name, not {layer}")
        return names[id(stages[int(layer) - 1])]
    if layer not in names.values():
        if "," in layer:
            raise UsageError("only an ONNX file gives several layers; name one")
        raise UsageError(f"the encoder has no layer {layer!r}: {suggest(layer, names.values())}")
    return layer


def digest_weights(encoder: Network, *names: str) -> str:
    """SHA-256 of these names and of all weights."""
    digest = hashlib.sha256("\n".join(names).encode())
    for name, value in encoder.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
