"""Deletion and insertion: does what the map points at decide? (Petsiuk, Das & Saenko 2018)

The cells of the map are wiped out of the view, strongest for the called class first, or put back into a wiped
view; a wiped cell has the view's mean colour. What follows is the probability of the class that was called.
Beside it the same with cells in random order, several times, on the same pictures.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from doctored.detector.outputs import Outputs
from doctored.evaluate.reaction import mean_figure
from doctored.measure.calibrate import sigmoid
from doctored.measure.summary import Figure

STEPS, RANDOM_ORDERS = 16, 4
WAYS = ("deletion", "insertion")

Pixels = NDArray[np.uint8]
Run = Callable[[Pixels], Outputs]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """`shares` [S] of the cells, 0 to 1; by way, the probability of the called class, float64 [N, S], in the
    evidence's order, and in random order (the mean of several)."""

    shares: NDArray[np.float64]
    evidence: dict[str, NDArray[np.float64]]
    random: dict[str, NDArray[np.float64]]

    def areas(self, way: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The areas under both curves by the trapezoidal rule, float64 [N] each."""
        under_evidence = np.trapezoid(self.evidence[way], self.shares, axis=1)
        under_random = np.trapezoid(self.random[way], self.shares, axis=1)
        return np.asarray(under_evidence), np.asarray(under_random)

    def gain(self, way: str) -> Figure:
        """How much better the evidence's order is than a random one, paired: positive is better."""
        evidence, random = self.areas(way)
        return mean_figure(random - evidence if way == "deletion" else evidence - random)

    def to_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"pictures": len(self.evidence["deletion"]), "steps": self.shares.tolist()}
        for way in WAYS:
            evidence, random = self.areas(way)
            told[way] = {
                "evidence": self.evidence[way].mean(axis=0).tolist(),
                "random": self.random[way].mean(axis=0).tolist(),
                "area_evidence": mean_figure(evidence).to_json(),
                "area_random": mean_figure(random).to_json(),
                "gain": self.gain(way).to_json(),
            }
        return told


def follow_curves(
    run: Run,
    views: Pixels,
    *,
    steps: int = STEPS,
    orders: int = RANDOM_ORDERS,
    seed: int = 0,
    progress: Progress | None = None,
) -> Curves:
    """Deletion and insertion curves of uint8 views [N, n, n, 3]; `run` gives the detector's outputs."""
    report = progress or (lambda done, total: None)
    random = np.random.default_rng(seed)
    evidence: dict[str, list[Any]] = {way: [] for way in WAYS}
    chance: dict[str, list[Any]] = {way: [] for way in WAYS}
    shares = np.linspace(0, 1, steps + 1)
    for done, view in enumerate(views):
        before = run(view[np.newaxis])
        assert before.evidence is not None
        sign = 1.0 if before.logit[0] >= 0 else -1.0
        grid = before.evidence[0].shape
        cells = grid[0] * grid[1]
        by_strength = np.argsort(-sign * before.evidence[0].ravel(), kind="stable")
        ranked = [by_strength, *(random.permutation(cells) for _ in range(orders))]
        copies = np.concatenate([wipe(view, order, shares, grid, way) for way in WAYS for order in ranked])
        probabilities = sigmoid(sign * run(copies).logit).reshape(len(WAYS), 1 + orders, len(shares))
        for way, (first, *others) in zip(WAYS, probabilities, strict=True):
            evidence[way].append(first)
            chance[way].append(np.mean(others, axis=0))
        report(done + 1, len(views))
    empty = np.zeros((0, len(shares)))
    return Curves(
        shares,
        {way: np.array(rows) if rows else empty for way, rows in evidence.items()},
        {way: np.array(rows) if rows else empty for way, rows in chance.items()},
    )


def wipe(
    view: Pixels, order: NDArray[np.int64], shares: NDArray[np.float64], grid: tuple[int, ...], way: str
) -> Pixels:
    """Copies of a view, uint8 [S, n, n, 3], with these shares of the cells wiped, or (insertion) kept.

    Cells are numbered row by row and taken in `order`; a pixel belongs to the cell that its middle lies in.
    """
    side = view.shape[0]
    rows, columns = ((2 * np.arange(side) + 1) * cells // (2 * side) for cells in grid)
    cell_of = rows[:, np.newaxis] * grid[1] + columns
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    counts = np.rint(shares * len(order)).astype(np.int64)
    is_taken = rank[cell_of] < counts[:, np.newaxis, np.newaxis]
    is_wiped = is_taken if way == "deletion" else ~is_taken
    mean = np.rint(view.mean(axis=(0, 1))).astype(np.uint8)
    return np.where(is_wiped[..., np.newaxis], mean, view)
