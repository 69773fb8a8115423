"""Sanity check of the map: with random weights it must be another (Adebayo et al. 2018)."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from doctored.evaluate.reaction import mean_figure
from doctored.measure.metrics import midranks
from doctored.models import Network

SEED = 1
ALL = "all weights"
# Above this the map still is mostly the trained network's.
_CHANGED = 0.5
_BATCH = 100


def randomise_weights(network: Network, fresh: Network, views: NDArray[np.uint8]) -> dict[str, Any]:
    """Rank correlation of a network's maps with those of less and less of it, as JSON.

    From the head down to the pixels, each step replaces one more stage by that of `fresh`, the same network
    with random weights, as Adebayo et al. do; `network` is no longer the trained one then. `views`: uint8
    [N, n, n, 3]. `passes` where all weights replaced leave a correlation whose whole interval lies within
    one half of 0: the same map upside down would be no other map.
    """
    trained = evidence_of(network, views)
    whole = sum(weights.numel() for weights in network.parameters())
    pairs = list(zip(network.stages(), fresh.stages(), strict=True))
    names = [
        f"the head and the last {f'{count} ' if count > 1 else ''}of {len(pairs)} stages"
        for count in range(1, len(pairs))
    ]
    labels = ["the head", *names, ALL]
    steps: list[dict[str, Any]] = []
    replaced = 0
    for says, (own, other) in zip(
        labels[: 1 + len(pairs)], [(network.head, fresh.head), *reversed(pairs)], strict=True
    ):
        if says == ALL:  # what lies in no stage too, but for the normalisation of the pixels
            network.load_state_dict({**fresh.state_dict(), "mean": network.mean, "std": network.std})
            replaced = whole
        else:
            own.load_state_dict(other.state_dict())
            replaced += sum(weights.numel() for weights in own.parameters())
        correlation = mean_figure(rank_correlations(trained, evidence_of(network, views)))
        steps.append({"randomised": says, "share": replaced / whole, "correlation": correlation.to_json()})
    last = steps[-1]["correlation"]
    return {
        "available": True,
        "pictures": len(views),
        "steps": steps,
        "passes": bool(len(views)) and last["low"] > -_CHANGED and last["high"] < _CHANGED,
    }


def evidence_of(network: Network, views: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The maps of uint8 views [N, n, n, 3], float64 [N, cells]."""
    parts = []
    with torch.inference_mode():
        for start in range(0, len(views), _BATCH):
            x = network.normalise(torch.from_numpy(views[start : start + _BATCH]))
            parts.append(network(x).map.flatten(1).double().numpy())
    return np.concatenate(parts)


def rank_correlations(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spearman's rank correlation of each row of [N, K] with the same row of the other; ties share ranks, and
    a row without spread correlates with nothing: 0."""
    found = np.zeros(len(first))
    for index, rows in enumerate(zip(first, second, strict=True)):
        ranks = [midranks(row) - (len(row) + 1) / 2 for row in rows]
        lengths = float(np.linalg.norm(ranks[0]) * np.linalg.norm(ranks[1]))
        found[index] = float(ranks[0] @ ranks[1]) / lengths if lengths else 0.0
    return found
