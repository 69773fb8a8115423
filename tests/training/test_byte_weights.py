"""Rounding loses at most half a step, and storing what was rounded loses nothing."""

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from doctored.models import build_network
from doctored.training import byte_weights
from doctored.training.byte_weights import (
    channel_scales,
    find_grid,
    round_graph,
    round_network,
    rounded,
    store_in_bytes,
)


def draw(seed: int, *shape: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return (random.normal(size=shape) * np.exp(random.normal(size=shape[0]))[:, None]).astype(np.float32)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 1))
def test_rounding_is_to_the_nearest_and_done_once(seed: int, axis: int) -> None:
    weights = draw(seed, 7, 9)
    weights[3] = 0.0
    near = rounded(weights, axis)
    assert (np.abs(near - weights) <= channel_scales(weights, axis) * 0.5001).all()
    np.testing.assert_allclose(rounded(near, axis), near, rtol=1e-6)
    grid = find_grid(near)
    assert grid is not None
    np.testing.assert_allclose(grid.levels * grid.scales, near, rtol=1e-6, atol=1e-9)


def test_weights_that_were_not_rounded_have_no_grid() -> None:
    assert find_grid(draw(0, 64, 64)) is None


def small_graph() -> onnx.ModelProto:
    nodes = [
        helper.make_node("MatMul", ["x", "first"], ["middle"]),
        helper.make_node("Gemm", ["middle", "second"], ["y"], transB=1),
    ]
    entries = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", size])
        for name, size in (("x", 48), ("y", 40))
    ]
    weights = [
        numpy_helper.from_array(draw(1, 48, 32), "first"),
        numpy_helper.from_array(draw(2, 40, 32), "second"),
    ]
    graph = helper.make_graph(nodes, "small", entries[:1], entries[1:], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def test_stored_in_bytes_a_rounded_graph_computes_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Oracle: onnx's own reference evaluator."""
    from onnx.reference import ReferenceEvaluator

    monkeypatch.setattr(byte_weights, "SMALLEST", 64)
    model = small_graph()
    store_in_bytes(model)
    assert [tensor.data_type for tensor in model.graph.initializer] == [
        TensorProto.FLOAT
    ] * 2  # not rounded yet
    round_graph(model)
    x = draw(3, 5, 48)
    expected = ReferenceEvaluator(model).run(None, {"x": x})[0]
    size = model.ByteSize()
    store_in_bytes(model)
    onnx.checker.check_model(model, full_check=True)
    np.testing.assert_allclose(
        ReferenceEvaluator(model).run(None, {"x": x})[0], expected, rtol=1e-5, atol=1e-5
    )
    assert model.ByteSize() < 0.4 * size
    shapes = {tensor.name: list(tensor.dims) for tensor in model.graph.initializer if "scales" in tensor.name}
    assert shapes == {"first/scales": [1, 32], "second/scales": [40, 1]}  # one for each output


def test_a_network_is_rounded_by_output_channel() -> None:
    network = build_network("compact")
    before = {name: weights.detach().clone() for name, weights in network.named_parameters()}
    round_network(network)
    for name, weights in network.named_parameters():
        if weights.ndim == 4 and weights.numel() >= byte_weights.SMALLEST:
            np.testing.assert_allclose(weights.detach(), rounded(before[name].numpy(), 0), rtol=1e-6)
        else:
            assert (weights == before[name]).all()
