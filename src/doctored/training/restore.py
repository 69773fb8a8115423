"""A run made again from its detector and its data, so that a detector file is enough to go on from.

The file holds the weights under the names that the network gives them, the command that trained it, and the
digest of every picture with its split. So what comes back is proven: the digests must agree, and the network
must say of validation pictures what the file says, up to the calibration. What the file does not hold (the
epochs' rows, the optimiser) does not come back: a restored run can be started from, taught by, interpolated
to, attacked and exported, but not resumed.
"""

import itertools
import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor

from doctored.data.files import written_aside
from doctored.detector.card import Card
from doctored.detector.detector import load_file, open_detector
from doctored.errors import DataError, UsageError
from doctored.training import checkpoint
from doctored.training.batches import Examples
from doctored.training.export import WEIGHTS_PREFIX
from doctored.training.loop import Hooks
from doctored.training.material import open_material, record_audit
from doctored.training.parity import PICTURES
from doctored.training.precision import Way
from doctored.training.publish import write_json
from doctored.training.recipe import FROZEN, Recipe
from doctored.training.run import Plan, make_network, refuse_early

TOLERANCE = 1e-3  # of a logit

Folder = str | os.PathLike[str]


def restore(
    detector: Folder,
    data: Folder,
    out: Folder,
    *,
    init_from: Folder | None = None,
    hooks: Hooks | None = None,
) -> Path:
    """Make the run's folder of `detector`, a name or a file, again from the data that it was trained on.

    `init_from` is the run that it started from, if its card names one: its splits were handed down. Returns
    the folder. Raises UsageError for a card without a training command, for weights that are not one to one
    the network's and for an `out` that is finished; DataError where pictures or splits are not those that the
    detector was trained on, or it says something else of them than its network.
    """
    out, hooks = Path(out), hooks or Hooks()
    _, file, _ = load_file(detector)
    with open_detector(detector) as opened:
        card, run = opened.card, opened.run
        refuse_early(out, card.name, "cpu")
        recipe, told = recipe_of(card)
        material = open_material(Path(data), recipe, hooks, init_from)
        manifest, examples = material.manifest, material.examples()
        if manifest.digest() != card.digest:
            raise DataError(
                f"these are not the pictures and splits that {card.name} was trained on; its card says: "
                f"{card.card.command}"
            )
        network = make_network(recipe, examples)
        own, weights = network.state_dict(), read_weights(file)
        shapes = {key: value.shape for key, value in own.items() if not is_made_anew(key)}
        if shapes != {key: value.shape for key, value in weights.items()}:
            raise UsageError(f"the weights in the file are not those of the network '{recipe.network}'")
        network.load_state_dict({**own, **weights})
        check = np.sort(np.random.default_rng(recipe.seed).permutation(examples.val)[:PICTURES])
        require_same(network.eval(), examples, check, lambda pixels: run(pixels).logit)
    out.mkdir(parents=True, exist_ok=True)
    plan = Plan(
        recipe, material.source.name, manifest.digest(), Way(), start=told["start"], share=told["share"]
    )
    with written_aside(out / "config.toml") as aside:
        aside.write_text(plan.to_toml(), encoding="utf-8")
    write_json(out / "split.json", material.splits)
    manifest.to_parquet(out / "manifest.parquet")
    record_audit(out, manifest, hooks)
    checkpoint.save({"network": network.state_dict()}, out / checkpoint.BEST)
    with written_aside(out / "model_card.json") as aside:
        aside.write_text(card.to_json() + "\n", encoding="utf-8")
    with written_aside(out / "detector.onnx") as aside:
        aside.write_bytes(file)
    return out


def recipe_of(card: Card) -> tuple[Recipe, dict[str, Any]]:
    """The recipe that a card's command gives, and of the way to the weights (`interpolate`) the run where it
    begins, `start`, and the `share`; UsageError for a card without a command to train."""
    trained, *later = card.card.command.split(" && ")
    try:
        words, way = shlex.split(trained), shlex.split(later[-1] if later else "")
    except ValueError:
        words, way = [], []
    if words[:2] != ["doctored", "train"]:
        raise UsageError(f"the card of {card.name} holds no command that trained it; it cannot be restored")
    settings = dict(setting.partition("=")[::2] for setting in options(words, "--set"))
    recipe = Recipe.from_settings(settings)
    if recipe.network == FROZEN:
        raise UsageError("a head on a frozen encoder is trained again in seconds; it is not restored")
    starts = [Path(run).name for run in options(words, "--init-from")]
    shares = [float(share) for share in options(way, "--share")]
    return recipe, {"start": starts[0] if starts else "", "share": shares[0] if shares else 1.0}


def options(words: list[str], name: str) -> list[str]:
    return [value for option, value in itertools.pairwise(words) if option == name]


def read_weights(file: bytes) -> dict[str, Tensor]:
    """The network's weights and statistics in a detector file, by the names that the network gives them."""
    return {
        tensor.name.removeprefix(WEIGHTS_PREFIX): torch.from_numpy(numpy_helper.to_array(tensor).copy())
        for tensor in onnx.load_from_string(file).graph.initializer
        if tensor.name.startswith(WEIGHTS_PREFIX)
    }


def is_made_anew(key: str) -> bool:
    """What a file holds only folded into other constants, and training pictures give again; and counters."""
    return key in ("mean", "std") or key.endswith("num_batches_tracked")


def require_same(
    network: torch.nn.Module,
    examples: Examples,
    rows: NDArray[np.int64],
    run: Callable[[NDArray[np.uint8]], NDArray[np.float32]],
) -> None:
    """DataError where what the file says of these rows is no affine function, the calibration, of what the
    network says."""
    pixels = np.ascontiguousarray(examples.pixels[rows])
    with torch.inference_mode():
        raw = network(network.normalise(torch.from_numpy(pixels))).logit.double().numpy()  # type: ignore[operator]
    said = run(pixels).astype(np.float64)
    slope, offset = np.polyfit(raw, said, 1)
    if (worst := float(np.abs(slope * raw + offset - said).max())) > TOLERANCE:
        raise DataError(f"the network says something else than the file: logits differ by {worst:.2g}")
