"""LoRA (Hu et al. 2021): a layer W learns as W + scale · B·A, with A and B of low rank, through `peft`.

Linear layers and 1×1 convolutions of the body are adapted, the head learns as always. A checkpoint to go on
from holds the adapters; `best.pt`, and whatever is made from it, holds a plain network with B·A added to W.
"""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from doctored.errors import MissingExtra, UsageError
from doctored.models import Network
from doctored.training.recipe import Recipe

SCALE = 2  # what B·A is multiplied by, at any rank: peft's lora_alpha over its r


def import_peft() -> Any:
    try:
        import peft
    except ImportError as error:
        raise MissingExtra("train", "LoRA") from error
    return peft


def add_adapters(network: Network, recipe: Recipe) -> None:
    """Put adapters of rank `recipe.lora` into the body, in place; they and the head alone take gradients.

    B starts at zero, so that the network computes what it did. Raises UsageError where nothing can be
    adapted, MissingExtra where `peft` is not installed.
    """
    names = adaptable_layers(network)
    if not names:
        raise UsageError(
            f"LoRA adapts linear layers and 1×1 convolutions, and the network {recipe.network!r} has none; "
            "leave lora at 0, and keep some stages as they are with freeze"
        )
    peft = import_peft()
    config = peft.LoraConfig(r=recipe.lora, lora_alpha=SCALE * recipe.lora, target_modules=names, bias="none")
    torch.manual_seed(recipe.seed)
    peft.inject_adapter_in_model(config, network)
    network.head.requires_grad_(True)


def adaptable_layers(network: Network) -> list[str]:
    """Names of the linear layers and 1×1 convolutions of the body; a subclass may compute otherwise."""
    return [
        name
        for name, module in network.named_modules()
        if module is not network.head
        and (type(module) is nn.Linear or (type(module) is nn.Conv2d and is_pointwise(module)))
    ]


def is_pointwise(convolution: nn.Conv2d) -> bool:
    return convolution.kernel_size == (1, 1) and convolution.groups == 1


def merge(network: Network) -> None:
    """Add every adapter to the layer it adapts, in place; what remains is a plain network."""
    layer_kind = import_peft().tuners.lora.LoraLayer
    for name, layer in list(network.named_modules()):
        if isinstance(layer, layer_kind):
            layer.merge()
            parent, _, own_name = name.rpartition(".")
            setattr(network.get_submodule(parent), own_name, layer.get_base_layer())
    network.requires_grad_(True)


def merged_weights(network: Network) -> dict[str, Tensor]:
    """The weights of the plain network that `merge` would make; the network itself stays as it is."""
    plain = copy.deepcopy(network)
    merge(plain)
    return plain.state_dict()
