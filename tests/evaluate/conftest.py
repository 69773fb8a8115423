"""Pictures whose brightness tells what they are, as the toy detector reads them; a run with its weights."""

import numpy as np
import pytest
import torch

from doctored.data.manifest import Row, from_rows
from doctored.detector import open_detector
from doctored.evaluate import evaluate
from doctored.models import build_network
from doctored.picture import encode_png
from doctored.training.export import DetectorGraph, Neighbourhood, to_onnx
from toy_detectors import build_toy_detector, toy_card

DARK, BRIGHT = 110, 146


def write_set(folder, count=24, split="test", offset=0):
    """Real pictures dark, fake ones bright, noisy enough that a few are called wrongly."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for index in range(offset, offset + count):
        random = np.random.default_rng([7, index])
        label = "fake" if index % 2 else "real"
        level = (BRIGHT if label == "fake" else DARK) + random.normal(0, 16)
        pixels = np.clip(random.normal(level, 25, (32, 32, 3)), 0, 255).astype(np.uint8)
        name = f"{index:03d}.png"
        (folder / name).write_bytes(encode_png(pixels))
        rows.append(Row(f"{split}-{name}", source=str(folder), member=name, label=label, split=split))
    return rows


@pytest.fixture(scope="session")
def brightness(tmp_path_factory):
    """A manifest with a test split of 24 pictures and a training split of 12."""
    folder = tmp_path_factory.mktemp("brightness")
    return from_rows([*write_set(folder), *write_set(folder, 12, "train", offset=100)])


@pytest.fixture(scope="session")
def toy(tmp_path_factory):
    with open_detector(build_toy_detector(tmp_path_factory.mktemp("toy") / "toy.onnx")) as opened:
        yield opened


@pytest.fixture(scope="session")
def judged(toy, brightness):
    return evaluate(toy, brightness, "test")


@pytest.fixture(scope="session")
def random_run(tmp_path_factory):
    """A run's folder, its detector.onnx made from its checkpoint: the compact network, weights random."""
    folder = tmp_path_factory.mktemp("runs") / "random"
    (folder / "checkpoints").mkdir(parents=True)
    torch.manual_seed(3)
    network = build_network("compact").eval()
    torch.save({"network": network.state_dict(), "epoch": 1}, folder / "checkpoints" / "best.pt")
    (folder / "config.toml").write_text('[recipe]\nnetwork = "compact"\ndropout = 0.0\n', "utf-8")
    graph = DetectorGraph(network, 4.0, 0.2, Neighbourhood(np.zeros(128), np.eye(128)))
    file = to_onnx(graph, 32, toy_card(distance_limit=1e6).to_json())
    (folder / "detector.onnx").write_bytes(file)
    return folder


@pytest.fixture(scope="session")
def random_detector(random_run):
    with open_detector(random_run / "detector.onnx") as opened:
        yield opened
