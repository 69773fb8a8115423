"""What a run was measured at: `evaluation.json`, or as much of it as other files still tell."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from doctored.measure.metrics import confusion
from doctored.measure.ranking import thin
from doctored.measure.selective import risk_coverage
from doctored.measure.summary import Figure, summarise
from doctored.report.artefacts import (
    EVALUATION,
    PREDICTIONS,
    TRAINING,
    Absent,
    Json,
    Predictions,
    Run,
    missing,
)
from doctored.report.wording import read_figures


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """`content` has the keys of `evaluation.json` (docs/artefacts.md), as far as `source` tells them."""

    source: str
    split: str | None
    content: Json

    @property
    def figures(self) -> dict[str, Figure]:
        return read_figures(self.content["figures"])

    def part(self, name: str) -> Any:
        """A part by its key; None where it is null or not there."""
        return self.content.get(name)

    def need(self, name: str, why: str) -> Any:
        """A part by its key; Absent with `why` where it is null, and where the file is too old for it."""
        if name not in self.content:
            raise Absent(f"{self.source} does not tell: evaluate again ({EVALUATION} then has it).")
        if self.content[name] is None:
            raise Absent(why)
        return self.content[name]


def read_measured(run: Run) -> Measured:
    """The evaluation, else what the predictions tell, else the figures of the training run."""
    if run.has(EVALUATION):
        content = run.json(EVALUATION)
        return Measured(EVALUATION, content.get("split"), content)
    if run.has(*PREDICTIONS):
        source = next(name for name in PREDICTIONS if run.has(name))
        found = run.predictions
        content = run.derived(source, lambda: describe(found))
        return Measured(source, None if found.split == "all" else found.split, content)
    if run.has(TRAINING):
        figures = run.json(TRAINING)["metrics"]
        split = "test" if any(name.startswith("test.") for name in figures) else "val"
        return Measured(TRAINING, split, {"figures": _of_split(figures, split)})
    raise Absent(missing(run, EVALUATION))


def _of_split(figures: Mapping[str, Any], split: str) -> Json:
    start = f"{split}."
    return {name.removeprefix(start): value for name, value in figures.items() if name.startswith(start)}


def describe(found: Predictions) -> Json:
    """The parts of an evaluation that labels and logits alone tell."""
    from doctored.evaluate.charts import describe_ranking, describe_reliability

    labels, logits = found.labels.astype(np.uint8), found.logits
    figures = summarise(labels, logits)
    return {
        "figures": {name: figure.to_json() for name, figure in figures.items()},
        "counts": {"scored": labels.size},
        "confusion": asdict(confusion(labels, logits >= 0)),
        "reliability": describe_reliability(labels, logits),
        "risk_coverage": _risk_coverage(found),
        **describe_ranking(labels, logits),
    }


def _risk_coverage(found: Predictions) -> Json:
    curve = risk_coverage(found.labels, found.logits)
    kept = thin(curve.coverage, curve.risk)
    points = np.stack([curve.coverage[kept], curve.risk[kept], curve.cut[kept]], axis=1)
    return {"points": points.tolist(), "area": curve.area, "rows": []}
