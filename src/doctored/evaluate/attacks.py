"""How little must change where somebody knows the weights: FGSM and PGD, in the white box.

FGSM: Goodfellow, Shlens & Szegedy 2015; PGD: Madry et al. 2018. Both raise the logit of a real picture and
lower that of a fake one. The gradient's sign is that of the cross-entropy, and does not vanish where the
network is sure. What comes out is rounded to whole grey levels, as a file holds them, and judged by the
detector file, calibration, thresholds, domain and all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from doctored.detector import Detector
from doctored.evaluate.reaction import Figures, describe_reaction, figures_json, share
from doctored.measure.summary import Figure
from doctored.models import Network

STEPS = 10
_BATCH = 100

Pixels = NDArray[np.uint8]
Labels = NDArray[np.uint8]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Attacked:
    """One attack at one strength, in grey levels of 255; `turned`: of what was called rightly, what no longer
    is."""

    attack: str
    epsilon: int
    figures: Figures
    turned: Figure

    def to_json(self) -> dict[str, Any]:
        return {
            "attack": self.attack,
            "epsilon": self.epsilon,
            "figures": figures_json(self.figures),
            "turned": self.turned.to_json(),
        }


def fgsm(network: Network, pixels: Pixels, labels: Labels, epsilon: int, seed: int = 0) -> Pixels:
    """One step of `epsilon` grey levels in every value, against the label: uint8 [N, H, W, 3] → the same.

    `network` is in evaluation mode. Where it is linear no other change of this size is worse. Nothing is
    drawn: `seed` is only there for the attacks to be alike.
    """
    values = torch.from_numpy(pixels).float()
    away = _ascent(network, values, torch.from_numpy(labels))
    return _as_pixels(values + epsilon * away.sign())


def pgd(network: Network, pixels: Pixels, labels: Labels, epsilon: int, seed: int = 0) -> Pixels:
    """Ten steps of a quarter of `epsilon` from a random start, each brought back to within `epsilon`.

    As `fgsm`; the step is Madry et al.'s 2.5 · epsilon / steps.
    """
    values, truth = torch.from_numpy(pixels).float(), torch.from_numpy(labels)
    low, high = (values - epsilon).clamp_min(0), (values + epsilon).clamp_max(255)
    generator = torch.Generator().manual_seed(seed)
    start = values + (torch.rand(values.shape, generator=generator) * 2 - 1) * epsilon
    attacked = start.clamp(low, high)
    for _ in range(STEPS):
        away = _ascent(network, attacked, truth)
        attacked = (attacked + 2.5 * epsilon / STEPS * away.sign()).clamp(low, high)
    return _as_pixels(attacked)


ATTACKS = {"fgsm": fgsm, "pgd": pgd}


def _ascent(network: Network, values: Tensor, labels: Tensor) -> Tensor:
    """Where the logit leaves the label fastest: the gradient over the values, float [N, H, W, 3]."""
    values = values.detach().requires_grad_()
    logit = network(network.normalise(values)).logit
    (gradient,) = torch.autograd.grad(torch.where(labels == 1, -logit, logit).sum(), values)
    return gradient


def _as_pixels(values: Tensor) -> Pixels:
    pixels: Pixels = values.round().clamp(0, 255).to(torch.uint8).numpy()
    return pixels


def attack_all(
    network: Network,
    detector: Detector,
    views: Pixels,
    labels: Labels,
    *,
    budget: float,
    epsilons: Sequence[int],
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[Figures, list[Attacked]]:
    """Figures of uint8 views [N, n, n, 3] as they are, and under each attack at each strength.

    `network` makes the attacks, `detector` judges them.
    """
    report = progress or (lambda done, total: None)
    clean, logits = _judge(detector, views, labels, budget)
    was_right = (logits >= 0) == (labels == 1)
    attacked: list[Attacked] = []
    total, done = len(ATTACKS) * len(epsilons) * len(views), 0
    for name, attack in ATTACKS.items():
        for epsilon in epsilons:
            parts = []
            for start in range(0, len(views), _BATCH):
                part = slice(start, start + _BATCH)
                parts.append(attack(network, views[part], labels[part], epsilon, seed + start))
                done += len(parts[-1])
                report(done, total)
            figures, logits = _judge(detector, np.concatenate(parts), labels, budget)
            is_wrong = (logits >= 0) != (labels == 1)
            attacked.append(Attacked(name, epsilon, figures, share(is_wrong[was_right])))
    return clean, attacked


def _judge(
    detector: Detector, views: Pixels, labels: Labels, budget: float
) -> tuple[Figures, NDArray[np.float64]]:
    outputs = detector.run(views)
    logits = outputs.logit.astype(np.float64)
    is_inside = outputs.distance <= detector.card.domain.distance_limit
    return describe_reaction(detector.card, labels, logits, is_inside, budget), logits


def warn(attacked: Sequence[Attacked], chance: float) -> str | None:
    """A sentence where an attack leaves less accuracy than chance gives: the weakest that does."""
    broken = [entry for entry in attacked if (entry.figures["accuracy"].value or 0) < chance]
    if not broken:
        return None
    weakest = min(broken, key=lambda entry: (entry.epsilon, entry.attack))
    return (
        f"Whoever has the weights can turn this detector: {weakest.attack.upper()} with changes of at most "
        f"{weakest.epsilon} of 255 grey levels leaves an accuracy of "
        f"{weakest.figures['accuracy'].value:.3f}. Do not rely on it against an opponent who knows it."
    )
