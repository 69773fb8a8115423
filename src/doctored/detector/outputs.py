"""What a detector's graph gives for a batch, and the check that it keeps its word."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from doctored.detector.card import Pool
from doctored.errors import DetectorError

RANKS = {"probability": 1, "logit": 1, "evidence": 3, "embedding": 2, "distance": 1}
OPTIONAL = frozenset({"evidence"})
# Graphs add in float32 and in another order than numpy does.
_TOLERANCE = 1e-3

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Outputs:
    """float32 arrays for N views: probability of `fake` [N], logit [N], embedding [N, d], distance [N] and,
    unless the detector has none, evidence [N, h, w] that pools to the logit."""

    probability: FloatArray
    logit: FloatArray
    embedding: FloatArray
    distance: FloatArray
    evidence: FloatArray | None = None

    @classmethod
    def join(cls, parts: "list[Outputs]") -> "Outputs":
        """One batch of several, in order; there must be at least one."""
        if len(parts) == 1:
            return parts[0]
        arrays: dict[str, Any] = {name: [getattr(part, name) for part in parts] for name in RANKS}
        has_evidence = parts[0].evidence is not None
        return cls(
            **{name: np.concatenate(arrays[name]) for name in RANKS if has_evidence or name not in OPTIONAL}
        )


def check_outputs(arrays: Mapping[str, NDArray[Any]], views: int, pool: Pool) -> Outputs:
    """`Outputs` of the arrays by name, or DetectorError where they break the format's promises.

    Checked: names, float32, ranks, one row a view, finite, probability = sigmoid(logit), logit =
    pool(evidence), distance not negative. A file from elsewhere may break any of them.
    """
    for name in RANKS.keys() - OPTIONAL - arrays.keys():
        raise _broken(f"there is no '{name}'")
    for name, array in arrays.items():
        if name not in RANKS:
            raise _broken(f"'{name}' is not one of its outputs")
        if array.dtype != np.float32 or array.ndim != RANKS[name] or len(array) != views or not array.size:
            raise _broken(f"'{name}' is {array.dtype} {list(array.shape)} for {views} pictures")
        if not np.isfinite(array).all():
            raise _broken(f"'{name}' holds numbers that are not finite")
    outputs = Outputs(**arrays)
    if (outputs.distance < 0).any():
        raise _broken("a distance is negative")
    logit = outputs.logit.astype(np.float64)
    if np.abs(outputs.probability - _sigmoid(logit)).max() > _TOLERANCE:
        raise _broken("the probability is not the sigmoid of the logit")
    if outputs.evidence is not None:
        pooled = pool.apply(outputs.evidence)
        # The larger the terms of the sum, the more of its last digits are lost.
        slack = _TOLERANCE * (1 + np.abs(outputs.evidence).reshape(views, -1).max(axis=1))
        if (np.abs(pooled - logit) > slack).any():
            raise _broken("the evidence does not pool to the logit")
    return outputs


def _sigmoid(logit: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logit)))


def _broken(because: str) -> DetectorError:
    return DetectorError(
        f"the detector gives wrong outputs: {because}; ask whoever made the file for one that keeps "
        "docs/detector-file.md"
    )
