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
from doctored.models.weights import without_folders
from doctored.training.batches import Examples
from doctored.training.encoders import FrozenNetwork, OnnxEncoder
from doctored.training.export import DetectorGraph, Neighbourhood, measure_neighbourhood, to_onnx
from doctored.training.joining import join
from doctored.training.loop import predict
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


@dataclass(frozen=True, eq=False)
class Trained:
    """What a detector is made from: a network with its best weights, what it learnt from in how many epochs;
    where a frozen network's mean features are kept, those, float16 [N, d], by the examples' row."""

    network: Network
    examples: Examples
    manifest: Manifest
    recipe: Recipe
    name: str
    about: About
    epochs: int
    features: NDArray[np.float16] | None = None

    def look(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Logits float64 [n] and embeddings float32 [n, d] of these rows, before calibration."""
        if self.features is None:
            exact = Way("fp32", channels_last=True)
            return predict(self.network, self.examples, rows, exact, torch.device("cpu"))
        embeddings, head = self.features[rows].astype(np.float32), self.network.head
        with torch.no_grad():
            logits = head(torch.from_numpy(embeddings)[:, :, None, None]).flatten()
        return logits.double().numpy(), embeddings


def publish(trained: Trained, folder: Path, note: Callable[[str], None]) -> dict[str, Any]:
    """Write `detector.onnx` and the tables beside it; return what is in `training_metrics.json`."""
    made = make_detector(trained, note)
    measured = made.measured
    summary = {
        "parameters": count_shipped(trained.network),
        "epochs": trained.epochs,
        "calibration": measured.affine._asdict(),
        "distance_limit": measured.distance_limit,
        "parity": {"largest_difference": made.difference, "pictures": made.compared},
        "metrics": {key: asdict(metric) for key, metric in made.card.card.metrics.items()},
    }
    write_json(folder / "training_metrics.json", summary)
    write_json(folder / "model_card.json", json.loads(made.card.to_json()))
    write_predictions(folder / "predictions.parquet", trained.manifest, measured.logits)
    with written_aside(folder / "detector.onnx") as aside:
        aside.write_bytes(made.file)
    return summary


class Made(NamedTuple):
    """A detector file that passed the gate: `difference` in probability at most, on `compared` pictures."""

    file: bytes
    card: Card
    measured: "Measured"
    difference: float
    compared: int


def make_detector(trained: Trained, note: Callable[[str], None]) -> Made:
    """Calibrate, buy thresholds, export, compare; TrainingError where the comparison fails."""
    examples, recipe = trained.examples, trained.recipe
    note("calibrating, and buying thresholds, on the validation split")
    measured = measure(trained)
    card = make_card(trained, measured)
    note("exporting, and comparing torch with onnxruntime on real pictures")
    graph = DetectorGraph(trained.network, *measured.affine, measured.neighbourhood)
    write = join if isinstance(trained.network, OnnxEncoder) else to_onnx
    file = write(graph, recipe.size, card.to_json())
    check = np.sort(np.random.default_rng(recipe.seed).permutation(examples.val)[:PICTURES])
    difference = require_parity(graph, Session(file).run, examples.pixels[check])
    return Made(file, card, measured, difference, len(check))


class Measured(NamedTuple):
    """What the validation split decided; `logits` are calibrated, by split, in the examples' order."""

    affine: Affine
    neighbourhood: Neighbourhood
    distance_limit: float
    logits: dict[str, NDArray[np.float64]]


def measure(trained: Trained) -> Measured:
    examples = trained.examples
    sample = np.sort(np.random.default_rng(trained.recipe.seed).permutation(examples.train)[:NEIGHBOURS])
    neighbourhood = measure_neighbourhood(trained.look(sample)[1])
    raw, embeddings = trained.look(examples.val)
    affine = fit_affine(raw, examples.labels[examples.val])
    logits = {"val": affine.slope * raw + affine.offset}
    if len(examples.test):
        raw_test, _ = trained.look(examples.test)
        logits["test"] = affine.slope * raw_test + affine.offset
    limit = float(np.percentile(neighbourhood.distance(embeddings), DISTANCE_PERCENTILE))
    return Measured(affine, neighbourhood, limit, logits)


def make_card(trained: Trained, measured: Measured, name: str = "") -> Card:
    """The card of a detector that was measured so; `name` where it is not the run's own."""
    examples, about, recipe = trained.examples, trained.about, trained.recipe
    points = operating_points(measured.logits["val"], examples.labels[examples.val])
    low, high = find_sides(trained.manifest, recipe)
    return Card(
        name=name or trained.name,
        version=VERSION,
        asks=what_it_asks(trained.manifest),
        domain=Domain(
            DomainKind.LAB, low, high, measured.distance_limit, describe_domain(about.title, low, high)
        ),
        preprocess=recipe.views(),
        pool=describe_pool(trained.network, measured.affine.slope),
        thresholds={
            says: tuple(Threshold(p.budget, p.logit, p.bound, p.n) for p in bought)
            for says, bought in points.items()
        },
        card=ModelCard(
            data=about.title,
            counts=about.counts,
            licence=about.licence,
            metrics=make_metrics(examples, measured, points),
            limits=describe_limits(low, high),
            commit=about.commit or "unknown",
            command=about.command,
            text=describe_network(trained),
        ),
        digest=trained.manifest.digest(),
    )


def count_shipped(network: Network) -> int:
    """The parameters that the detector holds: of a frozen encoder those before its layer, and the head's."""
    if isinstance(network, FrozenNetwork):
        return network.weights + count_parameters(network.head)
    return count_parameters(network)


def describe_network(trained: Trained) -> str:
    recipe, parameters = trained.recipe, count_shipped(trained.network)
    if isinstance(trained.network, FrozenNetwork):
        layer = f"layer {recipe.layer}" if recipe.layer else "the last layer"
        return (
            f"A linear head on {layer} of the frozen encoder '{without_folders(recipe.encoder)}', "
            f"{parameters:,} parameters."
        )
    return (
        f"The network '{without_folders(recipe.network)}', {parameters:,} parameters, "
        f"trained for {trained.epochs} epochs."
    )


def find_sides(manifest: Manifest, recipe: Recipe) -> tuple[int, int]:
    """The shortest and the longest side, in pixels, of what the network was trained on."""
    if recipe.preprocess == "exact":
        return recipe.size, recipe.size
    trained = [split == "train" for split in manifest.column("split")]
    sides = [
        side
        for name in ("width", "height")
        for side, is_trained in zip(manifest.column(name), trained, strict=True)
        if is_trained and side is not None
    ]
    return min(sides), max(sides)


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


def describe_domain(title: str, low: int, high: int) -> str:
    return f"pictures {describe_sides(low, high)}, like those of {title}"


def describe_limits(low: int, high: int) -> str:
    return (
        f"Knows only pictures {describe_sides(low, high)}, from the same sources, and compressed alike, as "
        "its training data. It says nothing about other pictures, other generators, or what a picture shows."
    )


def describe_sides(low: int, high: int) -> str:
    return f"of exactly {low}×{low} pixels" if low == high else f"with sides of {low} to {high} pixels"


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
