from collections.abc import Callable

import numpy as np
import onnx
import pytest

from doctored.detector.card import Card
from doctored.detector.onnx_file import read_card_text
from doctored.training import RunResult


def test_a_network_that_no_file_holds_ships_with_its_weights_rounded(
    start: Callable[[str], RunResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("doctored.training.publish.MAX_FILE_BYTES", 300_000)
    file = start("large").detector.read_bytes()
    assert len(file) < 250_000  # 93,825 weights in four bytes each would take more
    graph = onnx.load_from_string(file).graph
    stored = [onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer]
    assert sum(array.size for array in stored if array.dtype == np.int8) > 90_000
    card = Card.from_json(read_card_text(file))
    assert "Its weights are rounded to a byte each." in card.card.text


def test_others_keep_theirs(finished: RunResult) -> None:
    graph = onnx.load_from_string(finished.detector.read_bytes()).graph
    assert all(onnx.numpy_helper.to_array(tensor).dtype != np.int8 for tensor in graph.initializer)
