"""Where the evidence lies and how the two sides weigh, in plain words."""

import numpy as np
from numpy.typing import NDArray

from doctored.detector.stability import OUTSIDE, Stability
from doctored.explain.overlay import target_part
from doctored.records import Label

PLACES = (
    ("at the upper left", "at the top", "at the upper right"),
    ("at the left", "in the middle", "at the right"),
    ("at the lower left", "at the bottom", "at the lower right"),
)
# an even spread gives each ninth 11 %; half as much again is worth a word
STANDS_OUT = 1.5 / 9
ON_COPY = {
    **{label.value: label.value for label in Label},
    "unsure": "undecided",
    OUTSIDE: "outside the domain",
}


def ninths(part: NDArray[np.float32]) -> NDArray[np.float64]:
    """How much of a map [h, w], each value at least 0, lies in each ninth of the picture: [3, 3], sum 1.

    A cell that a border cuts counts on both sides, by area. All zero where the map is.
    """
    height, width = part.shape
    total = float(part.sum(dtype=np.float64))
    if not total:
        return np.zeros((3, 3))
    return np.asarray(_thirds(height) @ part.astype(np.float64) @ _thirds(width).T / total)


def _thirds(cells: int) -> NDArray[np.float64]:
    """Share of each cell in each third of a line, [3, cells]; every column sums to 1."""
    edges = np.arange(cells)
    starts = np.arange(3)[:, None] * cells / 3
    inside: NDArray[np.float64] = np.minimum(edges + 1, starts + cells / 3) - np.maximum(edges, starts)
    return np.clip(inside, 0, 1)


def describe(evidence: NDArray[np.float32], logit: float) -> tuple[str, ...]:
    """Sentences on where each side's evidence lies, the winning side first, and on the balance."""
    winner, loser = (Label.FAKE, Label.REAL) if logit >= 0 else (Label.REAL, Label.FAKE)
    sums = {target: float(target_part(evidence, target).sum(dtype=np.float64)) for target in (winner, loser)}
    sentences = [_where(evidence, target) for target in (winner, loser) if sums[target]]
    if not sentences:
        return ("The map of evidence is zero everywhere: nothing speaks for either side.",)
    share = sums[winner] / sum(sums.values())
    if not sums[loser]:
        sentences.append(f"Nothing in the picture speaks for {loser}.")
    else:
        sentences.append(
            f"Of all the evidence, {share:.0%} speaks for {winner} and {1 - share:.0%} for {loser}."
        )
    return tuple(sentences)


def _where(evidence: NDArray[np.float32], target: Label) -> str:
    shares = ninths(target_part(evidence, target))
    row, column = np.unravel_index(int(shares.argmax()), shares.shape)
    share = float(shares[row, column])
    if share < STANDS_OUT:
        return (
            f"The evidence for {target} is spread over the whole picture: no ninth of it holds more than "
            f"{share:.0%} of its sum."
        )
    place = PLACES[row][column]
    return f"The strongest evidence for {target} lies {place}; it makes up {share:.0%} of the sum."


def tell_flips(stability: Stability) -> str:
    """Why an answer that mild copies change is none, as a reason: no capital, no full stop."""
    flips = "; ".join(f"{answer.copy.text}: {ON_COPY[answer.answer]}" for answer in stability.flips)
    return f"a mild copy of the picture would change the answer {stability.said} ({flips})"


def tell_stable(stability: Stability) -> tuple[str, ...]:
    """That mild copies get the same answer, and which were left out."""
    copies = ", ".join(answer.copy.text for answer in stability.answers)
    told = [f"Mild copies of the picture get the same answer ({copies})."]
    if stability.skipped:
        skipped = ", ".join(copy.text for copy in stability.skipped)
        told.append(f"Not tried, because it would change less than a pixel here: {skipped}.")
    return tuple(told)
