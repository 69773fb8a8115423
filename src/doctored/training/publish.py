"""The end of a run: calibrate, buy thresholds, measure, pass the parity gate, write the detector.

Every choice (calibration, thresholds, the distance limit) is made on the validation split. The test
split, where there is one, is measured afterwards and changes nothing.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from doctored.data.files import written_aside
from doctored.data.manifest import Manifest
from doctored.detector.card import (
    Asks,
    Card,
    Domain,
    DomainKind,
    Metric,
    ModelCard,
    Pool,
    PoolKind,
    Threshold,
)
from doctored.detector.session import Session
from doctored.errors import TrainingError
from doctored.measure.calibrate import Affine, fit_affine, sigmoid
from doctored.measure.summary import Figure, proportion, summarise
from doctored.measure.thresholds import OperatingPoint, operating_points
from doctored.models import Network, count_parameters
from doctored.picture import Preprocess
from doctored.training.batches import Examples
from doctored.training.export import DetectorGraph, Neighbourhood, measure_neighbourhood, to_onnx
from doctored.training.loop import Row, predict
from doctored.training.parity import PICTURES, require_parity
from doctored.training.precision import Way
from doctored.training.recipe import Recipe

DISTANCE_PERCENTILE = 99.5
NEIGHBOURS = 20_000  # training pictures that the distance is measured from
VERSION = "1.0.0"


@dataclass(frozen=True)
class About:
    """What a card says of the training data and of the run."""

    title: str
    licence: str
    counts: Mapping[str, int]
    command: str
    commit: str | None


def publish(
    network: Network,
    examples: Examples,
    manifest: Manifest,
    recipe: Recipe,
    folder: Path,
    *,
    name: str,
    about: About,
    history: list[Row],
    note: Callable[[str], None],
) -> dict[str, Any]:
    """Write `detector.onnx` and the tables beside it; return what is in `training_metrics.json`."""
    note("calibrating, and buying thresholds, on the validation split")
    measured = measure(network, examples, recipe.seed)
    card = make_card(
        network, examples, manifest, recipe, measured, name=name, about=about, epochs=len(history)
    )
    note("exporting, and comparing torch with onnxruntime on real pictures")
    graph = DetectorGraph(network, *measured.affine, measured.neighbourhood)
    file = to_onnx(graph, recipe.size, card.to_json())
    check = np.sort(np.random.default_rng(recipe.seed).permutation(examples.val)[:PICTURES])
    difference = require_parity(graph, Session(file).run, examples.pixels[check])
    summary = {
        "parameters": count_parameters(network),
        "epochs": len(history),
        "calibration": measured.affine._asdict(),
        "distance_limit": measured.distance_limit,
        "parity": {"largest_difference": difference, "pictures": len(check)},
        "metrics": {key: asdict(metric) for key, metric in card.card.metrics.items()},
    }
    write_json(folder / "training_metrics.json", summary)
    write_json(folder / "model_card.json", json.loads(card.to_json()))
    write_predictions(folder / "predictions.parquet", manifest, measured.logits)
    with written_aside(folder / "detector.onnx") as aside:
        aside.write_bytes(file)
    return summary


class Measured(NamedTuple):
    """What the validation split decided; `logits` are calibrated, by split, in the examples' order."""

    affine: Affine
    neighbourhood: Neighbourhood
    distance_limit: float
    logits: dict[str, NDArray[np.float64]]


def measure(network: Network, examples: Examples, seed: int) -> Measured:
    exact, cpu = Way("fp32", channels_last=True), torch.device("cpu")
    sample = np.sort(np.random.default_rng(seed).permutation(examples.train)[:NEIGHBOURS])
    neighbourhood = measure_neighbourhood(predict(network, examples, sample, exact, cpu)[1])
    raw, embeddings = predict(network, examples, examples.val, exact, cpu)
    affine = fit_affine(raw, examples.labels[examples.val])
    logits = {"val": affine.slope * raw + affine.offset}
    if len(examples.test):
        raw_test, _ = predict(network, examples, examples.test, exact, cpu)
        logits["test"] = affine.slope * raw_test + affine.offset
    limit = float(np.percentile(neighbourhood.distance(embeddings), DISTANCE_PERCENTILE))
    return Measured(affine, neighbourhood, limit, logits)


def make_card(
    network: Network,
    examples: Examples,
    manifest: Manifest,
    recipe: Recipe,
    measured: Measured,
    *,
    name: str,
    about: About,
    epochs: int,
) -> Card:
    side, parameters = recipe.size, count_parameters(network)
    points = operating_points(measured.logits["val"], examples.labels[examples.val])
    return Card(
        name=name,
        version=VERSION,
        asks=what_it_asks(manifest),
        domain=Domain(DomainKind.LAB, side, side, measured.distance_limit, describe_domain(about, side)),
        preprocess=Preprocess.exact(side),
        pool=describe_pool(network, measured.affine.slope),
        thresholds={
            says: tuple(Threshold(p.budget, p.logit, p.bound, p.n) for p in bought)
            for says, bought in points.items()
        },
        card=ModelCard(
            data=about.title,
            counts=about.counts,
            licence=about.licence,
            metrics=make_metrics(examples, measured, points),
            limits=describe_limits(side),
            commit=about.commit or "unknown",
            command=about.command,
            text=f"The network '{recipe.network}', {parameters:,} parameters, trained for {epochs} epochs.",
        ),
        digest=manifest.digest(),
    )


def make_metrics(
    examples: Examples, measured: Measured, points: Mapping[str, Sequence[OperatingPoint]]
) -> dict[str, Metric]:
    """Figures by split; for the test split also what the thresholds, bought on validation, cost there."""
    rows = {"val": examples.val, "test": examples.test}
    metrics = {
        f"{part}.{key}": metric
        for part, logits in measured.logits.items()
        for key, metric in describe(examples.labels[rows[part]], logits).items()
    }
    if "test" in measured.logits:
        labels, logits = examples.labels[examples.test], measured.logits["test"]
        for point in points["fake"]:
            wrong = proportion(int((logits[labels == 0] >= point.logit).sum()), int((labels == 0).sum()))
            metrics |= as_metric(f"test.real_called_fake_at_{point.budget:g}", wrong)
        for point in points["real"]:
            wrong = proportion(int((logits[labels == 1] <= point.logit).sum()), int((labels == 1).sum()))
            metrics |= as_metric(f"test.fake_called_real_at_{point.budget:g}", wrong)
    return metrics


def write_json(path: Path, value: Any) -> None:
    with written_aside(path) as aside:
        aside.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def describe(labels: NDArray[np.uint8], logits: NDArray[np.float64]) -> dict[str, Metric]:
    """Every figure of the summary; what this slice cannot have is left out."""
    metrics: dict[str, Metric] = {}
    for key, figure in summarise(labels, logits).items():
        metrics |= as_metric(key, figure)
    return metrics


def as_metric(key: str, figure: Figure) -> dict[str, Metric]:
    if figure.value is None or figure.low is None or figure.high is None:
        return {}
    return {key: Metric(figure.value, figure.n, figure.low, figure.high)}


def describe_pool(network: Network, slope: float) -> Pool:
    """The pool of the calibrated map."""
    kind = PoolKind(network.pool.kind)
    return Pool(kind, None if kind is PoolKind.MEAN else network.pool.scaled(slope).temperature)


def what_it_asks(manifest: Manifest) -> Asks:
    """Which question the fakes of this data set teach a detector to answer."""
    kinds = {
        kind
        for label, kind in zip(manifest.column("label"), manifest.column("kind"), strict=True)
        if label == "fake"
    }
    if kinds == {"generated"}:
        return Asks.GENERATED
    tampered = bool(kinds) and kinds <= {"spliced", "copy_move", "retouched"}
    return Asks.TAMPERED if tampered else Asks.EITHER


def describe_domain(about: About, side: int) -> str:
    return f"pictures of exactly {side}×{side} pixels, like those of {about.title}"


def describe_limits(size: int) -> str:
    return (
        f"Knows only {size}×{size} pictures from the same sources, and compressed alike, as its training "
        "data. It says nothing about other pictures, other generators, or what a picture shows."
    )


def write_predictions(path: Path, manifest: Manifest, logits: Mapping[str, NDArray[np.float64]]) -> None:
    """One row a picture of the measured splits: id, split, label, logit, probability."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    splits = np.array(manifest.column("split"))
    identities, labels = (
        np.array(manifest.column("id"), dtype=object),
        np.array(manifest.column("label"), dtype=object),
    )
    columns: dict[str, list[Any]] = {"id": [], "split": [], "label": [], "logit": [], "probability": []}
    for part, values in logits.items():
        here = splits == part
        if here.sum() != len(values):
            raise TrainingError(
                f"{len(values)} predictions for {here.sum()} rows of {part}; this is a bug, please report it"
            )
        columns["id"] += list(identities[here])
        columns["split"] += [part] * len(values)
        columns["label"] += list(labels[here])
        columns["logit"] += values.tolist()
        columns["probability"] += sigmoid(values).tolist()
    with written_aside(path) as aside:
        parquet.write_table(pa.table(columns), aside)
