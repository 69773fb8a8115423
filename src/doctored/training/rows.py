"""Which rows of a manifest a run's examples are, which of them are its domain, and what was said of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from doctored.data.files import written_aside
from doctored.data.manifest import Manifest
from doctored.errors import TrainingError
from doctored.measure.calibrate import sigmoid
from doctored.training.batches import Examples


def find_rows(manifest: Manifest, examples: Examples) -> dict[str, NDArray[np.int64]]:
    """The manifest's rows of each part, in the order of the examples' rows of that part."""
    splits = np.array(manifest.column("split"))
    rows = {split: np.flatnonzero(splits == split) for split in ("train", "val", "test")}
    both = np.concatenate([examples.val, examples.held])
    if (len(both), len(examples.test)) != (len(rows["val"]), len(rows["test"])):
        raise TrainingError("the examples are not the manifest's rows; this is a bug, please report it")
    # the parts lie in the manifest's order, each by itself: a picture's rank among both is its place in val
    in_order = rows["val"][np.argsort(np.argsort(both))]
    rows["val"], rows["held"] = np.split(in_order, [len(examples.val)])
    return rows


def find_domain(manifest: Manifest, examples: Examples) -> dict[str, NDArray[np.bool_]]:
    """By part, which of its rows are of sources that have both classes: those that the domain distance is
    measured from, the calibration fitted on and thresholds bought on.

    A source that is all real or all fake teaches, but it says nothing of the odds between the two, and would
    move them for the others. All rows, where no source has both, or where a part would lack a class.
    """
    rows, sources, labels = find_rows(manifest, examples), manifest.column("source"), manifest.column("label")
    classes: dict[str | None, set[str | None]] = {}
    for source, label in zip(sources, labels, strict=True):
        classes.setdefault(source, set()).add(label)
    has_both = np.array([{"real", "fake"} <= classes[source] for source in sources], bool)
    within = {part: has_both[places] for part, places in rows.items()}
    for part, inside in within.items():
        told = examples.labels[getattr(examples, part)]
        if len(told) and set(told[inside]) != set(told):
            return {part: np.ones(len(places), bool) for part, places in rows.items()}
    return within


def write_predictions(
    path: Path, manifest: Manifest, examples: Examples, logits: Mapping[str, NDArray[np.float64]]
) -> None:
    """One row a picture that was measured: id, split, part (of val: `val` chose, `held` bought thresholds),
    label, logit, probability."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    splits, rows = manifest.column("split"), find_rows(manifest, examples)
    identities, labels = manifest.column("id"), manifest.column("label")
    columns: dict[str, list[Any]] = {
        "id": [], "split": [], "part": [], "label": [], "logit": [], "probability": []
    }  # fmt: skip
    for part, values in logits.items():
        columns["id"] += [identities[row] for row in rows[part]]
        columns["split"] += [splits[row] for row in rows[part]]
        columns["part"] += [part] * len(values)
        columns["label"] += [labels[row] for row in rows[part]]
        columns["logit"] += values.tolist()
        columns["probability"] += sigmoid(values).tolist()
    with written_aside(path) as aside:
        parquet.write_table(pa.table(columns), aside)
