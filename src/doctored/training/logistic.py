"""Logistic regression on cached features: the head of a frozen encoder.

Features are standardised by the training pictures; the penalty is on the standardised weights, and its
strength is the one with the lowest validation loss.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from torch import Tensor

L2 = tuple(10.0**power for power in range(0, -8, -1))
ITERATIONS = 300
MEMORY = 20  # earlier steps that L-BFGS remembers
Labels = NDArray[np.uint8]


class Head(NamedTuple):
    """logit = features · weights + bias; `weights`: float64 [d]."""

    weights: NDArray[np.float64]
    bias: float

    def logits(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """float [N, d] → float64 [N]."""
        values: NDArray[np.float64] = features.astype(np.float64) @ self.weights + self.bias
        return values


class Attempt(NamedTuple):
    """A head, how strongly it was held down, and its mean cross-entropy."""

    head: Head
    l2: float
    train_loss: float
    val_loss: float


def fit_heads(
    train: tuple[NDArray[np.floating], Labels],
    val: tuple[NDArray[np.floating], Labels],
    *,
    balance: bool = False,
    tried: Callable[[Attempt], None] = lambda attempt: None,
) -> list[Attempt]:
    """A head for each strength of the penalty, the strongest first; each starts from the one before."""
    features = torch.from_numpy(train[0].astype(np.float32))
    mean, scale = features.mean(0), features.std(0).clamp_min(1e-6)
    standard = features.sub_(mean).div_(scale)
    labels = torch.from_numpy(train[1]).double()
    importance = class_weights(labels) if balance else torch.ones_like(labels)
    weights, bias = torch.zeros(standard.shape[1], dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    attempts = []
    for l2 in L2:
        weights, bias, loss = minimise(standard, labels, importance, l2, weights, bias)
        own = (weights / scale.double()).numpy()
        head = Head(own, float(bias) - float(own @ mean.double().numpy()))
        attempts.append(Attempt(head, l2, loss, cross_entropy(head.logits(val[0]), val[1])))
        tried(attempts[-1])
    return attempts


def minimise(
    features: Tensor, labels: Tensor, importance: Tensor, l2: float, weights: Tensor, bias: Tensor
) -> tuple[Tensor, Tensor, float]:
    """Weights [d] and bias with the least mean cross-entropy + l2 / 2 · |weights|², and that cross-entropy.

    L-BFGS from the given ones. The products are float32, everything that is summed up is float64.
    """
    weights, bias = weights.clone().requires_grad_(), bias.clone().requires_grad_()
    optimizer = torch.optim.LBFGS(
        [weights, bias],
        max_iter=ITERATIONS,
        history_size=MEMORY,
        tolerance_grad=1e-7,
        tolerance_change=1e-10,
        line_search_fn="strong_wolfe",
    )

    def mean_loss() -> Tensor:
        logits = (features @ weights.float()).double() + bias
        return functional.binary_cross_entropy_with_logits(logits, labels, importance)

    def step() -> Tensor:
        optimizer.zero_grad()
        loss = mean_loss() + l2 / 2 * weights.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(step)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        return weights.detach(), bias.detach(), float(mean_loss())


def class_weights(labels: Tensor) -> Tensor:
    """float64 [N], 1 on average, with which both classes weigh the same."""
    fakes = labels.mean().clamp(1e-9, 1 - 1e-9)
    return torch.where(labels == 1, 0.5 / fakes, 0.5 / (1 - fakes))


def cross_entropy(logits: NDArray[np.float64], labels: Labels) -> float:
    return float(np.logaddexp(0.0, np.where(labels == 1, -logits, logits)).mean())
