"""Which parts of a network learn: stages near the pixels may be kept as they are, for a while or for good."""

from torch import nn

from doctored.errors import UsageError
from doctored.models import Network
from doctored.training.lora import add_adapters
from doctored.training.recipe import Recipe


def adapt(network: Network, recipe: Recipe) -> None:
    """Before training: what will never learn in this run takes no gradient; LoRA's adapters are put in."""
    if recipe.lora:
        add_adapters(network, recipe)
    freeze(network, recipe, recipe.epochs - 1)


def freeze(network: Network, recipe: Recipe, epoch: int) -> None:
    """Let just those weights learn that the recipe lets learn in this epoch; call it after `train()`.

    A frozen stage computes as it will in use: its batch norms keep their statistics, it drops nothing.
    Under LoRA the batch norms of the whole body keep theirs.
    """
    if recipe.lora:
        for module in network.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
    elif recipe.freeze:
        frozen = count_frozen(network, recipe, epoch)
        for depth, weights in enumerate(weights_by_stage(network)):
            for weight in weights:
                weight.requires_grad_(depth >= frozen)
        for stage in learnable_stages(network)[:frozen]:
            stage.eval()


def count_frozen(network: Network, recipe: Recipe, epoch: int) -> int:
    """How many stages, from the pixels, do not learn in this epoch (the first is 0).

    UsageError where the recipe freezes more stages than the network has.
    """
    stages = len(learnable_stages(network))
    if recipe.freeze > stages:
        raise UsageError(
            f"the network {recipe.network!r} has {stages} stages; set freeze to at most that (-1: all)"
        )
    frozen = stages if recipe.freeze < 0 else recipe.freeze
    return max(0, frozen - epoch // recipe.unfreeze_every) if recipe.unfreeze_every else frozen


def learnable_stages(network: Network) -> list[nn.Module]:
    """The stages that have weights, in order from the pixels; an activation between them is no stage."""
    return [stage for stage in network.stages() if next(stage.parameters(), None) is not None]


def weights_by_stage(network: Network) -> list[list[nn.Parameter]]:
    """The weights of each stage, in order from the pixels, and last those of the head.

    A weight of the body that lies in no stage (a last norm, say) counts to the stage before the head.
    """
    stages = learnable_stages(network)
    depths = {id(weight): depth for depth, stage in enumerate(stages) for weight in stage.parameters()}
    depths |= {id(weight): len(stages) for weight in network.head.parameters()}
    parts: list[list[nn.Parameter]] = [[] for _ in range(len(stages) + 1)]
    for weight in network.parameters():
        parts[depths.get(id(weight), len(stages) - 1)].append(weight)
    return parts
