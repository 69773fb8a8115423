"""A run made again from its detector and its data, so that a detector file is enough to go on from.

The file holds the weights under the names that the network gives them, the command that trained it, and the
digest of every picture with its split. So what comes back is proven: the digests must agree, and the network
must say of validation pictures what the file says, up to the calibration. What the file does not hold (the
epochs' rows, the optimiser) does not come back: a restored run can be started from, taught by, interpolated
to, attacked and exported, but not resumed.
"""

import json
import os
import shlex
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor

from doctored.data.files import written_aside
from doctored.data.split import BUYING_SHARE
from doctored.detector.card import Card
from doctored.detector.detector import load_file, open_detector
from doctored.errors import DataError, DetectorError, UsageError
from doctored.models import Network
from doctored.training import checkpoint
from doctored.training.ancestry import MANIFEST
from doctored.training.batches import Examples
from doctored.training.export import WEIGHTS_PREFIX
from doctored.training.loop import Hooks, predict_logits
from doctored.training.material import Material, count_splits, open_material, record_audit
from doctored.training.parity import PICTURES
from doctored.training.precision import Way
from doctored.training.publish import write_json
from doctored.training.recipe import FROZEN, Recipe
from doctored.training.run import Plan, make_network

TOLERANCE = 1e-3  # of a logit
LEAST_PICTURES, LEAST_SLOPE = 10, 1e-3  # fewer, or flatter, and nothing is proven
BUYING_SHARES = (BUYING_SHARE, 2 / 3, 0.0)  # of versions so far; the card's counts tell which it was

Folder = str | os.PathLike[str]


class Making(NamedTuple):
    """How a card says that its detector was made.

    `recipe`; `start`, the run that it started from; `share`, how far from that one's weights its own lie.
    """

    recipe: Recipe
    start: str = ""
    share: float = 1.0


def restore(
    detector: Folder,
    data: Folder,
    out: Folder,
    *,
    init_from: Folder | None = None,
    teacher: str = "",
    hooks: Hooks | None = None,
) -> Path:
    """Make the run's folder of `detector`, a name or a file, again from the data that it was trained on.

    `init_from` is the run that it started from and `teacher` the one that it was taught by (several: with a
    comma between, in the card's order), if its card names one: their splits were handed down. Returns the
    folder. Raises UsageError for a card without a training command, for weights that do not match the
    network's one to one, for a run that is needed and not given or no run, and for an `out` that is not
    empty; DataError where pictures or splits are not those that the detector was trained on, or its answers
    differ from the network's.
    """
    out, hooks = Path(out), hooks or Hooks()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is not empty; give another --out")
    for folder in Recipe(teacher=teacher).teachers:
        if not (folder / MANIFEST).is_file():
            raise UsageError(f"{folder} is no run: there is no {MANIFEST} in it")
    _, file, _ = load_file(detector)
    with open_detector(detector) as opened:
        card = opened.card
        made = read_making(card, has_start=init_from is not None, teacher=teacher)
        material = open_material(Path(data), made.recipe, hooks, init_from)
        if material.manifest.digest() != card.digest:
            raise DataError(
                f"these are not the pictures and splits that {card.name} was trained on; its card says: "
                f"{card.card.command}"
            )
        material, examples = part_as_told(material, card)
        network = wear(make_network(made.recipe, examples), read_weights(file))
        check = np.sort(np.random.default_rng(0).permutation(examples.val)[:PICTURES])
        require_same(network, examples, check, lambda pixels: opened.run(pixels).logit)
    write(out, made, material, card, network, hooks)
    with written_aside(out / "detector.onnx") as aside:
        aside.write_bytes(file)
    return out


def write(out: Path, made: Making, material: Material, card: Card, network: Network, hooks: Hooks) -> None:
    """All of the run's folder but its detector, which comes last."""
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "split.json", material.splits)
    material.manifest.to_parquet(out / "manifest.parquet")
    record_audit(out, material.manifest, hooks)
    checkpoint.save({"network": network.state_dict()}, out / checkpoint.BEST)
    write_json(out / "model_card.json", json.loads(card.to_json()))
    Plan(made.recipe, material.source.name, card.digest, Way(), start=made.start, share=made.share).save(out)


def read_making(card: Card, *, has_start: bool, teacher: str = "") -> Making:
    """What a card's command tells; `has_start`: whether the run that it started from is at hand; `teacher`:
    where those that it was taught by lie.

    Nothing that a card names is opened or fetched: UsageError for a card without a command to train, for one
    of folds, of weights or networks from elsewhere, and where a run is named and not at hand.
    """
    trained, *later = card.card.command.split(" && ")
    try:
        words, way = shlex.split(trained), shlex.split(later[-1] if later else "")
        shares = [float(share) for share in options(way, "--share")]
    except ValueError:
        words, way, shares = [], [], []
    if words[:2] != ["doctored", "train"] or not all(0 < share <= 1 for share in shares):
        raise UsageError(f"the card of {card.name} holds no command that trained it; it cannot be restored")
    settings = dict(setting.partition("=")[::2] for setting in options(words, "--set"))
    recipe = Recipe.from_settings(settings)
    starts = [Path(run).name for run in (*way[3:4], *options(words, "--init-from"))]
    if why := refuse(recipe, words):
        raise UsageError(f"{card.name} {why}; it cannot be restored")
    if recipe.views() != card.preprocess:
        raise UsageError(f"the card of {card.name} contradicts itself about the pictures' size")
    if starts and not has_start:
        raise UsageError(f"{card.name} started from the run {starts[-1]!r}; give it with --init-from")
    if recipe.teacher:
        taught_by, at_hand = recipe.teachers, replace(recipe, teacher=teacher)
        if len(at_hand.teachers) != len(taught_by):
            named = ",".join(folder.name for folder in taught_by)
            raise UsageError(f"{card.name} was taught by {named!r}; give as many runs with --teacher")
        recipe = at_hand
    return Making(recipe, starts[0] if starts else "", shares[0] if shares else 1.0)


def refuse(recipe: Recipe, words: list[str]) -> str:
    """Why a training of this kind cannot be done again from its file; empty where it can."""
    if "--folds" in words:
        return "is one of several folds"
    if recipe.network == FROZEN:
        return "is a head on a frozen encoder, which is trained again in seconds"
    return "began with weights or a network from elsewhere" if recipe.weights or "/" in recipe.network else ""


def options(words: list[str], name: str) -> list[str]:
    return [value for option, value in pairwise(words) if option == name]


def part_as_told(material: Material, card: Card) -> tuple[Material, Examples]:
    """The same pictures, val parted into those that chose and those that bought thresholds as the card counts
    them, and their examples; DataError where no version so far would have."""
    for share in BUYING_SHARES:
        parted = replace(material, splits={**material.splits, "buying_share": share})
        examples = parted.examples()
        if all(card.card.counts.get(part, 0) == count for part, count in count_splits(examples).items()):
            return parted, examples
    raise DataError(f"the validation pictures of {card.name} were parted in a way that is not known here")


def read_weights(file: bytes) -> dict[str, Tensor]:
    """The network's weights and statistics in a detector file, by the names that the network gives them.

    DetectorError for what are no finite floats.
    """
    found = {}
    try:
        for tensor in onnx.load_from_string(file).graph.initializer:
            if tensor.name.startswith(WEIGHTS_PREFIX) and tensor.data_type == onnx.TensorProto.FLOAT:
                values = numpy_helper.to_array(tensor).copy()
                found[tensor.name.removeprefix(WEIGHTS_PREFIX)] = torch.from_numpy(values)
    except Exception as error:  # protobuf's, numpy's and onnx's own kinds
        raise DetectorError("the detector's weights cannot be read; its file is damaged") from error
    if not all(bool(value.isfinite().all()) for value in found.values()):
        raise DetectorError("some of the detector's weights are not numbers; take another file")
    return found


def wear(network: Network, weights: dict[str, Tensor]) -> Network:
    """The network with these weights; UsageError where they are not one to one its own."""
    own = network.state_dict()
    if {key: value.shape for key, value in own.items() if not is_made_anew(key)} != {
        key: value.shape for key, value in weights.items()
    }:
        raise UsageError(
            "the weights in the file are not one to one those of the network that its card names: other "
            "ones, or folded or rounded when they were exported; it cannot be restored"
        )
    network.load_state_dict({**own, **weights})
    return network.eval()


def is_made_anew(key: str) -> bool:
    """What a file holds only folded into other constants, and training pictures give again; and counters."""
    return key in ("mean", "std") or key.endswith("num_batches_tracked")


def require_same(
    network: Network,
    examples: Examples,
    rows: NDArray[np.int64],
    run: Callable[[NDArray[np.uint8]], NDArray[np.float32]],
) -> None:
    """DataError where what the file says of these rows is not a rising straight line, the calibration, of
    what the network says, or they are too few to tell."""
    raw = predict_logits(network, examples, rows, Way(), torch.device("cpu"))
    said = run(np.ascontiguousarray(examples.pixels[rows])).astype(np.float64)
    if len(rows) < LEAST_PICTURES or not np.ptp(raw) > LEAST_SLOPE:
        raise DataError("too few validation pictures, or all alike to the network: nothing would be proven")
    slope, offset = np.polyfit(raw, said, 1)
    worst = float(np.abs(slope * raw + offset - said).max())
    if not (worst <= TOLERANCE and slope > LEAST_SLOPE):
        raise DataError(f"the network says something else than the file: logits differ by {worst:.2g}")
