"""The three-way answer at a budget: how often it is wrong, and what that costs in `unsure`."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from doctored.detector import Card
from doctored.evaluate.judge import Judgements
from doctored.measure.summary import Figure, proportion
from doctored.records import Label

TRUTHS = (Label.REAL, Label.FAKE)
RATES = ("unsure", "error", "real_called_fake", "fake_called_real")


@dataclass(frozen=True, slots=True)
class Outcome:
    """`table[truth][answer]` counts the pictures that were scored; those outside the domain are `unsure`.

    `unsure` is the share without an answer, `error` the share of wrong ones among the answers,
    `real_called_fake` and `fake_called_real` the rates that the budget is about.
    """

    budget: float
    table: dict[Label, dict[Label, int]]
    unsure: Figure
    error: Figure
    real_called_fake: Figure
    fake_called_real: Figure

    def rates(self) -> dict[str, Any]:
        """The four figures, as JSON."""
        return {name: getattr(self, name).to_json() for name in RATES}

    def to_json(self) -> dict[str, Any]:
        table = {
            truth.value: {answer.value: n for answer, n in row.items()} for truth, row in self.table.items()
        }
        return {"budget": self.budget, "table": table, **self.rates()}


def answers(card: Card, judgements: Judgements, budget: float) -> list[Label | None]:
    """What the detector says of each row at a budget; None for a row that could not be scored."""
    found: list[Label | None] = []
    columns = zip(judgements.logits, judgements.is_scored, judgements.is_in_domain, strict=True)
    for logit, is_scored, is_in_domain in columns:
        if not is_scored:
            found.append(None)
        else:
            found.append(card.decide(float(logit), budget) if is_in_domain else Label.UNSURE)
    return found


def decide_all(card: Card, judgements: Judgements, budget: float) -> Outcome:
    return tally(answers(card, judgements, budget), judgements.labels, budget)


def tally(said: Sequence[Label | None], labels: NDArray[np.uint8], budget: float) -> Outcome:
    """Count answers by truth; `labels` uint8 [N], fake 1."""
    pairs = Counter(zip((TRUTHS[label] for label in labels), said, strict=True))
    table = {truth: {answer: pairs[truth, answer] for answer in Label} for truth in TRUTHS}
    total = sum(sum(row.values()) for row in table.values())
    unsure = sum(row[Label.UNSURE] for row in table.values())
    false_alarms, misses = table[Label.REAL][Label.FAKE], table[Label.FAKE][Label.REAL]
    return Outcome(
        budget,
        table,
        proportion(unsure, total),
        proportion(false_alarms + misses, total - unsure),
        proportion(false_alarms, sum(table[Label.REAL].values())),
        proportion(misses, sum(table[Label.FAKE].values())),
    )
