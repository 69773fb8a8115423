"""What needs the network's weights, and what is said where they are not at hand.

Weights are found where a detector file lies in its run's folder. torch is imported only then.
"""

import importlib.util
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from doctored.data.files import written_aside
from doctored.detector import DEFAULT_BUDGET, Detector
from doctored.errors import TrainingError
from doctored.evaluate.evaluation import Evaluation
from doctored.evaluate.reaction import commoner_share, figures_json
from doctored.evaluate.sample import draw_sample, read_views
from doctored.version import __version__

if TYPE_CHECKING:
    from doctored.models import Network

CONFIG, BEST = "config.toml", "checkpoints/best.pt"
PICTURES = 1000
EPSILONS = (1, 2, 4, 8)
REPORT = "attacks.json"
_COMPARED = 100

Progress = Callable[[int, int], None]


def find_run(detector_file: Path) -> Path | None:
    """The run's folder that a detector file lies in, where its weights are there too."""
    folder = detector_file.parent
    is_run = detector_file.is_file() and (folder / CONFIG).is_file() and (folder / BEST).is_file()
    return folder if is_run else None


def open_network(run: Path | None, detector: Detector, views: NDArray[np.uint8]) -> "Network":
    """The network behind a detector, with its weights, in evaluation mode; torch is imported here.

    `views`: some pictures as the detector sees them, uint8 [N, n, n, 3], to compare the two on. Raises
    TrainingError, whose message is fit to be shown, where the weights are not at hand, or not its own.
    """
    if run is None:
        raise TrainingError(
            "the network's weights are not at hand; give a run's detector.onnx with its config.toml and "
            "checkpoints beside it"
        )
    if importlib.util.find_spec("torch") is None:
        raise TrainingError(
            "the network's weights need torch; install it with: pip install 'doctored[train]'"
        )
    from doctored.evaluate.weights import load_network, require_same

    network = load_network(run)
    require_same(network, detector, views[:_COMPARED])
    return network


def as_reason(error: TrainingError) -> str:
    """What an error says, as a sentence."""
    message = str(error)
    return f"{message[0].upper()}{message[1:]}."


def measure_attacks(
    detector: Detector,
    evaluation: Evaluation,
    out: Path,
    run: Path | None,
    *,
    budget: float = DEFAULT_BUDGET,
    pictures: int = PICTURES,
    seed: int = 0,
    epsilons: Sequence[int] = EPSILONS,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Attack a fixed draw of what `evaluation` scored, with the weights of `run`; write `attacks.json`.

    Where they are not at hand the file says so, and why. Returns the file's content. `progress(done, total)`
    counts attacked pictures. Raises DataError where a source is gone.
    """
    told: dict[str, Any] = {"doctored": __version__, "available": True}
    at_most = pictures if run is not None else 0  # nothing is read in vain
    rows = draw_sample(evaluation.judgements, at_most, seed)
    views, is_read = read_views(evaluation.judgements.manifest, rows, detector.card.preprocess)
    views, labels = views[is_read], evaluation.judgements.labels[rows][is_read]
    try:
        network = open_network(run, detector, views)
    except TrainingError as error:
        told |= {"available": False, "reason": as_reason(error)}
    else:
        from doctored.evaluate.attacks import STEPS, attack_all, warn

        clean, attacked = attack_all(
            network, detector, views, labels, budget=budget, epsilons=epsilons, seed=seed, progress=progress
        )
        told |= {"pictures": len(labels), "seed": seed, "steps": STEPS, "budget": budget}
        told["clean"] = figures_json(clean)
        told["attacks"] = [entry.to_json() for entry in attacked]
        told["warning"] = warn(attacked, commoner_share(labels))
    with written_aside(out / REPORT) as aside:
        aside.write_text(json.dumps(told, indent=2, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")
    return told
