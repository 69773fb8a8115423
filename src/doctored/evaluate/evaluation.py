"""`evaluate(detector, data)`: every figure with n and a 95 % interval, and nothing left out in silence."""

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
from doctored.evaluate.judge import (
    OUTSIDE_DISTANCE,
    OUTSIDE_SIZE,
    UNDECODABLE,
    Judgements,
    Progress,
    judge,
)
from doctored.evaluate.outcome import Outcome, decide_all
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
    many rows of any split were left out of it as broken.
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
        }


def evaluate(
    detector: Detector | str | PathLike[str],
    data: Data,
    split: str | None = "test",
    out: str | PathLike[str] | None = None,
    *,
    budget: float = DEFAULT_BUDGET,
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate a detector on the labelled pictures of a split (None: of all).

    `data` is a data set's path (folder, archive or manifest), a pack's folder, a `Manifest` or a `Pack`. A
    set that knows no splits is taken whole. With `out`, `evaluation.json`, `predictions` and
    `classification_report.tsv` are written into that folder.
    Raises DataError for a broken data set, an empty split or rows without label; DetectorError for a
    detector that is missing or fails; UsageError for a budget that it has no threshold for.
    """
    name, manifest, pack = _open_data(data)
    chosen, manifest = _select(manifest, split, name)
    with ExitStack() as stack:
        opened = detector
        if not isinstance(opened, Detector):
            opened = stack.enter_context(open_detector(opened))
        opened.card.threshold("fake", budget)
        judgements = judge(opened, manifest, pack, progress)
    scored = judgements.is_scored
    labels, logits = judgements.labels[scored], judgements.logits[scored]
    counts = {"rows": len(manifest), "scored": int(scored.sum())}
    counts |= {
        problem: judgements.count(problem) for problem in (UNDECODABLE, OUTSIDE_SIZE, OUTSIDE_DISTANCE)
    }
    if pack is not None:
        counts["broken_in_pack"] = pack.info["broken"]
    evaluation = Evaluation(
        card=opened.card,
        sha256=opened.sha256,
        data=name,
        split=chosen,
        digest=manifest.digest(),
        counts=counts,
        figures=summarise(labels, logits),
        confusion=confusion(labels, logits >= 0),
        outcome=decide_all(opened.card, judgements, budget),
        judgements=judgements,
    )
    if out is not None:
        from doctored.evaluate.artefacts import write_artefacts

        write_artefacts(evaluation, Path(out))
    return evaluation


def _open_data(data: Data) -> tuple[str, Manifest, Pack | None]:
    if isinstance(data, Manifest):
        return data.metadata.reader or "manifest", data, None
    if isinstance(data, Pack):
        return str(data.path), data.manifest, data
    path = Path(data)
    if (path / "pack.json").is_file():
        pack = Pack.open(path)
        return path.name, pack.manifest, pack
    return path.name, read_dataset(path), None


def _select(manifest: Manifest, split: str | None, name: str) -> tuple[str | None, Manifest]:
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
