"""An encoder that comes as an ONNX file: its graph, cut behind the layer that is asked for."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from doctored.detector.session import EncoderSession
from doctored.errors import UsageError
from doctored.spelling import suggest
from doctored.training.byte_weights import round_graph
from doctored.training.recipe import Recipe

FLOAT = onnx.TensorProto.FLOAT
LAYERS = "layers_side_by_side"


@dataclass(frozen=True, eq=False)
class OnnxLayer:
    """A graph from one input, pictures float [N, 3, side, side], to one output, the layer's.

    Of several layers the output is theirs side by side, channel by channel, and `last` how many channels the
    last one has (0: there is just one). `side` is 0 where the graph takes any; `content` is the graph as a
    file, `weights` counts what it holds.
    """

    model: Any
    content: bytes
    input_name: str
    output_name: str
    side: int
    weights: int
    last: int
    session: EncoderSession

    def run(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        return self.session.run(x)


def read_layer(path: Path, recipe: Recipe) -> OnnxLayer:
    """Read an encoder, cut behind the recipe's layer: a tensor's name, a number, or empty for its output.

    Several, with commas between, are taken together (after Koutlis & Papadopoulos, "Leveraging
    representations from intermediate encoder-blocks for synthetic image detection", ECCV 2024). A number
    counts the residual sums, from 1 at the pixels: a transformer has two a block. Raises UsageError for a
    file that is no ONNX file, uses operators of its own, or takes no pictures of this layout, and for a layer
    that is not there.
    """
    model = read_model(path)
    if foreign := sorted({node.domain for node in model.graph.node} - {"", "ai.onnx"}):
        raise UsageError(
            f"{path.name} uses operators of {foreign[0]!r}, and a detector holds standard ones only; "
            "export the encoder anew, without a runtime's optimisations"
        )
    input_name, side = find_input(model, path.name)
    names = find_tensors(model, recipe.layer)
    try:
        cut = onnx.utils.Extractor(model).extract_model([input_name], names)
        last = lay_side_by_side(cut, names) if len(names) > 1 else 0
        if recipe.encoder_int8:
            round_graph(cut)
        onnx.checker.check_model(cut)
        content: bytes = cut.SerializeToString()
    except Exception as error:  # the checker's and the extractor's own kinds
        raise UsageError(
            f"{path.name} cannot be cut behind {', '.join(names)}, or needs more than pictures; take another"
        ) from error
    weights = sum(math.prod(tensor.dims) for tensor in cut.graph.initializer)
    session = EncoderSession(content, threads=recipe.threads or None)
    return OnnxLayer(cut, content, input_name, cut.graph.output[0].name, side, weights, last, session)


def read_model(path: Path) -> Any:
    """The file's model with the shapes of all its tensors, as far as they follow from the graph."""
    try:
        model = onnx.load(path)
        return onnx.shape_inference.infer_shapes(model)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; give the path of an encoder") from error
    except Exception as error:  # protobuf's, the loader's and the inference's own kinds
        raise UsageError(
            f"{path.name} is not an ONNX file that can be read; export the encoder anew"
        ) from error


def find_input(model: Any, name: str) -> tuple[str, int]:
    """The input that takes pictures, float32 [N, 3, side, side] with N left open, and its side (0: any)."""
    known = {tensor.name for tensor in model.graph.initializer}
    for entry in model.graph.input:
        sizes = [size.dim_value for size in entry.type.tensor_type.shape.dim]
        is_float = entry.type.tensor_type.elem_type == FLOAT
        if entry.name not in known and is_float and len(sizes) == 4 and sizes[1] in (0, 3):
            if sizes[0]:
                raise UsageError(
                    f"{name} takes batches of {sizes[0]} only; export it with an open batch size"
                )
            if sizes[2] == sizes[3]:
                return entry.name, int(sizes[2])
    raise UsageError(f"{name} has no input for pictures, float32 [N, 3, side, side]; export it with one")


def find_tensors(model: Any, layer: str) -> list[str]:
    """The tensors that `layer` names, several with commas between, in the graph's order.

    UsageError for several that cannot lie side by side.
    """
    made = [name for node in model.graph.node for name in node.output]
    if layer in made or "," not in layer:
        return [find_tensor(model, layer)]
    parts = [part.strip() for part in layer.split(",")]
    if "" in parts:
        raise UsageError(f"{layer!r} names no layer between two commas; leave the comma out")
    names = sorted({find_tensor(model, part) for part in parts}, key=made.index)
    sizes = tensor_sizes(model)
    if odd := [name for name in names if len(sizes[name]) not in (3, 4)]:
        raise UsageError(f"the layer {odd[0]!r} gives neither tokens nor a map; name another")
    # without pictures and channels: tokens keep one size, maps two
    grids = {
        tuple(sizes[name][1:-1] if channel_axis(sizes[name]) == 2 else sizes[name][2:]) for name in names
    }
    if len(grids) > 1 or not all(sizes[name][channel_axis(sizes[name])] for name in names):
        raise UsageError(f"layers of different grids cannot be taken together: {', '.join(names)}")
    return names


def channel_axis(sizes: list[int]) -> int:
    """Where the channels lie in tokens [N, T, d] or a map [N, d, h, w]."""
    return 2 if len(sizes) == 3 else 1


def lay_side_by_side(model: Any, names: list[str]) -> int:
    """Make one output of these, in place: joined along their channels. Returns how many the last one has."""
    sizes = tensor_sizes(model)
    joined, axis = list(sizes[names[0]]), channel_axis(sizes[names[0]])
    joined[axis] = sum(sizes[name][axis] for name in names)
    model.graph.node.append(onnx.helper.make_node("Concat", names, [LAYERS], axis=axis))
    del model.graph.output[:]
    model.graph.output.append(
        onnx.helper.make_tensor_value_info(LAYERS, FLOAT, [size or None for size in joined])
    )
    return sizes[names[-1]][axis]


def find_tensor(model: Any, layer: str) -> str:
    """The name of the tensor that `layer` means (see `read_layer`)."""
    sizes = tensor_sizes(model)
    if not layer:
        for entry in model.graph.output:
            if len(sizes.get(entry.name, ())) in (3, 4):
                return str(entry.name)
        raise UsageError("the encoder's outputs are neither tokens nor maps; say which layer to take")
    if layer.isdecimal():
        sums = residual_sums(model, sizes)
        if not 1 <= int(layer) <= len(sums):
            raise UsageError(f"a layer is a number from 1 to {len(sums)}, or a tensor's name, not {layer}")
        return sums[int(layer) - 1]
    if layer not in sizes:
        raise UsageError(f"the encoder has no tensor {layer!r}: {suggest(layer, sizes)}")
    return layer


def tensor_sizes(model: Any) -> dict[str, list[int]]:
    """The sizes of each computed float tensor, 0 where one is open; those of which nothing is known are left
    out."""
    entries = [*model.graph.value_info, *model.graph.output]
    made = {name for node in model.graph.node for name in node.output}
    return {
        entry.name: [size.dim_value for size in entry.type.tensor_type.shape.dim]
        for entry in entries
        if entry.name in made and entry.type.tensor_type.elem_type == FLOAT
    }


def residual_sums(model: Any, sizes: dict[str, list[int]]) -> list[str]:
    """Tensors of tokens or maps that are the sum of two computed ones, in the graph's order."""
    given = {tensor.name for tensor in model.graph.initializer}
    given |= {name for node in model.graph.node if node.op_type == "Constant" for name in node.output}
    return [
        node.output[0]
        for node in model.graph.node
        if node.op_type == "Add"
        and not given & set(node.input)
        and len(sizes.get(node.output[0], ())) in (3, 4)
    ]
