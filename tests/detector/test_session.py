import numpy as np
import pytest
from onnx import TensorProto, helper

from doctored.detector.session import Session, available_providers
from doctored.errors import DetectorError, UsageError
from doctored.picture import Preprocess
from toy_detectors import (
    OUTPUTS,
    build_toy_detector,
    external_data_graph,
    lying_graph,
    toy_card,
    toy_file,
    toy_graph,
    toy_outputs,
)

CARD = toy_card()
TOY = toy_file(toy_graph(CARD), CARD.to_json())
PIXELS = np.random.default_rng(0).integers(0, 256, (70, 32, 32, 3), np.uint8)


def refused(file):
    with pytest.raises(DetectorError) as caught:
        Session(file, threads=1)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 400
    return message


@pytest.mark.parametrize("count", [1, 7, 64])
@pytest.mark.parametrize("temperature", [None, 0.5, 4.0])
def test_the_outputs_are_those_of_the_known_maths(tmp_path, count, temperature):
    pool = "mean" if temperature is None else "smoothmax"
    path = build_toy_detector(tmp_path / "toy.onnx", pool=pool, temperature=temperature)
    outputs = Session(path.read_bytes(), threads=1).run(PIXELS[:count])
    for name, expected in toy_outputs(PIXELS[:count], temperature).items():
        got = getattr(outputs, name)
        assert got.dtype == np.float32
        assert got.shape == expected.shape
        assert np.allclose(got, expected, atol=1e-4)


def test_a_detector_without_evidence_has_none(tmp_path):
    path = build_toy_detector(tmp_path / "toy.onnx", evidence=False)
    outputs = Session(path.read_bytes()).run(PIXELS[:2])
    assert outputs.evidence is None
    assert np.allclose(outputs.logit, toy_outputs(PIXELS[:2])["logit"], atol=1e-4)


def test_the_same_batch_gives_the_same_bits():
    first, second = (Session(TOY, threads=2).run(PIXELS) for _ in range(2))
    assert all(np.array_equal(getattr(first, name), getattr(second, name)) for name in OUTPUTS)


def with_input(name="pixels", kind=TensorProto.UINT8, shape=("N", 32, 32, 3), extra=False):
    graph = toy_graph(CARD)
    del graph.input[:]
    graph.input.append(helper.make_tensor_value_info(name, kind, list(shape)))
    if extra:
        graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [1]))
    for node in graph.node:
        node.input[:] = [name if each == "pixels" else each for each in node.input]
    return toy_file(graph, CARD.to_json())


@pytest.mark.parametrize(
    ("file", "because"),
    [
        (with_input(name="image"), "its one input must be 'pixels'"),
        (with_input(kind=TensorProto.FLOAT), "its one input must be 'pixels', uint8"),
        (with_input(extra=True), "its one input must be 'pixels'"),
        (with_input(shape=(1, 32, 32, 3)), "N left open"),
        (with_input(shape=("N", 64, 64, 3)), "its card prepares 32×32 views, its graph takes 64×64"),
    ],
)
def test_a_graph_with_another_input_is_refused(file, because):
    assert because in refused(file)


def with_outputs(**shapes):
    graph = toy_graph(CARD)
    del graph.output[:]
    for name, shape in {**OUTPUTS, **shapes}.items():
        if shape is not None:
            graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    return toy_file(graph, CARD.to_json())


@pytest.mark.parametrize(
    ("file", "because"),
    [
        (with_outputs(logit=None), "'logit' is missing"),
        (with_outputs(distance=None), "'distance' is missing"),
        (with_outputs(means=["N", 4, 4]), "'means' is unknown"),
        (lying_graph("logit", "Cast", to=TensorProto.DOUBLE), "onnxruntime"),
    ],
)
def test_a_graph_with_other_outputs_is_refused(file, because):
    assert because in refused(file)


@pytest.mark.parametrize(
    ("output", "operator", "because"),
    [
        ("logit", "Neg", "not the sigmoid"),
        ("evidence", "Abs", "does not pool"),
        ("probability", "Sqrt", "not the sigmoid"),
        ("logit", "Log", "not finite"),
    ],
)
def test_outputs_that_break_their_promises_are_refused(output, operator, because):
    session = Session(lying_graph(output, operator), threads=1)
    with pytest.raises(DetectorError, match=because):
        session.run(np.zeros((2, 32, 32, 3), np.uint8))


def test_what_onnxruntime_refuses_is_a_detector_error():
    assert "does not open the detector" in refused(toy_file(toy_graph(CARD), CARD.to_json(), opset=99))
    assert "does not open the detector" in refused(lying_graph("logit", "NoSuchOperator"))


def test_a_batch_that_the_graph_cannot_take_is_a_detector_error():
    session = Session(TOY)
    for pixels in (np.zeros((2, 31, 32, 3), np.uint8), np.zeros((2, 32, 32, 3), np.float32)):
        with pytest.raises(DetectorError, match="failed on a batch of 2") as caught:
            session.run(pixels)
        assert str(caught.value).isprintable()


def test_weights_beside_the_file_are_not_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights.bin").write_bytes(bytes(4))
    assert "external data" in refused(external_data_graph("weights.bin"))


def test_a_provider_that_is_not_there():
    assert available_providers()[0] == "cpu"
    missing = next(name for name in ("openvino", "coreml", "cuda") if name not in available_providers())
    for name in (missing, "abacus"):
        with pytest.raises(UsageError, match=r"choose one of cpu"):
            Session(TOY, provider=name)


def test_views_may_be_of_any_size_that_the_card_names(tmp_path):
    path = build_toy_detector(tmp_path / "toy.onnx", preprocess=Preprocess.resize(64))
    outputs = Session(path.read_bytes()).run(np.zeros((1, 64, 64, 3), np.uint8))
    assert outputs.logit[0] == pytest.approx(-4.0)
