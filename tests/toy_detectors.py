"""Detector files for tests, built in milliseconds: honest ones whose maths is known, and hostile ones.

    path = build_toy_detector(tmp_path / "toy.onnx")

The honest graph, for views of S × S, with v = pixels / 255:

    evidence[i, j] = SCALE · (mean of v over channels and over block (i, j) of 4 × 4 cells − 0.5)
    logit          = pool(evidence); with mean pooling SCALE · (mean(v) − 0.5), so a bright picture is fake
    probability    = sigmoid(logit)
    embedding      = mean of v for each channel
    distance       = |embedding − 0.5|, at most 0.866
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from doctored.detector.card import (
    Asks,
    Card,
    Domain,
    DomainKind,
    Metric,
    ModelCard,
    Pool,
    PoolKind,
    Threshold,
)
from doctored.picture import Preprocess

CELLS = 4
SCALE = 8.0
OUTPUTS: dict[str, list[str | int]] = {
    "probability": ["N"],
    "logit": ["N"],
    "evidence": ["N", CELLS, CELLS],
    "embedding": ["N", 3],
    "distance": ["N"],
}


def toy_outputs(pixels: np.ndarray, temperature: float | None = None) -> dict[str, np.ndarray]:
    """What the toy gives for uint8 views [N, S, S, 3], in float64; `temperature` is that of a smoothmax."""
    values = pixels.astype(np.float64) / 255
    count, side = values.shape[:2]
    blocks = values.reshape(count, CELLS, side // CELLS, CELLS, side // CELLS, 3)
    evidence = SCALE * (blocks.mean(axis=(2, 4, 5)) - 0.5)
    if temperature is None:
        logit = evidence.mean(axis=(1, 2))
    else:
        logit = temperature * np.log(np.exp(evidence / temperature).mean(axis=(1, 2)))
    embedding = values.mean(axis=(1, 2))
    return {
        "probability": 1 / (1 + np.exp(-logit)),
        "logit": logit,
        "evidence": evidence,
        "embedding": embedding,
        "distance": np.linalg.norm(embedding - 0.5, axis=1),
    }


def toy_card(
    *,
    name: str = "toy",
    version: str = "1.0.0",
    size: int = 32,
    preprocess: Preprocess | None = None,
    asks: str = "generated",
    kind: str = "lab",
    min_side: int | None = None,
    max_side: int | None = None,
    distance_limit: float = 1.0,
    pool: str = "mean",
    temperature: float | None = None,
    thresholds: Mapping[str, Sequence[Threshold]] | None = None,
) -> Card:
    """A card for the toy graph; `size` is a multiple of 4. By default a picture must be exactly that size,
    or, with another `preprocess`, of any size."""
    preprocess = preprocess or Preprocess.exact(size)
    is_exact = preprocess.kind == "exact"
    if thresholds is None:
        thresholds = {
            "fake": (Threshold(0.05, 0.5, 0.05, 1000), Threshold(0.01, 1.0, 0.01, 1000)),
            "real": (Threshold(0.05, -0.5, 0.05, 1000), Threshold(0.01, -1.0, 0.01, 1000)),
        }
    return Card(
        name=name,
        version=version,
        asks=Asks(asks),
        domain=Domain(
            kind=DomainKind(kind),
            min_side=min_side or (preprocess.size if is_exact else 1),
            max_side=max_side or (preprocess.size if is_exact else 65_500),
            distance_limit=distance_limit,
            text=f"pictures of exactly {size}×{size} pixels" if is_exact else "pictures of any size",
        ),
        preprocess=preprocess,
        pool=Pool(PoolKind(pool), (temperature or 1.0) if pool == "smoothmax" else None),
        thresholds={side: tuple(rows) for side, rows in thresholds.items()},
        card=ModelCard(
            data="Grey squares",
            counts={"real": 10, "fake": 10},
            licence="CC0-1.0",
            metrics={"test.accuracy": Metric(0.5, 20, 0.3, 0.7)},
            limits="Knows nothing but brightness.",
            commit="unknown",
            command="doctored train toy",
            text="A toy.",
        ),
        digest="0" * 64,
    )


def build_toy_detector(path: Path, *, evidence: bool = True, **card: Any) -> Path:
    """Write an honest toy detector; `card` as for `toy_card`, `evidence=False` for one that has no map."""
    made = toy_card(**card)
    path.write_bytes(toy_file(toy_graph(made, evidence=evidence), made.to_json()))
    return path


def toy_file(graph: onnx.GraphProto, card_text: str | None, opset: int = 17) -> bytes:
    """A graph and the text of a card as the bytes of a detector file."""
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    if card_text is not None:
        helper.set_model_props(model, {"doctored": card_text})
    return bytes(model.SerializeToString())


def toy_graph(card: Card, *, evidence: bool = True) -> onnx.GraphProto:
    side = card.preprocess.size
    constants = {
        "full": np.float32(255),
        "half": np.float32(0.5),
        "scale": np.float32(SCALE),
        "one": np.array([1], np.int64),
    }
    nodes = [
        helper.make_node("Cast", ["pixels"], ["bytes"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["bytes", "full"], ["values"]),
        helper.make_node("ReduceMean", ["values"], ["grey"], axes=[3], keepdims=0),
        helper.make_node("Unsqueeze", ["grey", "one"], ["plane"]),
        helper.make_node(
            "AveragePool",
            ["plane"],
            ["blocks"],
            kernel_shape=[side // CELLS] * 2,
            strides=[side // CELLS] * 2,
        ),
        helper.make_node("Squeeze", ["blocks", "one"], ["means"]),
        helper.make_node("Sub", ["means", "half"], ["centred"]),
        helper.make_node("Mul", ["centred", "scale"], ["evidence"]),
        *_pool_nodes(card.pool, constants),
        helper.make_node("Sigmoid", ["logit"], ["probability"]),
        helper.make_node("ReduceMean", ["values"], ["embedding"], axes=[1, 2], keepdims=0),
        helper.make_node("Sub", ["embedding", "half"], ["offset"]),
        helper.make_node("ReduceL2", ["offset"], ["distance"], axes=[1], keepdims=0),
    ]
    names = [name for name in OUTPUTS if evidence or name != "evidence"]
    return helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["N", side, side, 3])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, OUTPUTS[name]) for name in names],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )


def _pool_nodes(pool: Pool, constants: dict[str, Any]) -> list[onnx.NodeProto]:
    if pool.temperature is None:
        return [helper.make_node("ReduceMean", ["evidence"], ["logit"], axes=[1, 2], keepdims=0)]
    constants["temperature"] = np.float32(pool.temperature)
    return [
        helper.make_node("Div", ["evidence", "temperature"], ["cooled"]),
        helper.make_node("Exp", ["cooled"], ["powers"]),
        helper.make_node("ReduceMean", ["powers"], ["mean_power"], axes=[1, 2], keepdims=0),
        helper.make_node("Log", ["mean_power"], ["log_mean"]),
        helper.make_node("Mul", ["log_mean", "temperature"], ["logit"]),
    ]


# --------------------------------------------------------------------------------------------- hostile files


def _hostile(change: Callable[[onnx.GraphProto], object], **card: Any) -> bytes:
    """The honest graph with something added to it."""
    made = toy_card(**card)
    graph = toy_graph(made)
    change(graph)
    return toy_file(graph, made.to_json())


def _pass_logit_through(graph: onnx.GraphProto, nodes: Sequence[onnx.NodeProto]) -> None:
    """Give `raw` out as the logit only after `nodes`, which make `logit` from `raw`."""
    for node in graph.node:
        if "logit" in node.output:
            node.output[list(node.output).index("logit")] = "raw"
            index = list(graph.node).index(node)
    for offset, node in enumerate(nodes):
        graph.node.insert(index + 1 + offset, node)


def greedy_graph(gigabytes: int = 8) -> bytes:
    """A few hundred bytes that ask for gigabytes while the session is made, or else in the first run."""
    made = toy_card()
    graph = toy_graph(made)
    count = gigabytes * 2**28
    graph.initializer.append(numpy_helper.from_array(np.array([count], np.int64), "count"))
    one = numpy_helper.from_array(np.array([1], np.float32))
    _pass_logit_through(
        graph,
        [
            helper.make_node("ConstantOfShape", ["count"], ["huge"], value=one),
            helper.make_node("ReduceMin", ["huge"], ["least"], keepdims=0),
            helper.make_node("Mul", ["raw", "least"], ["logit"]),
        ],
    )
    return toy_file(graph, made.to_json())


def sparse_graph(gigabytes: int = 8) -> bytes:
    """Sparse weights of one value each that onnxruntime spells out, a gigabyte each, to make the session."""

    def add_weights(graph: onnx.GraphProto) -> None:
        nodes, before = [], "raw"
        for index in range(gigabytes):
            value = numpy_helper.from_array(np.array([1], np.float32), f"weight{index}")
            place = numpy_helper.from_array(np.array([0], np.int64), f"place{index}")
            graph.sparse_initializer.append(helper.make_sparse_tensor(value, place, [2**28]))
            after = "logit" if index == gigabytes - 1 else f"raw{index}"
            nodes.append(helper.make_node("ReduceMax", [f"weight{index}"], [f"most{index}"], keepdims=0))
            nodes.append(helper.make_node("Mul", [before, f"most{index}"], [after]))
            before = after
        _pass_logit_through(graph, nodes)

    return _hostile(add_weights)


def endless_graph(only_if_bright: bool = False) -> bytes:
    """A loop of 2⁶² turns in every run, or only in those whose first view is brighter than grey."""

    def add_loop(graph: onnx.GraphProto) -> None:
        body = helper.make_graph(
            [
                helper.make_node("Identity", ["go"], ["go_on"]),
                helper.make_node("Identity", ["state"], ["next_state"]),
            ],
            "body",
            [
                helper.make_tensor_value_info("turn", TensorProto.INT64, []),
                helper.make_tensor_value_info("go", TensorProto.BOOL, []),
                helper.make_tensor_value_info("state", TensorProto.FLOAT, ["N"]),
            ],
            [
                helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
                helper.make_tensor_value_info("next_state", TensorProto.FLOAT, ["N"]),
            ],
        )
        graph.initializer.append(numpy_helper.from_array(np.array(2**62, np.int64), "turns"))
        graph.initializer.append(numpy_helper.from_array(np.array(not only_if_bright), "always"))
        graph.initializer.append(numpy_helper.from_array(np.array(0, np.int64), "first"))
        _pass_logit_through(
            graph,
            [
                helper.make_node("Gather", ["raw", "first"], ["lead"]),
                helper.make_node("Sign", ["lead"], ["sign"]),
                helper.make_node("Relu", ["sign"], ["brightness"]),
                helper.make_node("Cast", ["brightness"], ["is_bright"], to=TensorProto.BOOL),
                helper.make_node("Or", ["is_bright", "always"], ["go_at_all"]),
                helper.make_node("Loop", ["turns", "go_at_all", "raw"], ["logit"], body=body),
            ],
        )

    return _hostile(add_loop)


def slow_to_open_graph() -> bytes:
    """A chain of constant matrix products that onnxruntime folds, for minutes, while the session is made."""

    def add_products(graph: onnx.GraphProto) -> None:
        graph.initializer.append(numpy_helper.from_array(np.array([4000, 4000], np.int64), "sides"))
        small = numpy_helper.from_array(np.array([1e-4], np.float32))
        nodes = [helper.make_node("ConstantOfShape", ["sides"], ["product0"], value=small)]
        nodes += [
            helper.make_node("MatMul", [f"product{turn}", f"product{turn}"], [f"product{turn + 1}"])
            for turn in range(200)
        ]
        nodes += [
            helper.make_node("ReduceMin", ["product200"], ["least"], keepdims=0),
            helper.make_node("Add", ["raw", "least"], ["logit"]),
        ]
        _pass_logit_through(graph, nodes)

    return _hostile(add_products)


def external_data_graph(location: str) -> bytes:
    """A weight whose bytes lie in another file."""

    def add_weight(graph: onnx.GraphProto) -> None:
        weight = onnx.TensorProto(name="weight", data_type=TensorProto.FLOAT, dims=[1])
        weight.data_location = onnx.TensorProto.EXTERNAL
        weight.external_data.add(key="location", value=location)
        graph.initializer.append(weight)
        _pass_logit_through(graph, [helper.make_node("Add", ["raw", "weight"], ["logit"])])

    return _hostile(add_weight)


def custom_operator_graph(domain: str = "com.example") -> bytes:
    """An operator that is not ONNX's own."""
    return _hostile(
        lambda graph: _pass_logit_through(
            graph, [helper.make_node("Conjure", ["raw"], ["logit"], domain=domain)]
        )
    )


def stuffed_file(megabytes: int = 99) -> bytes:
    """An honest detector with a metadata entry of many megabytes beside its card."""
    made = toy_card()
    model = onnx.load_from_string(toy_file(toy_graph(made), None))
    helper.set_model_props(model, {"note": "x" * (megabytes * 2**20), "doctored": made.to_json()})
    return bytes(model.SerializeToString())


def lying_graph(output: str, operator: str, **attributes: Any) -> bytes:
    """The honest graph whose `output` is passed through one more operator of one input."""
    made = toy_card()
    graph = toy_graph(made)
    for node in graph.node:
        if output in node.output:
            node.output[list(node.output).index(output)] = "honest"
        elif output in node.input:
            node.input[list(node.input).index(output)] = "honest"
    graph.node.append(helper.make_node(operator, ["honest"], [output], **attributes))
    return toy_file(graph, made.to_json())
