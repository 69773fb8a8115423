"""The gate before a detector is written: what was trained and what will run must agree."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from doctored.detector.outputs import Outputs
from doctored.errors import TrainingError
from doctored.training.export import DetectorGraph

PICTURES = 256
BATCH_SIZES = (1, 7, 64)
TOLERANCE = 1e-4

Run = Callable[[NDArray[np.uint8]], Outputs]


def largest_difference(graph: DetectorGraph, run: Run, pixels: NDArray[np.uint8]) -> float:
    """The largest difference in probability between torch and the exported file.

    `pixels`: uint8 [N, H, W, 3], real pictures; each batch size runs over all of them, the last batch
    as short as it comes. TrainingError where an output is missing or not a number.
    """
    graph.eval()
    with torch.inference_mode():
        starts = range(0, len(pixels), max(BATCH_SIZES))
        batches = (np.ascontiguousarray(pixels[start : start + max(BATCH_SIZES)]) for start in starts)
        expected = np.concatenate([graph(torch.from_numpy(batch))[0].numpy() for batch in batches])
    worst = 0.0
    for size in BATCH_SIZES:
        parts = [run(pixels[start : start + size]).probability for start in range(0, len(pixels), size)]
        got = np.concatenate(parts)
        if got.shape != expected.shape or not np.isfinite(got).all():
            raise TrainingError(
                f"the exported file gives no usable probabilities in batches of {size}; not written"
            )
        worst = max(worst, float(np.abs(got - expected).max()))
    return worst


def require_parity(graph: DetectorGraph, run: Run, pixels: NDArray[np.uint8]) -> float:
    worst = largest_difference(graph, run, pixels)
    if worst > TOLERANCE:
        raise TrainingError(
            f"torch and onnxruntime differ by {worst:.2e} in probability, more than {TOLERANCE}; "
            "the detector is not written: report the network and the versions that `doctored check-up` prints"
        )
    return worst
