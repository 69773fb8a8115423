"""`evaluate.ratio`: metrics and robustness grid against bare inference on as many forward passes.

    python -m benchmarks.evaluate_ratio --data cifake.zip [--detector NAME] [--run RUN]

Ours reads the test split from its files, judges it, computes every metric, makes the copies of the grid and
judges those. The bare side has pixels in memory and gives them to onnxruntime, 256 at a time. Both take
turns, on as many threads; so the detector is one of the shelf, for others run in a process with limits. What
the bootstrap takes is measured and taken off ours (`.bootstrap`, in s); attacks are no part of it, and are
timed once where the folder of the detector's run is named (`.attacks`, in s).
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from benchmarks import options as commands
from benchmarks.paired import LEAST_ROUNDS, interleave
from benchmarks.results_file import Figure
from doctored.data.manifest import Manifest
from doctored.data.readers import read_dataset
from doctored.detector import Detector, open_detector
from doctored.evaluate import evaluate
from doctored.evaluate.grid import GRID
from doctored.evaluate.robustness import measure_robustness
from doctored.evaluate.sample import read_views
from doctored.evaluate.white_box import measure_attacks
from doctored.measure import intervals
from doctored.workers import available_cores

BATCH = 256


@contextmanager
def timed_bootstrap() -> Iterator[list[float]]:
    """Seconds of each bootstrap of the metrics while the context lasts."""
    original = intervals.bootstrap_all
    taken: list[float] = []

    def bootstrap_all(*arguments: Any, **named: Any) -> Any:
        began = time.perf_counter()
        try:
            return original(*arguments, **named)
        finally:
            taken.append(time.perf_counter() - began)

    intervals.bootstrap_all = bootstrap_all
    try:
        yield taken
    finally:
        intervals.bootstrap_all = original


def ours(detector: Detector, manifest: Manifest, pictures: int, taken: list[float]) -> Callable[[], float]:
    def measure() -> float:
        began, before = time.perf_counter(), sum(taken)
        with tempfile.TemporaryDirectory() as folder:
            evaluation = evaluate(detector, manifest, None, Path(folder))
            measure_robustness(detector, evaluation, Path(folder), pictures=pictures)
        return time.perf_counter() - began - (sum(taken) - before)

    return measure


def bare(file: Path, views: NDArray[np.uint8], passes: int) -> Callable[[], float]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = available_cores()
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def measure() -> float:
        began = time.perf_counter()
        for start in range(0, passes, BATCH):
            rows = np.arange(start, min(start + BATCH, passes)) % len(views)
            session.run(None, {"pixels": views[rows]})
        return time.perf_counter() - began

    return measure


def main(arguments: Sequence[str] | None = None) -> None:
    parser = commands.parser(__doc__ or "")
    parser.add_argument("--detector", default=commands.DETECTOR, help="a name from the shelf")
    parser.add_argument("--run", type=Path, help="the folder of its run, to time attacks")
    parser.add_argument("--test", type=int, default=20_000, help="how many test pictures")
    parser.add_argument("--pictures", type=int, default=4000, help="how many of them in the grid")
    parser.add_argument("--rounds", type=int, default=LEAST_ROUNDS, help="measured rounds of each side")
    options = parser.parse_args(arguments)
    manifest = read_dataset(commands.data_of(options).resolve())
    test = np.flatnonzero([split == "test" for split in manifest.column("split")])
    chosen = np.sort(np.random.default_rng(0).permutation(test)[: options.test])
    manifest = manifest.select(chosen)
    commands.wait_for_idle(options)
    file = commands.shelf_path(options.detector)
    own = f"evaluate.ratio{commands.id_part(options.detector)}"
    figures: dict[str, Figure] = {}
    opened = open_detector(options.detector, threads=available_cores())
    with opened as detector, timed_bootstrap() as taken:
        views, _ = read_views(manifest, np.arange(min(4096, len(manifest))), detector.card.preprocess)
        copies = min(options.pictures, len(manifest)) * len(GRID)
        passes = len(manifest) + copies
        print(f"{passes:,} forward passes a round, {copies:,} of them of distorted copies")
        our_side = ours(detector, manifest, options.pictures, taken)
        paired = interleave(our_side, bare(file, views, passes), options.rounds)
        figures |= paired.figures(own, "s", "ours", "bare")
        rounds = options.rounds + 1
        figures[f"{own}.bootstrap"] = Figure(sum(taken) / rounds, "s a round", rounds)
        if options.run is not None:
            evaluation = evaluate(detector, manifest, None)
            began = time.perf_counter()
            with tempfile.TemporaryDirectory() as folder:
                measure_attacks(detector, evaluation, Path(folder), options.run)
            figures[f"{own}.attacks"] = Figure(time.perf_counter() - began, "s", 1)
    commands.finish("evaluate_ratio", figures, options)


if __name__ == "__main__":
    main()
