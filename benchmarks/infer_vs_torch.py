"""`infer.vs_torch`: one 32×32 picture through onnxruntime against the same network in torch, eager.

    python -m benchmarks.infer_vs_torch

Ours is the session that scanning uses, on the shipped `cifake-compact`: all outputs, the domain distance
and the checks of what the graph gave are in its time. The other side is the network alone, in eager fp32
under `torch.inference_mode`, with the weights read back from the file; both give the same embedding, which
is compared first. Two threads each, in turn, one picture a call, every picture new.
`infer.vs_torch_record` is the same for `residual`, the record network, with random weights: they do not
change the time.
"""

import time
from collections.abc import Callable, Sequence

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper

from benchmarks import options as commands
from benchmarks.paired import interleave
from benchmarks.results_file import Figure
from doctored.detector.session import Session
from doctored.models import Network, build_network
from doctored.training.export import DetectorGraph, Neighbourhood, to_onnx

SHIPPED, RECORD = "cifake-compact", "residual"
SIDE, THREADS, CALLS = 32, 2, 300
AGREE = 1e-3

Pixels = NDArray[np.uint8]


def read_back(file: bytes, network: Network) -> Network:
    """The network with the weights of an exported detector, its normalisation too.

    Exported weights keep their names; the normalisation is folded into a product and a difference.
    """
    graph = onnx.load_from_string(file).graph
    values = {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}
    own = network.state_dict()
    for name in own:
        if f"network.{name}" in values:
            own[name] = torch.from_numpy(values[f"network.{name}"].copy())
    constants = {
        node.op_type: values[name]
        for node in graph.node[:4]
        for name in node.input
        if node.op_type in ("Mul", "Sub") and name in values
    }
    own["std"] = torch.from_numpy(1 / (255 * constants["Mul"].astype(np.float64))).float()
    own["mean"] = torch.from_numpy(constants["Sub"].astype(np.float64)).float() * own["std"]
    network.load_state_dict(own)
    return network


def eager(network: Network) -> Callable[[Pixels], torch.Tensor]:
    network.eval()

    def run(pixels: Pixels) -> torch.Tensor:
        with torch.inference_mode():
            return network(network.normalise(torch.from_numpy(pixels))).logit.sigmoid()  # type: ignore[no-any-return]

    return run


def embed(network: Network, pixels: Pixels) -> NDArray[np.float32]:
    with torch.inference_mode():
        found: NDArray[np.float32] = network(network.normalise(torch.from_numpy(pixels))).embedding.numpy()
        return found


def compare(figure_id: str, file: bytes, network: Network, rounds: int) -> dict[str, Figure]:
    session, run = Session(file, threads=THREADS), eager(network)
    pictures = np.random.default_rng(0).integers(0, 256, (CALLS, 1, SIDE, SIDE, 3), dtype=np.uint8)
    for pixels in pictures[:8]:
        difference = np.abs(session.run(pixels).embedding - embed(network, pixels)).max()
        assert difference < AGREE, f"the two sides differ by {difference}"

    def over(side: Callable[[Pixels], object]) -> Callable[[], float]:
        def milliseconds() -> float:
            started = time.perf_counter()
            for pixels in pictures:
                side(pixels)
            return 1000 * (time.perf_counter() - started) / CALLS

        return milliseconds

    paired = interleave(over(session.run), over(run), rounds)
    return paired.figures(figure_id, "ms", "onnxruntime", "torch")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = commands.parser(__doc__ or "")
    parser.add_argument("--rounds", type=int, default=15, help="measured rounds of each side")
    options = parser.parse_args(arguments)
    torch.set_num_threads(THREADS)
    shipped = commands.shelf_path(SHIPPED).read_bytes()
    torch.manual_seed(0)
    record = build_network(RECORD, symmetric=True).eval()
    width = record.place_width()
    graph = DetectorGraph(record, 1.0, 0.0, Neighbourhood(np.zeros(width), np.eye(width)))
    exported = to_onnx(graph, SIDE, Session(shipped).card.to_json())
    commands.wait_for_idle(options)
    compact = read_back(shipped, build_network("compact"))
    figures = compare("infer.vs_torch", shipped, compact, options.rounds)
    figures |= compare("infer.vs_torch_record", exported, record, options.rounds)
    commands.finish("infer_vs_torch", figures, options)


if __name__ == "__main__":
    main()
