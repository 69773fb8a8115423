import contextlib
import json
import tracemalloc

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from doctored.detector import onnx_file
from doctored.detector.onnx_file import read_card_text
from doctored.errors import DetectorError
from toy_detectors import (
    custom_operator_graph,
    endless_graph,
    external_data_graph,
    stuffed_file,
    toy_card,
    toy_file,
    toy_graph,
)

CARD = toy_card()
TOY = toy_file(toy_graph(CARD), CARD.to_json())


def refused(file):
    with pytest.raises(DetectorError, match="not a detector") as caught:
        read_card_text(file)
    message = str(caught.value)
    assert message.isprintable()
    return message


def test_the_card_is_found_as_onnx_finds_it():
    model = onnx.load_from_string(TOY)
    assert read_card_text(TOY) == {entry.key: entry.value for entry in model.metadata_props}["doctored"]


def test_other_metadata_is_passed_over():
    model = onnx.load_from_string(TOY)
    helper.set_model_props(model, {"author": "somebody", "doctored": "here", "zzz": ""})
    assert read_card_text(model.SerializeToString()) == "here"


@pytest.mark.parametrize("location", ["weights.bin", "/etc/hostname", "../secret", "*/_ORT_MEM_ADDR_/*"])
def test_weights_in_another_file_are_refused(location):
    assert "external data" in refused(external_data_graph(location))


def with_tensor(add):
    """The toy with an external tensor where `add(model, tensor)` puts it."""
    model = onnx.load_from_string(TOY)
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1])
    tensor.data_location = TensorProto.EXTERNAL
    add(model, tensor)
    return model.SerializeToString()


def attribute(model, **fields):
    made = onnx.AttributeProto(name="value", **fields)
    model.graph.node[0].attribute.append(made)


def subgraph(tensor):
    return onnx.GraphProto(name="inner", initializer=[tensor])


@pytest.mark.parametrize(
    "add",
    [
        lambda model, tensor: attribute(model, t=tensor),
        lambda model, tensor: attribute(model, tensors=[tensor]),
        lambda model, tensor: attribute(model, g=subgraph(tensor)),
        lambda model, tensor: attribute(model, graphs=[subgraph(tensor)]),
        lambda model, tensor: attribute(model, sparse_tensor=onnx.SparseTensorProto(values=tensor)),
        lambda model, tensor: model.graph.sparse_initializer.append(onnx.SparseTensorProto(indices=tensor)),
        lambda model, tensor: model.training_info.append(onnx.TrainingInfoProto(algorithm=subgraph(tensor))),
        lambda model, tensor: model.functions.append(
            onnx.FunctionProto(
                name="f",
                node=[helper.make_node("Constant", [], ["c"], value=tensor)],
            )
        ),
    ],
)
def test_weights_in_another_file_are_found_wherever_they_hide(add):
    assert "external data" in refused(with_tensor(add))


@pytest.mark.parametrize("domain", ["com.example", "com.microsoft", "ai.onnx.ml", "\x1b[2J"])
def test_operators_of_other_domains_are_refused(domain):
    assert repr(domain) in refused(custom_operator_graph(domain))


def test_operators_of_other_domains_are_refused_inside_a_loop():
    model = onnx.load_from_string(endless_graph())
    read_card_text(model.SerializeToString())
    loop = next(node for node in model.graph.node if node.op_type == "Loop")
    loop.attribute[0].g.node[0].domain = "com.example"
    assert "com.example" in refused(model.SerializeToString())


def test_onnx_itself_may_be_named_as_the_domain():
    model = onnx.load_from_string(TOY)
    for node in model.graph.node:
        node.domain = "ai.onnx"
    assert read_card_text(model.SerializeToString()) == CARD.to_json()


def test_metadata_of_many_megabytes_is_refused_without_a_copy_of_it():
    file = stuffed_file(megabytes=40)
    tracemalloc.start()
    try:
        assert "metadata is larger" in refused(file)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_file_of_more_than_100_mib_is_refused():
    assert "larger than 100 MiB" in refused(bytes((100 << 20) + 1))


def test_a_file_without_a_card_or_with_two():
    assert "no card" in refused(toy_file(toy_graph(CARD), None))
    assert "no card" in refused(b"")
    model = onnx.load_from_string(TOY)
    model.metadata_props.add(key="doctored", value="{}")
    assert "two cards" in refused(model.SerializeToString())


def test_a_card_that_is_no_text():
    assert "not UTF-8" in refused(TOY.replace(b"Grey squares", b"Grey\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8"))


def test_a_file_of_countless_parts_is_refused(monkeypatch):
    monkeypatch.setattr(onnx_file, "MAX_FIELDS", 1000)
    read_card_text(TOY)
    model = onnx.load_from_string(TOY)
    model.graph.node.extend(helper.make_node("Identity", ["a"], ["b"]) for _ in range(1000))
    assert "too many parts" in refused(model.SerializeToString())


def test_graphs_nested_without_end_are_refused():
    tensor = numpy_helper.from_array(np.zeros(1), "w")
    graph = onnx.GraphProto(name="innermost", initializer=[tensor])
    for _ in range(15):
        node = onnx.NodeProto(op_type="If", attribute=[onnx.AttributeProto(name="then_branch", g=graph)])
        graph = onnx.GraphProto(name="outer", node=[node])
    model = onnx.load_from_string(TOY)
    model.graph.node[0].attribute.append(onnx.AttributeProto(name="body", g=graph))
    assert "too deeply" in refused(model.SerializeToString())


@given(st.integers(0, len(TOY) - 1))
def test_a_file_that_is_cut_short_is_refused(length):
    refused(TOY[:length])


@given(st.lists(st.tuples(st.integers(0, len(TOY) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_damaged_file_is_read_or_refused_and_nothing_else(changes):
    file = bytearray(TOY)
    for position, value in changes:
        file[position] = value
    with contextlib.suppress(DetectorError):
        read_card_text(bytes(file))


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(noise):
    refused(noise)


@pytest.mark.parametrize(
    "file", [b"\x80" * 20, b"\x0b", b"\x07\x00", b"\x00\x00", b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"]
)
def test_bytes_that_are_no_protocol_buffer(file):
    assert "not an ONNX file" in refused(file)


def test_the_toy_is_an_honest_file():
    onnx.checker.check_model(onnx.load_from_string(TOY), full_check=True)
    assert json.loads(read_card_text(TOY))["name"] == "toy"
