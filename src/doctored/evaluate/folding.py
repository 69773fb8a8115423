"""A new calibration, folded into a detector file's graph; the weights stay as they are.

The file may come from anybody. It was walked, opened and tried by `open_detector` before it comes here; here
it is only parsed and written again, never run, and what comes out is opened as a foreign file like any other.
"""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from doctored.detector.card import METADATA_KEY
from doctored.errors import DetectorError
from doctored.measure.calibrate import Affine

BEFORE = "doctored_before"
"""The metadata key under which the cards before lie: a JSON list of cards, the oldest first."""
SLOPE, OFFSET = "doctored_calibration_slope", "doctored_calibration_offset"
CALIBRATED = ("evidence", "logit")


def fold_calibration(file: bytes, affine: Affine, card: str) -> bytes:
    """The detector file whose logit is slope · logit + offset of the file given, and so is its evidence.

    `card` is the text of the new card; the old one is kept under `doctored_before`, with those that it had
    kept. Raises DetectorError for a graph that cannot be edited.
    """
    import onnx

    try:
        model = onnx.load_model_from_string(file)
    except Exception as error:  # protobuf's and onnx's own, without a common base
        raise DetectorError("the detector file cannot be parsed by onnx; export it again") from error
    graph = model.graph
    if not _scale(graph, affine):
        _append(graph, affine)
    properties = {entry.key: entry.value for entry in model.metadata_props}
    cards = [*read_cards_before(properties), json.loads(properties[METADATA_KEY])]
    properties |= {METADATA_KEY: card, BEFORE: json.dumps(cards, ensure_ascii=False)}
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, properties)
    return bytes(model.SerializeToString())


def read_cards_before(properties: dict[str, str]) -> list[Any]:
    """The cards kept in a file's metadata, the oldest first."""
    try:
        cards = json.loads(properties.get(BEFORE, "[]"))
    except ValueError:
        cards = None
    if not isinstance(cards, list):
        raise DetectorError(f"the file's '{BEFORE}' is not a list of cards; take the file it was made from")
    return cards


def _scale(graph: Any, affine: Affine) -> bool:
    """Fold into the constants of an earlier folding, where the graph ends in one."""
    from onnx import numpy_helper

    constants = {entry.name: entry for entry in graph.initializer if entry.name in (SLOPE, OFFSET)}
    makers = {name: node for node in graph.node for name in node.output}
    ends = [makers.get(name) for name in CALIBRATED if name in {entry.name for entry in graph.output}]
    if len(constants) != 2 or any(end is None or OFFSET not in end.input for end in ends):
        return False
    slope, offset = (float(numpy_helper.to_array(constants[name])) for name in (SLOPE, OFFSET))
    values = {SLOPE: affine.slope * slope, OFFSET: affine.slope * offset + affine.offset}
    for name, value in values.items():
        constants[name].CopyFrom(numpy_helper.from_array(np.array(value, np.float32), name))
    return True


def _append(graph: Any, affine: Affine) -> None:
    """Let what the graph gave pass through one multiplication and one addition more."""
    from onnx import helper, numpy_helper

    for name, value in ((SLOPE, affine.slope), (OFFSET, affine.offset)):
        graph.initializer.append(numpy_helper.from_array(np.array(value, np.float32), name))
    for name in CALIBRATED:
        if name in {entry.name for entry in graph.output}:
            raw, scaled = f"{name}_before", f"{name}_scaled"
            _rename(graph, name, raw)
            graph.node.append(helper.make_node("Mul", [raw, SLOPE], [scaled]))
            graph.node.append(helper.make_node("Add", [scaled, OFFSET], [name]))
    _rename(graph, "probability", "probability_before")
    graph.node.append(helper.make_node("Sigmoid", ["logit"], ["probability"]))
    _drop_unread(graph, "probability_before")


def _rename(graph: Any, old: str, new: str) -> None:
    """Rename a value wherever it is made or read; names in the file that stand in the way are refused."""
    if any(new in (*node.input, *node.output) for node in _nodes(graph)):
        raise DetectorError(f"the graph uses the name '{new}' already; export the detector again")
    for node in _nodes(graph):
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                if name == old:
                    names[index] = new
    for entry in graph.value_info:
        if entry.name == old:
            entry.name = new


def _nodes(graph: Any) -> Iterator[Any]:
    """All nodes, those of inner graphs too, which may read what stands outside them."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _nodes(inner)


def _drop_unread(graph: Any, name: str) -> None:
    """Remove the node that makes a value which nobody reads any more."""
    if any(name in node.input for node in _nodes(graph)):
        return
    for node in list(graph.node):
        if list(node.output) == [name]:
            graph.node.remove(node)
