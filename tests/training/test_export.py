import json

import numpy as np
import onnx
import pytest
import torch

from doctored.detector.card import Card
from doctored.detector.session import Session
from doctored.errors import TrainingError
from doctored.models import Pool, build_network
from doctored.training import RunResult
from doctored.training.export import DetectorGraph, Neighbourhood, measure_neighbourhood, to_onnx
from doctored.training.parity import BATCH_SIZES, largest_difference, require_parity


def make_graph(pool: Pool, name: str = "compact") -> DetectorGraph:
    torch.manual_seed(0)
    network = build_network(name, pool=pool).eval()
    embeddings = np.random.default_rng(0).normal(size=(300, network.place_width())).astype(np.float32)
    return DetectorGraph(network, 1.7, -0.3, measure_neighbourhood(embeddings))


def card_for(finished: RunResult, pool: Pool) -> str:
    value = json.loads((finished.folder / "model_card.json").read_text())
    value["pool"] = (
        {"kind": "mean"} if pool.kind == "mean" else {"kind": pool.kind, "temperature": pool.temperature}
    )
    text = json.dumps(value)
    Card.from_json(text)
    return text


def random_pictures(count: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", ["compact", "residual", "residual-small"])
@pytest.mark.parametrize("pool", [Pool(), Pool("smoothmax", 0.8)])
def test_exported_file_agrees_with_torch_and_keeps_the_contract(
    name: str, pool: Pool, finished: RunResult
) -> None:
    graph = make_graph(pool, name)
    session = Session(to_onnx(graph, 32, card_for(finished, pool.scaled(graph.slope))))
    pixels = random_pictures(70)
    assert largest_difference(graph, session.run, pixels) < 1e-4
    outputs = session.run(pixels)
    raw = graph.network(graph.network.normalise(torch.from_numpy(pixels)))
    np.testing.assert_allclose(outputs.logit, raw.logit.detach() * 1.7 - 0.3, atol=1e-3)
    np.testing.assert_allclose(
        outputs.probability, 1 / (1 + np.exp(-outputs.logit.astype(np.float64))), atol=1e-6
    )
    cells = outputs.evidence.reshape(len(pixels), -1).astype(np.float64)
    if pool.kind == "mean":
        pooled = cells.mean(1)
    else:
        temperature = pool.temperature * 1.7
        pooled = temperature * np.log(np.exp(cells / temperature).mean(1))
    np.testing.assert_allclose(outputs.logit, pooled, atol=1e-4)


def test_distance_is_mahalanobis_by_the_shrunk_covariance() -> None:
    from scipy.spatial.distance import mahalanobis
    from sklearn.covariance import LedoitWolf

    random = np.random.default_rng(2)
    embeddings = (random.normal(size=(400, 6)) @ random.normal(size=(6, 6))).astype(np.float32)
    neighbourhood = measure_neighbourhood(embeddings)
    model = LedoitWolf().fit(embeddings.astype(np.float64))
    expected = [
        mahalanobis(row, model.location_, model.precision_) for row in embeddings[:20].astype(np.float64)
    ]
    np.testing.assert_allclose(neighbourhood.distance(embeddings[:20]), expected, rtol=1e-5)


def test_embeddings_that_do_not_vary_still_have_a_distance() -> None:
    embeddings = np.ones((50, 4), np.float32)
    assert np.isfinite(measure_neighbourhood(embeddings).distance(embeddings)).all()


def test_file_carries_no_trace_of_the_machine(finished: RunResult) -> None:
    data = finished.detector.read_bytes()
    assert b"site-packages" not in data
    assert b"/doctored/" not in data
    model = onnx.load_from_string(data)
    assert all(not node.metadata_props and not node.doc_string for node in model.graph.node)
    assert [entry.key for entry in model.metadata_props] == ["doctored"]
    assert all(not tensor.external_data for tensor in model.graph.initializer)
    assert {entry.domain for entry in model.opset_import} <= {"", "ai.onnx"}


def test_parity_gate_refuses_a_file_that_differs(finished: RunResult) -> None:
    graph = make_graph(Pool())
    session = Session(to_onnx(graph, 32, card_for(finished, Pool())))
    pixels = random_pictures(20)
    require_parity(graph, session.run, pixels)
    with torch.no_grad():
        graph.network.head.bias += 0.01
    with pytest.raises(TrainingError, match="differ by"):
        require_parity(graph, session.run, pixels)


def test_parity_is_looked_at_in_three_batch_sizes(finished: RunResult) -> None:
    graph = make_graph(Pool())
    session = Session(to_onnx(graph, 32, card_for(finished, Pool())))
    seen: list[int] = []

    def run(pixels: np.ndarray) -> object:
        seen.append(len(pixels))
        return session.run(pixels)

    require_parity(graph, run, random_pictures(70))  # type: ignore[arg-type]
    assert set(BATCH_SIZES) == {1, 7, 64}
    assert set(seen) == {1, 7, 64, 6}


def test_calibration_that_learnt_nothing_is_refused() -> None:
    with pytest.raises(TrainingError, match="learnt nothing"):
        DetectorGraph(build_network("compact"), 0.0, 0.0, Neighbourhood(np.zeros(128), np.eye(128)))
