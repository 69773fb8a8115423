"""A detector around an encoder that comes as an ONNX file: three graphs become one, by onnx's own tools.

Before the encoder: uint8 pixels, normalised and enlarged. After it: tokens or map to evidence, logit,
probability, embedding and distance. The encoder itself is not changed.
"""

from typing import Any

import onnx
import torch
from torch import Tensor, nn

from doctored.errors import TrainingError
from doctored.training.encoders import OnnxEncoder, as_map
from doctored.training.export import OPSET, OUTPUTS, DetectorGraph, seal, trace


class Before(nn.Module):
    """uint8 [N, size, size, 3] → what the encoder takes."""

    def __init__(self, network: OnnxEncoder) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> Tensor:
        return self.network.enlarge(self.network.normalise(pixels))


class After(nn.Module):
    """What the encoder gives → the outputs of a detector."""

    def __init__(self, graph: DetectorGraph, network: OnnxEncoder) -> None:
        super().__init__()
        self.detector, self.read = graph, network.read

    def forward(self, output: Tensor) -> tuple[Tensor, ...]:
        return self.detector.judge(self.read(as_map(output)))


def join(graph: DetectorGraph, size: int, metadata: str) -> bytes:
    """The graph, whose network is an OnnxEncoder, as one ONNX file (see `to_onnx`).

    TrainingError where the encoder's operators cannot be brought to one version with the rest.
    """
    network = graph.network
    if not isinstance(network, OnnxEncoder):
        raise TypeError("only an encoder that comes as a graph is joined")
    pixels = torch.zeros((2, size, size, 3), dtype=torch.uint8)
    with torch.no_grad():
        between = network.encode(network.enlarge(network.normalise(pixels)))
    parts = [
        trace(Before(network).eval(), pixels, "pixels", ["prepared"]),
        network.file.model,
        trace(After(graph, network).eval(), between, "output", OUTPUTS),
    ]
    try:
        before, encoder, after = map(prefixed, level(parts), ("before/", "encoder/", "after/"))
        front = onnx.compose.merge_models(
            before, encoder, [("before/prepared", f"encoder/{network.file.input_name}")]
        )
        whole = onnx.compose.merge_models(
            front, after, [(f"encoder/{network.file.output_name}", "after/output")]
        )
        return seal(with_plain_names(whole), metadata)
    except Exception as error:  # onnx's converter, composer and checker have errors of many kinds
        raise TrainingError(
            "the encoder's graph cannot be joined to the rest; export the encoder anew, "
            f"with operators of version {OPSET}"
        ) from error


def level(models: list[Any]) -> list[Any]:
    """The same graphs with operators of one version, the newest of theirs."""
    versions = [{entry.domain: entry.version for entry in model.opset_import} for model in models]
    newest = max(version.get("", 0) for version in versions)
    level = [
        model if version.get("") == newest else onnx.version_converter.convert_version(model, newest)
        for model, version in zip(models, versions, strict=True)
    ]
    for model in level:
        del model.opset_import[:]
        model.opset_import.append(onnx.helper.make_opsetid("", newest))
        model.ir_version = max(model.ir_version for model in level)
    return level


def prefixed(model: Any, prefix: str) -> Any:
    return onnx.compose.add_prefix(model, prefix)


def with_plain_names(model: Any) -> Any:
    """Give the whole's input and outputs the names that a detector's have, without the parts' prefixes, and
    name the operators' version once."""
    del model.opset_import[1:]
    plain = {"before/pixels": "pixels", **{f"after/{name}": name for name in OUTPUTS}}
    for entry in (*model.graph.input, *model.graph.output):
        entry.name = plain[entry.name]
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = [plain.get(name, name) for name in names]
    return model
