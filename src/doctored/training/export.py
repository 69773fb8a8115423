"""A trained network becomes a graph that carries everything a verdict needs, and then one file.

The graph takes uint8 pixels and holds normalisation, calibration and the domain distance. Calibration
is affine with a positive slope, applied to the evidence map itself, so that the calibrated logit still
is the pooling of the map that is shown.
"""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from doctored.detector.onnx_file import MAX_FILE_BYTES
from doctored.errors import TrainingError
from doctored.models import Evidence, Network
from doctored.training.byte_weights import store_in_bytes

OPSET = 18
OUTPUTS = ("probability", "logit", "evidence", "embedding", "distance")
WEIGHTS_PREFIX = "network."  # of the network's weights in a file: they are an attribute of `DetectorGraph`


class Neighbourhood(NamedTuple):
    """Where the training data lies: mean [d] and a matrix W [d, d].

    The Mahalanobis distance of e, that part of an embedding which is the network's `place`, is the length of
    (e - mean) W.
    """

    mean: NDArray[np.float64]
    whitening: NDArray[np.float64]

    def distance(self, embeddings: NDArray[np.float32]) -> NDArray[np.float64]:
        """float [N, d] → float64 [N]."""
        centred = embeddings.astype(np.float64) - self.mean
        lengths: NDArray[np.float64] = np.linalg.norm(centred @ self.whitening, axis=1)
        return lengths


def measure_neighbourhood(embeddings: NDArray[np.float32]) -> Neighbourhood:
    """Mean and shrunk covariance (Ledoit & Wolf 2004) of the training embeddings, float [N, d]."""
    from sklearn.covariance import ledoit_wolf

    values = embeddings.astype(np.float64)
    mean = values.mean(0)
    covariance, _ = ledoit_wolf(values - mean, assume_centered=True)
    floor = 1e-9 * max(1e-12, float(np.trace(covariance)) / len(covariance))
    inverse = np.linalg.inv(covariance + floor * np.eye(len(covariance)))
    return Neighbourhood(mean, np.linalg.cholesky(inverse))


class DetectorGraph(nn.Module):
    """uint8 [N, H, W, 3] → probability [N], logit [N], evidence [N, h, w], embedding [N, d], distance [N]."""

    centre: Tensor
    whitening: Tensor

    def __init__(self, network: Network, slope: float, offset: float, neighbourhood: Neighbourhood) -> None:
        super().__init__()
        if not slope > 0:
            raise TrainingError(
                f"calibration wants a slope of {slope}; the network has learnt nothing, train longer"
            )
        self.network = network
        self.slope, self.offset = slope, offset
        self.pool = network.pool.scaled(slope)
        self.register_buffer("centre", torch.from_numpy(neighbourhood.mean).float())
        self.register_buffer("whitening", torch.from_numpy(neighbourhood.whitening).float())

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        return self.judge(self.network(self.network.normalise(pixels)))

    def judge(self, raw: Evidence) -> tuple[Tensor, ...]:
        """The outputs, in the order of `OUTPUTS`, for what the network says before calibration."""
        evidence = raw.map * self.slope + self.offset
        logit = self.pool(evidence)
        distance = ((raw.embedding[:, self.network.place] - self.centre) @ self.whitening).norm(dim=1)
        return torch.sigmoid(logit), logit, evidence.squeeze(1), raw.embedding, distance


def to_onnx(graph: DetectorGraph, size: int, metadata: str) -> bytes:
    """The graph as one ONNX file with any batch size, `metadata` under the key `doctored`."""
    graph = graph.eval().cpu()
    graph.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return seal(trace(graph, torch.zeros((2, size, size, 3), dtype=torch.uint8), "pixels", OUTPUTS), metadata)


def trace(module: nn.Module, sample: Tensor, input_name: str, output_names: Sequence[str]) -> Any:
    """The ONNX model of a module with one input, like `sample` but for its batch size, which is left open."""
    with quiet_exporter(), torch.no_grad():
        program = torch.onnx.export(
            module,
            (sample,),
            dynamo=True,
            opset_version=OPSET,
            input_names=[input_name],
            output_names=list(output_names),
            dynamic_shapes=({0: torch.export.Dim("N", min=1)},),
            external_data=False,
            verbose=False,
        )
    if program is None:
        raise TrainingError("the exporter returned no graph; the network uses an operator that ONNX lacks")
    return program.model_proto


def seal(model: Any, metadata: str) -> bytes:
    """The model as a file, `metadata` under the key `doctored`; weights that were rounded take a byte each.

    Traces of the exporting machine (source paths in node metadata) are removed. TrainingError for a file that
    is larger than a detector may be.
    """
    strip(model)
    store_in_bytes(model)
    model.producer_name, model.producer_version = "doctored", ""
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, {"doctored": metadata})
    if (size := model.ByteSize()) > MAX_FILE_BYTES:
        raise TrainingError(
            f"the detector takes {size >> 20} MiB, and its file may take {MAX_FILE_BYTES >> 20}; "
            "train a smaller network"
        )
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


@contextlib.contextmanager
def quiet_exporter() -> Iterator[None]:
    """The exporter prints and warns about its own workings; only its errors matter here."""
    level = logging.getLogger("torch.onnx").level
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.getLogger("torch.onnx").setLevel(level)


def strip(model: Any) -> None:
    """Remove what the exporter notes beside the graph: stack traces, source paths, doc strings."""
    graph = model.graph
    for part in (*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer, graph):
        part.doc_string = ""
        if hasattr(part, "metadata_props"):
            del part.metadata_props[:]
    del graph.value_info[:]
