"""Adversarial training: the pictures of a step, changed by a few grey levels so that they mislead most.

One step of FGSM from a random start (Wong, Rice & Kolter 2020), on the network as it is in use: in evaluation
mode, so that batch norm's statistics stay those of honest pictures. Gradients of the weights are left alone.
"""

import contextlib
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from doctored.models import Network

STEP = 1.25  # of epsilon, as published: from a random start most values end at the border
VALIDATED = 1000

Loss = Callable[[Tensor, Tensor], Tensor]


def mislead(network: Network, x: Tensor, targets: Tensor, loss: Loss, epsilon: float) -> Tensor:
    """`x` float [N, 3, H, W], normalised, changed by at most `epsilon` grey levels of 255 in each value.

    `targets` float [N] and `loss` are those of the step. What comes out is again a normalised picture: its
    values lie where those of 0 and 255 do, or between. Drawn from torch's generator, which the loop seeds.
    """
    mean, std = network.mean.view(1, 3, 1, 1), network.std.view(1, 3, 1, 1)
    reach, black, white = epsilon / 255 / std, -mean / std, (1 - mean) / std
    start = torch.clamp(x + (torch.rand_like(x) * 2 - 1) * reach, black, white).detach().requires_grad_()
    with in_use(network):
        (gradient,) = torch.autograd.grad(loss(network(start).logit.float(), targets), start)
    change = start.detach() - x + STEP * reach * gradient.sign()
    return torch.clamp(x + torch.clamp(change, -reach, reach), black, white).detach()


def attacked_accuracy(
    network: Network, pixels: Tensor, labels: Tensor, epsilon: float, batch_size: int
) -> float:
    """The share of uint8 pixels [N, H, W, 3] that is still called as labelled, float [N], once misled."""
    right = 0
    loss = functional.binary_cross_entropy_with_logits
    for start in range(0, len(labels), batch_size):
        part, truth = pixels[start : start + batch_size], labels[start : start + batch_size]
        misled = mislead(network, network.normalise(part), truth, loss, epsilon)
        with in_use(network), torch.inference_mode():
            called_fake = network(misled).logit > 0
        right += int((called_fake == (truth > 0.5)).sum())
    return right / len(labels)


@contextlib.contextmanager
def in_use(network: nn.Module) -> Iterator[None]:
    """In evaluation mode while the context lasts; afterwards each part is as it was, frozen ones too."""
    modes = [(part, part.training) for part in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode
