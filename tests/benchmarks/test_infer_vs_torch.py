"""Both sides compute the same: what is read back from a file is the network that it was made from."""

import numpy as np
import torch

from benchmarks.infer_vs_torch import SHIPPED, embed, read_back
from doctored.detector.session import Session
from doctored.detector.shelf import shelf
from doctored.models import build_network


def test_the_network_read_back_gives_the_embeddings_of_the_file() -> None:
    file = next(entry for entry in shelf() if entry.name == SHIPPED).path.read_bytes()
    torch.manual_seed(1)
    network = read_back(file, build_network("compact")).eval()
    pixels = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    np.testing.assert_allclose(embed(network, pixels), Session(file).run(pixels).embedding, atol=1e-3)
