"""Two ways of doing the same work, measured in turn: a ratio that drift of the machine cannot fake."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

from benchmarks.results_file import Figure

CONFIDENCE = 0.95
LEAST_ROUNDS = 6  # below this not even the extremes of the pairs make a 95 % interval


@dataclass(frozen=True, slots=True)
class Paired:
    """`ours[i]` and `theirs[i]` were measured one right after the other, in the same unit."""

    ours: tuple[float, ...]
    theirs: tuple[float, ...]

    def ratios(self) -> list[float]:
        return [mine / yours for mine, yours in zip(self.ours, self.theirs, strict=True)]

    def figures(self, figure_id: str, unit: str, ours: str, theirs: str) -> dict[str, Figure]:
        """The ratio under `figure_id`, and both sides in `unit` under `figure_id.SIDE`."""
        sides = {f"{figure_id}.{ours}": self.ours, f"{figure_id}.{theirs}": self.theirs}
        return {figure_id: median_figure(self.ratios(), "ratio")} | {
            side: median_figure(values, unit) for side, values in sides.items()
        }


def seconds(work: Callable[[], Any]) -> Callable[[], float]:
    """Turn a piece of work into a measurement of its wall time."""

    def measure() -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return measure


def interleave(
    ours: Callable[[], float], theirs: Callable[[], float], rounds: int, warm_up: int = 1
) -> Paired:
    """Measure both `rounds` times in turn, first one and then the other leading; warm-ups are dropped.

    Each callable does its work once and returns its own measure: seconds, or pictures a second.
    """
    if rounds < LEAST_ROUNDS:
        raise ValueError(f"{rounds} rounds cannot carry a 95 % interval; ask for {LEAST_ROUNDS} or more")
    for _ in range(warm_up):
        ours()
        theirs()
    mine, yours = [], []
    for turn in range(rounds):
        if turn % 2:
            yours.append(theirs())
            mine.append(ours())
        else:
            mine.append(ours())
            yours.append(theirs())
    return Paired(tuple(mine), tuple(yours))


def median_interval(values: Sequence[float]) -> tuple[float, float]:
    """The distribution-free 95 % interval of a median: two order statistics (binomial, p = 1/2)."""
    n = len(values)
    if n < LEAST_ROUNDS:
        raise ValueError(f"{n} values cannot carry a 95 % interval; take {LEAST_ROUNDS} or more")
    rank, outside = 0, 0.0
    while outside + comb(n, rank) / 2**n <= (1 - CONFIDENCE) / 2:
        outside += comb(n, rank) / 2**n
        rank += 1
    ordered = sorted(values)
    return ordered[rank - 1], ordered[n - rank]


def median_figure(values: Sequence[float], unit: str) -> Figure:
    low, high = median_interval(values)
    return Figure(statistics.median(values), unit, len(values), low, high)
