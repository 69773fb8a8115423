"""Exact means and standard deviations of the channels, from whole-number sums of each picture."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from doctored.data.audit.facts import Facts

Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Channels:
    """Over `pixels` pixels: mean and (population) deviation of red, green and blue, in units of 0 to 1."""

    pixels: int
    mean: Triple
    deviation: Triple


@dataclass(frozen=True, slots=True)
class ChannelStatistics:
    """`all` the pictures that were read, and those of each split and label (`train`, `fake`, ...)."""

    parts: dict[str, Channels]

    def to_json(self) -> dict[str, Any]:
        return {
            name: {"pixels": part.pixels, "mean": list(part.mean), "deviation": list(part.deviation)}
            for name, part in self.parts.items()
        }


def measure_channels(facts: Facts) -> ChannelStatistics:
    """Parts without pixels are left out."""
    parts = {"all": facts.records["is_read"]}
    for column in ("split", "label"):
        values = np.array([value or "" for value in facts.manifest.column(column)])
        for value in sorted(set(values.tolist()) - {""}):
            parts[value] = facts.records["is_read"] & (values == value)
    return ChannelStatistics(
        {name: _measure(facts.records, rows) for name, rows in parts.items() if rows.any()}
    )


def _measure(records: NDArray[Any], rows: NDArray[np.bool_]) -> Channels:
    chosen = records[rows]
    pixels = int((chosen["width"].astype(np.int64) * chosen["height"]).sum())
    means, deviations = [], []
    for channel in range(3):
        # n Σx² − (Σx)² outgrows 64 bits; Python's own whole numbers do not.
        total = int(chosen["sums"][:, channel].sum())
        spread = pixels * int(chosen["squares"][:, channel].sum()) - total * total
        means.append(total / pixels / 255)
        deviations.append(math.sqrt(spread / pixels**2) / 255)
    return Channels(pixels, (means[0], means[1], means[2]), (deviations[0], deviations[1], deviations[2]))
