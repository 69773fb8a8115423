"""The end of a run: calibrate, buy thresholds, measure, pass the parity gate, write the detector.

Every choice is made on the validation split: one part of it, which chose the epoch, chooses the calibration;
the other, which chose nothing, buys thresholds and the distance limit. The test split, where there is one, is
measured afterwards and changes nothing.
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
from doctored.detector.onnx_file import MAX_FILE_BYTES
from doctored.detector.session import Session
from doctored.measure import likelihood, selective
from doctored.measure.calibrate import Affine, Calibration, choose_calibration
from doctored.measure.intervals import quantile_interval
from doctored.measure.summary import Figure, figure, proportion, summarise
from doctored.measure.thresholds import BUDGETS, SMALL_BUDGET, OperatingPoint, needed, operating_points
from doctored.models import Network, count_parameters
from doctored.models.catalogue import count_bytes
from doctored.models.weights import without_folders
from doctored.training.batches import Examples
from doctored.training.byte_weights import round_network
from doctored.training.encoders import FrozenNetwork, OnnxEncoder
from doctored.training.export import DetectorGraph, Neighbourhood, measure_neighbourhood, to_onnx
from doctored.training.joining import join
from doctored.training.loop import predict
from doctored.training.parity import PICTURES, require_parity
from doctored.training.precision import Way
from doctored.training.recipe import Recipe
from doctored.training.rows import find_domain, write_predictions

DISTANCE_PERCENTILE = 99.5
NEIGHBOURS = 20_000  # training pictures that the distance is measured from


@dataclass(frozen=True)
class About:
    """What a card says of the training data and of the run; `start` and `share` as in `run.Plan`, `version`
    is the detector's."""

    title: str
    licence: str
    counts: Mapping[str, int]
    command: str
    commit: str | None
    start: str = ""
    share: float = 1.0
    version: str = "1.0.0"


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
        "calibration": {
            **measured.affine._asdict(),
            "kind": measured.calibration.kind,
            "log_loss": measured.calibration.losses,
        },
        "distance_limit": measured.distance_limit,
        "parity": {"largest_difference": made.difference, "pictures": made.compared},
        "metrics": {key: asdict(metric) for key, metric in made.card.card.metrics.items()},
    }
    write_json(folder / "training_metrics.json", summary)
    write_json(folder / "model_card.json", json.loads(made.card.to_json()))
    write_predictions(folder / "predictions.parquet", trained.manifest, trained.examples, measured.logits)
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
    if is_too_large(trained.network):
        round_network(trained.network)
        note("its weights are rounded to a byte each, or no file would hold them; all figures are of these")
    note("calibrating, and buying thresholds, on the validation split")
    measured = measure(trained)
    note(f"calibrated by {describe_calibration(measured.calibration)}")
    if why := choose_budgets(measured.buyers(examples)[1])[1]:
        note(why)
    card = make_card(trained, measured)
    note("exporting, and comparing torch with onnxruntime on real pictures")
    graph = DetectorGraph(trained.network, *measured.affine, measured.neighbourhood)
    write = join if isinstance(trained.network, OnnxEncoder) else to_onnx
    file = write(graph, recipe.size, card.to_json())
    check = np.sort(np.random.default_rng(recipe.seed).permutation(examples.val)[:PICTURES])
    difference = require_parity(graph, Session(file).run, examples.pixels[check])
    return Made(file, card, measured, difference, len(check))


class Measured(NamedTuple):
    """What the validation split decided; by part, in the examples' order: `logits`, calibrated, and `within`,
    which pictures calibration, thresholds and distance are taken of (`find_domain`)."""

    calibration: Calibration
    neighbourhood: Neighbourhood
    distance_limit: float
    logits: dict[str, NDArray[np.float64]]
    within: dict[str, NDArray[np.bool_]]

    @property
    def affine(self) -> Affine:
        return self.calibration.affine

    def buyers(self, examples: Examples) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
        """Logits float64 [n] and labels uint8 [n] of the pictures that buy thresholds."""
        part, inside = examples.buying, self.within[examples.buying]
        return self.logits[part][inside], examples.labels[getattr(examples, part)[inside]]


def measure(trained: Trained) -> Measured:
    examples = trained.examples
    random, place = np.random.default_rng(trained.recipe.seed), trained.network.place
    within = find_domain(trained.manifest, examples)
    sample = np.sort(random.permutation(examples.train[within["train"]])[:NEIGHBOURS])
    neighbourhood = measure_neighbourhood(trained.look(sample)[1][:, place])
    looked = {
        part: trained.look(rows)
        for part in ("val", "held", "test")
        if len(rows := getattr(examples, part)) or part == "val"
    }
    calibrating = within["val"]
    calibration = choose_calibration(
        looked["val"][0][calibrating],
        examples.labels[examples.val[calibrating]],
        seed=trained.recipe.seed,
        balance=trained.recipe.balance,
    )
    slope, offset = calibration.affine
    logits = {part: slope * raw + offset for part, (raw, _) in looked.items()}
    buyers = looked[examples.buying][1][within[examples.buying]]
    limit = float(np.percentile(neighbourhood.distance(buyers[:, place]), DISTANCE_PERCENTILE))
    return Measured(calibration, neighbourhood, limit, logits, within)


def describe_calibration(calibration: Calibration) -> str:
    losses = ", ".join(f"{kind} {loss:.4f}" for kind, loss in calibration.losses.items())
    return f"{calibration.kind} scaling" + (f" (cross-validated log loss: {losses})" if losses else "")


def choose_budgets(labels: NDArray[np.uint8]) -> tuple[tuple[float, ...], str]:
    """5 % and 1 %, whatever their bound, and 0.1 % where there are pictures to promise it; else why not."""
    least, rarer = needed(SMALL_BUDGET), min(int((labels == target).sum()) for target in (0, 1))
    if rarer >= least:
        return (*BUDGETS, SMALL_BUDGET), ""
    return BUDGETS, (
        f"No threshold for a budget of {SMALL_BUDGET:.1%}: it takes {least:,} pictures of each class to buy "
        f"it on, and there are {rarer:,}."
    )


def make_card(trained: Trained, measured: Measured, name: str = "") -> Card:
    """The card of a detector that was measured so; `name` where it is not the run's own."""
    examples, about, recipe = trained.examples, trained.about, trained.recipe
    logits, labels = measured.buyers(examples)
    budgets, why = choose_budgets(labels)
    points = operating_points(logits, labels, budgets)
    low, high = find_sides(trained.manifest, recipe)
    return Card(
        name=name or trained.name,
        version=about.version,
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
            metrics=make_metrics(examples, measured, points) | tell_prior(trained, measured),
            limits=describe_limits(low, high),
            commit=about.commit or "unknown",
            command=about.command,
            text=" ".join(
                filter(None, (describe_network(trained), describe_choices(trained, measured), why))
            ),
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
        + describe_share(trained.about)
        + (" It judges every picture and its mirror image." if trained.network.symmetric else "")
        + (" Its weights are rounded to a byte each." if is_too_large(trained.network) else "")
    )


def describe_share(about: About) -> str:
    if about.share == 1:
        return ""
    return f" Its weights lie {about.share:.0%} of the way from those of {about.start!r} to the trained ones."


def is_too_large(network: Network) -> bool:
    """Whether no file can hold the weights as they are. A frozen encoder's are seen to before it starts."""
    return not isinstance(network, FrozenNetwork) and count_bytes(network) > MAX_FILE_BYTES


def describe_choices(trained: Trained, measured: Measured) -> str:
    within = measured.within["val"]
    calibrating, every = int(within.sum()), len(within)
    told = f"Calibrated by {measured.calibration.kind} scaling on {calibrating:,} validation pictures"
    if calibrating < every:
        told += f" (the other {every - calibrating:,} are of sources with one class alone)"
    if trained.recipe.balance:
        told += ", of which real and fake ones weigh the same in all"
    if not len(trained.examples.held):
        return f"{told}, which chose the epoch and bought the thresholds, too."
    buyers = len(measured.buyers(trained.examples)[1])
    return f"{told}; thresholds bought on {buyers:,} others, which chose nothing."


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
    """Figures by part; for the test split also what the thresholds, bought on validation, cost there; and the
    least |logit| to ask for where only so many pictures are to have an answer."""
    metrics = {
        f"{part}.{key}": metric
        for part, logits in measured.logits.items()
        for key, metric in describe(examples.labels[getattr(examples, part)], logits).items()
    }
    sureness = np.abs(measured.buyers(examples)[0])
    for coverage in selective.COVERAGES:
        cut = figure(
            selective.cut_for_coverage(sureness, coverage),
            len(sureness),
            quantile_interval(sureness, 1 - coverage),
        )
        metrics |= as_metric(selective.CUT.format(coverage), cut)
    if "test" in measured.logits:
        labels, logits = examples.labels[examples.test], measured.logits["test"]
        for point in points["fake"]:
            wrong = proportion(int((logits[labels == 0] >= point.logit).sum()), int((labels == 0).sum()))
            metrics |= as_metric(f"test.real_called_fake_at_{point.budget:g}", wrong)
        for point in points["real"]:
            wrong = proportion(int((logits[labels == 1] <= point.logit).sum()), int((labels == 1).sum()))
            metrics |= as_metric(f"test.fake_called_real_at_{point.budget:g}", wrong)
    return metrics


def tell_prior(trained: Trained, measured: Measured) -> dict[str, Metric]:
    """The odds that the calibrated logit holds, where they are not those of the counts of val."""
    examples, within = trained.examples, measured.within["val"]
    if not trained.recipe.balance and within.all():
        return {}
    n, fakes = int(within.sum()), int(examples.labels[examples.val[within]].sum())
    odds = 0.0 if trained.recipe.balance else likelihood.log_odds(fakes, n - fakes)
    return {likelihood.PRIOR: Metric(odds, n, odds, odds)}


def write_json(path: Path, value: Any) -> None:
    with written_aside(path) as aside:
        aside.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def describe(labels: NDArray[np.uint8], logits: NDArray[np.float64]) -> dict[str, Metric]:
    """Every figure of the summary; what this slice cannot have is left out."""
    metrics: dict[str, Metric] = {}
    for key, found in summarise(labels, logits).items():
        metrics |= as_metric(key, found)
    return metrics


def as_metric(key: str, found: Figure) -> dict[str, Metric]:
    if found.value is None or found.low is None or found.high is None:
        return {}
    return {key: Metric(found.value, found.n, found.low, found.high)}


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
