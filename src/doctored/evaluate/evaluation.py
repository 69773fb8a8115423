"""`evaluate(detector, data)`: every figure with n and a 95 % interval, and nothing left out in silence."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from doctored.data.manifest import Manifest
from doctored.data.pack import Pack
from doctored.data.readers import read_dataset
from doctored.detector import DEFAULT_BUDGET, Card, Detector, open_detector
from doctored.errors import DataError
from doctored.evaluate.charts import describe_curves
from doctored.evaluate.compare import Paired, compare, find_detector, name_folders, pool_figures
from doctored.evaluate.examiners import describe_likelihood_ratios
from doctored.evaluate.judge import (
    OUTSIDE_DISTANCE,
    OUTSIDE_SIZE,
    UNDECODABLE,
    Judgements,
    Progress,
    judge,
)
from doctored.evaluate.outcome import Outcome, answers, decide_all
from doctored.evaluate.slices import Duplicates, describe_slices, find_duplicates
from doctored.measure.metrics import Confusion, confusion
from doctored.measure.summary import Figure, summarise
from doctored.version import __version__

Data = str | PathLike[str] | Manifest | Pack


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What a detector is worth on one slice of a data set.

    `figures` and `confusion` (cut at probability one half) are over all rows that could be scored, inside
    the domain or not; `outcome` is the three-way answer at a budget, where what lies outside the domain is
    `unsure`. `counts` tells rows, scored, undecodable, outside_size, outside_distance and, for a pack, how
    many rows of any split were left out of it as broken. `outcomes` is that answer at every budget of the
    detector; `curves`, `likelihood_ratios` and `slices` are as in `evaluation.json` (docs/artefacts.md);
    `paired` is the comparison with another detector, where one was asked for.
    """

    card: Card
    sha256: str
    data: str
    split: str | None
    digest: str
    counts: dict[str, int]
    figures: dict[str, Figure]
    confusion: Confusion
    outcome: Outcome
    outcomes: tuple[Outcome, ...]
    curves: dict[str, Any] = field(repr=False)
    likelihood_ratios: dict[str, Any] | None = field(repr=False)
    slices: dict[str, list[dict[str, Any]]] = field(repr=False)
    duplicates: Duplicates
    paired: Paired | None
    judgements: Judgements = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        return {
            "doctored": __version__,
            "detector": {"name": self.card.name, "version": self.card.version, "sha256": self.sha256},
            "data": self.data,
            "split": self.split,
            "manifest_digest": self.digest,
            "counts": self.counts,
            "figures": {name: figure.to_json() for name, figure in self.figures.items()},
            "confusion": asdict(self.confusion),
            "outcome": self.outcome.to_json(),
            "outcomes": [
                {**outcome.to_json(), "thresholds": self._thresholds(outcome)} for outcome in self.outcomes
            ],
            **self.curves,
            "likelihood_ratios": self.likelihood_ratios,
            "slices": self.slices,
            "duplicates": self.duplicates.to_json(),
            "paired": self.paired and self.paired.to_json(),
        }

    def _thresholds(self, outcome: Outcome) -> dict[str, float]:
        return {side: self.card.threshold(side, outcome.budget).logit for side in ("fake", "real")}


def evaluate(
    detector: Detector | str | PathLike[str],
    data: Data,
    split: str | None = "test",
    out: str | PathLike[str] | None = None,
    *,
    budget: float = DEFAULT_BUDGET,
    against: Detector | str | PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate a detector on the labelled pictures of a split (None: of all).

    `detector` may be a run's folder. `data` is a data set's path (folder, archive or manifest), a pack's
    folder, a `Manifest` or a `Pack`. A set that knows no splits is taken whole. `against` is another detector
    to judge the same pictures, and to be tested against. With `out`, `evaluation.json`, `predictions` and
    `classification_report.tsv` are written into that folder.
    Raises DataError for a broken data set, an empty split or rows without label; DetectorError for a
    detector that is missing or fails; UsageError for a budget that it has no threshold for.
    """
    name, whole, pack = open_data(data)
    chosen, manifest = select_split(whole, split, name)
    with ExitStack() as stack:
        opened = open_detector_or_run(detector, stack)
        opened.card.threshold("fake", budget)
        other = None if against is None else open_detector_or_run(against, stack)
        judgements = judge(opened, manifest, pack, progress)
        paired = None
        if other is not None:
            theirs = judge(other, manifest, pack, progress)
            paired = compare(judgements, theirs, other.card, other.sha256)
    card, scored = opened.card, judgements.is_scored
    labels, logits = judgements.labels[scored], judgements.logits[scored]
    budgets = [threshold.budget for threshold in card.thresholds["fake"]]
    evaluation = Evaluation(
        card=card,
        sha256=opened.sha256,
        data=name,
        split=chosen,
        digest=manifest.digest(),
        counts=_count(judgements, pack),
        figures=summarise(labels, logits),
        confusion=confusion(labels, logits >= 0),
        outcome=decide_all(card, judgements, budget),
        outcomes=tuple(decide_all(card, judgements, each) for each in sorted(budgets, reverse=True)),
        curves=describe_curves(card, labels, logits),
        likelihood_ratios=describe_likelihood_ratios(card, labels, logits),
        slices=describe_slices(judgements, answers(card, judgements, budget), budget),
        duplicates=find_duplicates(judgements, whole),
        paired=paired,
        judgements=judgements,
    )
    if out is not None:
        from doctored.evaluate.artefacts import write_artefacts

        write_artefacts(evaluation, Path(out))
    return evaluation


def evaluate_runs(
    detectors: Sequence[str],
    data: Data,
    split: str | None = "test",
    out: str | PathLike[str] | None = None,
    *,
    budget: float = DEFAULT_BUDGET,
    progress: Progress | None = None,
) -> tuple[list[Evaluation], dict[str, Any]]:
    """Evaluate several detectors or runs on the same pictures, and pool their figures.

    With `out`, each has a folder in it, and `evaluations.json`, which is the second thing returned, tells of
    all. Raises as `evaluate` does.
    """
    evaluations = [evaluate(name, data, split, budget=budget, progress=progress) for name in detectors]
    folders = name_folders([evaluation.card.name for evaluation in evaluations])
    told = {
        "doctored": __version__,
        "data": evaluations[0].data,
        "split": evaluations[0].split,
        "folders": folders,
        "figures": pool_figures([evaluation.figures for evaluation in evaluations]),
    }
    if out is not None:
        from doctored.evaluate.artefacts import write_artefacts, write_pooled

        for folder, evaluation in zip(folders, evaluations, strict=True):
            write_artefacts(evaluation, Path(out) / folder)
        write_pooled(told, Path(out))
    return evaluations, told


def open_detector_or_run(detector: Detector | str | PathLike[str], stack: ExitStack) -> Detector:
    """The detector, open until the stack closes, if it was not open already."""
    if isinstance(detector, Detector):
        return detector
    return stack.enter_context(open_detector(find_detector(detector)))


def _count(judgements: Judgements, pack: Pack | None) -> dict[str, int]:
    counts = {"rows": len(judgements.labels), "scored": int(judgements.is_scored.sum())}
    problems = (UNDECODABLE, OUTSIDE_SIZE, OUTSIDE_DISTANCE)
    counts |= {problem: judgements.count(problem) for problem in problems}
    if pack is not None:
        counts["broken_in_pack"] = pack.info["broken"]
    return counts


def open_data(data: Data) -> tuple[str, Manifest, Pack | None]:
    """What to call the data, all its rows, and the pack they are in, if it is one."""
    if isinstance(data, Manifest):
        return data.metadata.reader or "manifest", data, None
    if isinstance(data, Pack):
        return str(data.path), data.manifest, data
    path = Path(data)
    if (path / "pack.json").is_file():
        pack = Pack.open(path)
        return path.name, pack.manifest, pack
    return path.name, read_dataset(path), None


def select_split(manifest: Manifest, split: str | None, name: str) -> tuple[str | None, Manifest]:
    """The rows of a split (None: all), and its name; a set that knows no splits is taken whole."""
    known = [value for value in manifest.counts("split") if value is not None]
    if split is None or not known:
        chosen, kept = None, manifest
    elif split not in known:
        raise DataError(f"{name} has no split '{split}': choose one of {', '.join(sorted(known))}")
    else:
        is_chosen = np.array([value == split for value in manifest.column("split")])
        chosen, kept = split, manifest.select(is_chosen)
    if not len(kept):
        raise DataError(f"{name} has no pictures to evaluate: check the path")
    return chosen, kept
