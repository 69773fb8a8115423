"""Detectors beside each other: two on the same pictures, paired, or several runs of one recipe, pooled."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from doctored.detector import Card
from doctored.evaluate.judge import Judgements
from doctored.measure import metrics
from doctored.measure.intervals import CONFIDENCE, auc_interval, t_quantile
from doctored.measure.paired import Decisions, Rankings, compare_decisions, compare_rankings
from doctored.measure.summary import Figure, figure, proportion

MODEL = "detector.onnx"


@dataclass(frozen=True, slots=True)
class Paired:
    """A detector (ours) and another (theirs) on the `n` pictures that both scored; differences are ours less
    theirs. None for what these pictures cannot tell."""

    against: Card
    sha256: str
    n: int
    decisions: Decisions | None
    rankings: Rankings | None
    accuracies: tuple[Figure, Figure]
    aucs: tuple[Figure, Figure]

    def to_json(self) -> dict[str, Any]:
        against = {"name": self.against.name, "version": self.against.version, "sha256": self.sha256}
        accuracy = auc = None
        if (decided := self.decisions) is not None:
            accuracy = {
                **_beside(self.accuracies, Figure(decided.difference, self.n, *decided.interval)),
                "p": decided.p,
                "p_mid": decided.p_mid,
                "only_ours_right": decided.only_first,
                "only_theirs_right": decided.only_second,
            }
        if (ranked := self.rankings) is not None:
            difference = figure(ranked.difference, self.n, ranked.interval)
            auc = {**_beside(self.aucs, difference), "p": ranked.p}
        return {"against": against, "n": self.n, "accuracy": accuracy, "roc_auc": auc}


def _beside(both: tuple[Figure, Figure], difference: Figure) -> dict[str, Any]:
    ours, theirs = both
    return {"ours": ours.to_json(), "theirs": theirs.to_json(), "difference": difference.to_json()}


def compare(ours: Judgements, theirs: Judgements, against: Card, sha256: str) -> Paired:
    """McNemar's test of the decisions at probability one half, DeLong's of the rankings.

    Both judged the same rows; those that one of them could not score count for neither.
    """
    both = ours.is_scored & theirs.is_scored
    labels = ours.labels[both]
    columns = ours.logits[both], theirs.logits[both]
    n = len(labels)
    right = [(logits >= 0) == labels for logits in columns]
    accuracies = [proportion(int(rows.sum()), n) for rows in right]
    aucs = [figure(metrics.roc_auc(labels, logits), n, auc_interval(labels, logits)) for logits in columns]
    return Paired(
        against,
        sha256,
        n,
        compare_decisions(right[0], right[1]),
        compare_rankings(labels, columns[0], columns[1]),
        (accuracies[0], accuracies[1]),
        (aucs[0], aucs[1]),
    )


def pool_figures(runs: Sequence[dict[str, Figure]]) -> dict[str, Any]:
    """Each figure over several runs: `values`, `mean`, `deviation`, how many runs (`n`), and Student's 95 %
    interval of the mean over such runs. A figure that a run lacks is left out."""
    pooled = {}
    for name in runs[0]:
        values = [run[name].value for run in runs if name in run]
        known = [value for value in values if value is not None]
        if len(known) == len(runs):
            pooled[name] = {"values": known, **_pool(known)}
    return pooled


def _pool(values: Sequence[float]) -> dict[str, float | int | None]:
    n, mean = len(values), float(np.mean(values))
    if n < 2:
        return {"mean": mean, "deviation": None, "n": n, "low": None, "high": None}
    deviation = float(np.std(values, ddof=1))
    half = t_quantile(0.5 + CONFIDENCE / 2, n - 1) * deviation / math.sqrt(n)
    return {"mean": mean, "deviation": deviation, "n": n, "low": mean - half, "high": mean + half}


def find_detector(place: str | PathLike[str]) -> str | PathLike[str]:
    """The detector of a run's folder, or what was given."""
    inside = Path(place) / MODEL
    return inside if inside.is_file() else place


def name_folders(names: Sequence[str]) -> list[str]:
    """A folder's name for each of several detectors; those that are called alike are numbered."""
    given: list[str] = []
    for index, name in enumerate(names):
        number = names[: index + 1].count(name)
        folder = name if names.count(name) == 1 else f"{name}-{number}"
        while folder in given or (folder != name and folder in names):
            number += 1
            folder = f"{name}-{number}"
        given.append(folder)
    return given
