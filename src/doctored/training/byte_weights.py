"""Weights of a byte each, with a scale for each channel; what they are multiplied with stays float.

A vision transformer bears this, but not activations in 8 bits, which turn its decisions over. So a frozen
encoder's weights are rounded before any feature is computed, the head learns on just what will ship, and
the file stores such weights as bytes without changing them.
"""

from typing import Any, NamedTuple

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import nn

LEVELS = 127
SMALLEST = 4096  # numbers in a tensor; smaller ones stay float
ON_GRID = 5e-5  # steps that a weight may be off a whole one: what float32 cannot tell

Weights = NDArray[np.float32]


class Grid(NamedTuple):
    """Weights are `levels` (int8, of the same shape) times `scales` (float32, one a channel)."""

    levels: NDArray[np.int8]
    scales: Weights


def channel_scales(weights: Weights, axis: int) -> Weights:
    """The step, for each channel, with which its largest weight is level 127; kept dimensions."""
    others = tuple(other for other in range(weights.ndim) if other != axis)
    largest: Weights = np.abs(weights).max(others, keepdims=True)
    scales: Weights = np.where(largest > 0, largest / LEVELS, 1.0).astype(np.float32)
    return scales


def rounded(weights: Weights, axis: int) -> Weights:
    """The nearest weights of 255 levels a channel."""
    scales = channel_scales(weights, axis)
    values: Weights = np.round(weights / scales) * scales
    return values.astype(np.float32)


def find_grid(weights: Weights) -> Grid | None:
    """The levels and scales of weights that were rounded, along whichever axis; None for others."""
    for axis in range(weights.ndim):
        scales = channel_scales(weights, axis)
        steps = weights / scales
        levels = np.round(steps)
        if np.abs(steps - levels).max() < ON_GRID:
            return Grid(levels.astype(np.int8), scales)
    return None


def round_network(network: nn.Module) -> None:
    """Round the large weights of linear and convolutional layers, in place."""
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d) and module.weight.numel() >= SMALLEST:
            with torch.no_grad():
                module.weight.copy_(torch.from_numpy(rounded(module.weight.cpu().numpy(), 0)))


def round_graph(model: Any) -> None:
    """Round the large weights of an ONNX model's matrix products and convolutions, in place."""
    axes = {}
    for node in model.graph.node:
        if node.op_type == "MatMul":
            axes[node.input[1]] = 1
        elif node.op_type == "Gemm":
            turned = any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
            axes[node.input[1]] = 0 if turned else 1
        elif node.op_type == "Conv":
            axes[node.input[1]] = 0
    for tensor in model.graph.initializer:
        if tensor.name in axes and is_large(tensor):
            weights = rounded(onnx.numpy_helper.to_array(tensor), axes[tensor.name])
            tensor.CopyFrom(onnx.numpy_helper.from_array(weights, tensor.name))


def store_in_bytes(model: Any) -> None:
    """Store rounded weights as bytes, each behind a Cast and a Mul that give back what they were.

    Not behind a DequantizeLinear: onnxruntime takes that as leave to quantise activations, too. These two
    it computes once, when the file is opened.
    """
    graph = model.graph
    nodes = []
    for tensor in [tensor for tensor in graph.initializer if is_large(tensor)]:
        grid = find_grid(onnx.numpy_helper.to_array(tensor))
        if grid is not None:
            levels, scales, plain = (f"{tensor.name}/{part}" for part in ("levels", "scales", "float"))
            graph.initializer.remove(tensor)
            graph.initializer.append(onnx.numpy_helper.from_array(grid.levels, levels))
            graph.initializer.append(onnx.numpy_helper.from_array(grid.scales, scales))
            nodes.append(onnx.helper.make_node("Cast", [levels], [plain], to=onnx.TensorProto.FLOAT))
            nodes.append(onnx.helper.make_node("Mul", [plain, scales], [tensor.name]))
    if nodes:
        rest = list(graph.node)
        del graph.node[:]
        graph.node.extend([*nodes, *rest])


def is_large(tensor: Any) -> bool:
    """Whether a tensor is float32, has rows and columns, and is worth storing as bytes."""
    is_float = tensor.data_type == onnx.TensorProto.FLOAT
    return is_float and len(tensor.dims) >= 2 and int(np.prod(tensor.dims)) >= SMALLEST
