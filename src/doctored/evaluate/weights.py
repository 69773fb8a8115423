"""The network behind a detector file, from the folder of its run."""

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from doctored.detector import Detector
from doctored.errors import DoctoredError, TrainingError
from doctored.evaluate.white_box import BEST, CONFIG
from doctored.models import Network, build_network

# torch and onnxruntime agree to about 1e-5; weights of another run do not come near this.
_LEAST_CORRELATION = 0.999


def load_network(run: Path) -> Network:
    """The run's network with its best weights, in evaluation mode. TrainingError where they do not fit."""
    network = new_network(run)
    try:
        state = torch.load(run / BEST, map_location="cpu", weights_only=True)
        network.load_state_dict(state["network"])
    except Exception as error:  # a file from outside: zip, unpickler and tensor errors of many kinds
        raise TrainingError(f"{run / BEST} does not hold the weights of this run; train it again") from error
    return network.eval()


def new_network(run: Path, seed: int = 0) -> Network:
    """The run's network with random weights drawn from `seed`, in evaluation mode."""
    try:
        recipe: dict[str, Any] = tomllib.loads((run / CONFIG).read_text(encoding="utf-8"))["recipe"]
        if recipe["network"] == "frozen":
            raise DoctoredError("its network is a head on a frozen encoder, which is not looked into")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            symmetric = recipe.get("symmetric", False)
            return build_network(recipe["network"], dropout=recipe["dropout"], symmetric=symmetric).eval()
    except (OSError, tomllib.TOMLDecodeError, KeyError, DoctoredError) as error:
        raise TrainingError(
            f"{run / CONFIG} does not describe a network that is known here ({error}); give another run"
        ) from error


def require_same(network: Network, detector: Detector, views: NDArray[np.uint8]) -> None:
    """TrainingError where the detector's logits are not the network's, up to calibration, or cannot be told
    to be.

    `views`: some pictures as the detector sees them, uint8 [N, n, n, 3].
    """
    if len(views) < 2:
        raise TrainingError(
            "it takes two pictures that can be read to tell whether the run's weights are the detector's; "
            "evaluate on more"
        )
    with torch.inference_mode():
        own = network(network.normalise(torch.from_numpy(views))).logit.double().numpy()
    told = detector.run(views).logit.astype(np.float64)
    spread = float(own.std() * told.std())
    agreement = float(np.mean((own - own.mean()) * (told - told.mean()))) / spread if spread else 0.0
    if agreement < _LEAST_CORRELATION:
        raise TrainingError(
            "the run's checkpoint is not what its detector.onnx was made from; export it again, or evaluate "
            "the detector's file from another folder"
        )
