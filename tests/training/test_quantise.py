import itertools

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from doctored.detector.card import Metric
from doctored.detector.session import Session
from doctored.errors import TrainingError, UsageError
from doctored.training import RunResult, quantise
from doctored.training.finished import open_run
from doctored.training.quantise import Comparison, find_body, race


@pytest.fixture(scope="module")
def pictures(finished: RunResult) -> np.ndarray:
    return open_run(finished.folder).examples.pixels[:96]


@pytest.fixture(scope="module")
def int8(finished: RunResult, pictures: np.ndarray) -> bytes:
    return quantise.quantise(finished.detector.read_bytes(), pictures)


def weights_by_type(file: bytes) -> dict[int, list[tuple[int, ...]]]:
    found: dict[int, list[tuple[int, ...]]] = {}
    for entry in onnx.load_from_string(file).graph.initializer:
        if len(entry.dims) == 4:
            found.setdefault(entry.data_type, []).append(tuple(entry.dims))
    return found


def test_only_what_lies_between_the_first_convolution_and_the_head_is_in_int8(int8: bytes) -> None:
    shapes = weights_by_type(int8)
    assert sorted(shapes[TensorProto.INT8]) == [(64, 32, 3, 3), (128, 64, 3, 3)]
    assert sorted(shapes[TensorProto.FLOAT]) == [(1, 128, 1, 1), (32, 3, 3, 3)]


def test_it_keeps_the_contract_and_nearly_the_answers(
    int8: bytes, finished: RunResult, pictures: np.ndarray
) -> None:
    ours, theirs = Session(int8).run(pictures), Session(finished.detector.read_bytes()).run(pictures)
    pooled = ours.evidence.astype(np.float64).mean((1, 2))
    np.testing.assert_allclose(ours.logit, pooled, atol=1e-4)
    np.testing.assert_allclose(ours.probability, 1 / (1 + np.exp(-ours.logit.astype(np.float64))), atol=1e-6)
    assert np.corrcoef(ours.logit, theirs.logit)[0, 1] > 0.99
    assert np.abs(ours.logit - theirs.logit).max() > 1e-5, "nothing was quantised"


def test_weights_have_seven_bits_so_that_no_processor_saturates(int8: bytes) -> None:
    graph = onnx.load_from_string(int8).graph
    values = [
        numpy_helper.to_array(entry)
        for entry in graph.initializer
        if entry.data_type == TensorProto.INT8 and len(entry.dims) == 4
    ]
    assert max(int(np.abs(value.astype(int)).max()) for value in values) == 64


def test_the_file_is_clean_and_has_the_same_card(int8: bytes, finished: RunResult) -> None:
    model = onnx.load_from_string(int8)
    assert [entry.key for entry in model.metadata_props] == ["doctored"]
    assert {entry.domain for entry in model.opset_import} <= {"", "ai.onnx"}
    assert {node.domain for node in model.graph.node} <= {"", "ai.onnx"}
    assert model.producer_name == "doctored"
    assert Session(int8).card == Session(finished.detector.read_bytes()).card


def graph_of(*steps: tuple[str, str]) -> onnx.GraphProto:
    """Nodes in a row, each (operator, output); the first takes `pixels`, all take a weight too."""
    outputs = ["pixels", *(output for _, output in steps)]
    nodes = [
        helper.make_node(operator, [given, "w"], [output], name=output)
        for (operator, output), given in zip(steps, outputs, strict=False)
    ]
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, None)
    evidence = helper.make_tensor_value_info("evidence", TensorProto.FLOAT, None)
    return helper.make_graph(nodes, "row", [pixels], [evidence])


def test_the_body_ends_before_the_head_whatever_calibration_follows_it() -> None:
    steps = [("Sub", "n"), ("Conv", "a"), ("Relu", "b"), ("Conv", "c"), ("Conv", "h"), ("Mul", "s")]
    assert find_body(graph_of(*steps, ("Add", "evidence"))) == ["b", "c"]


def test_a_branch_beside_the_evidence_stays_float() -> None:
    graph = graph_of(("Conv", "a"), ("Conv", "c"), ("Conv", "evidence"))
    graph.node.append(helper.make_node("MatMul", ["c", "w"], ["distance"], name="distance"))
    assert find_body(graph) == ["c"]


@pytest.mark.parametrize("operator", ["MatMul", "Softmax", "LayerNormalization"])
def test_networks_of_tokens_are_refused(operator: str) -> None:
    graph = graph_of(("Conv", "a"), (operator, "t"), ("Conv", "c"), ("Conv", "evidence"))
    with pytest.raises(UsageError, match=rf"{operator} in its body.*without --int8"):
        find_body(graph)


def test_networks_with_nothing_to_quantise_are_refused() -> None:
    with pytest.raises(UsageError, match="nothing to work on"):
        find_body(graph_of(("Conv", "a"), ("Relu", "b"), ("Conv", "evidence")))
    with pytest.raises(UsageError, match="end in a convolution"):
        find_body(graph_of(("Relu", "b"), ("Mul", "evidence")))


def test_what_onnxruntime_cannot_do_is_one_line(finished: RunResult) -> None:
    wrong = np.zeros((4, 8, 8, 3), np.uint8)
    with pytest.raises(TrainingError, match="without --int8") as caught:
        quantise.quantise(finished.detector.read_bytes(), wrong)
    assert "\n" not in str(caught.value)


def metric(value: float, low: float | None = None) -> Metric:
    return Metric(value, 1000, value if low is None else low, max(value, 1.0))


@pytest.mark.parametrize(
    ("accuracy", "one", "batch", "says"),
    [
        (0.970, 1.2, 1.3, ""),
        (0.969, 1.2, 1.3, ""),  # a tenth of a point
        (0.968, 1.2, 1.3, "costs 0.20 points of accuracy on 1,000"),
        (0.980, 1.2, 1.3, ""),
        (0.970, 0.9, 1.3, "not faster beyond doubt with one picture"),
        (0.970, 1.2, 1.0, "not faster beyond doubt in batches of 64"),
    ],
)
def test_it_is_kept_where_it_is_faster_and_as_right(
    accuracy: float, one: float, batch: float, says: str
) -> None:
    comparison = Comparison(metric(0.970), metric(accuracy), metric(1.5, one), metric(1.5, batch))
    objection = comparison.objection()
    assert says in objection if says else not objection
    assert comparison.metrics()["int8.val.accuracy_of_float"].value == 0.970


def test_the_race_takes_turns_and_tells_how_many_times_as_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    now, order = [0.0], []

    def runner(name: str, seconds: float):  # type: ignore[no-untyped-def]
        def run(pixels: np.ndarray) -> None:
            now[0] += seconds
            order.append(name)

        return run

    monkeypatch.setattr("doctored.training.quantise.time.perf_counter", lambda: now[0])
    speed = race(runner("int8", 0.1), runner("float", 0.25), np.zeros((1, 2, 2, 3), np.uint8))
    assert (speed.value, speed.n) == (pytest.approx(2.5), quantise.ROUNDS)
    assert speed.low <= speed.value <= speed.high
    turns = [name for name, _ in itertools.groupby(order)]
    assert len(turns) > quantise.ROUNDS
