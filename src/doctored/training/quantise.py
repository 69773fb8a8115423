"""The same detector in 8-bit arithmetic, for networks of convolutions.

Static quantisation in ONNX's own QDQ operators: weights have a scale for each channel, activations one for
each tensor, taken from training pictures. The first convolution, which sees the pixels, the head and all
behind it stay float, so that the evidence still pools to the logit and the probability is its sigmoid.
Networks that multiply matrices or normalise tokens are refused: int8 activations turn their decisions over.
"""

import contextlib
import logging
import math
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray

from doctored.detector.card import METADATA_KEY, Metric
from doctored.detector.onnx_file import read_card_text
from doctored.detector.outputs import Outputs
from doctored.errors import TrainingError, UsageError

QUANTISED = (
    "Conv",
    "Relu",
    "Clip",
    "LeakyRelu",
    "Sigmoid",
    "Add",
    "Mul",
    "MaxPool",
    "AveragePool",
    "GlobalAveragePool",
    "Concat",
)
OF_TOKENS = frozenset({"MatMul", "Gemm", "Einsum", "Softmax", "LayerNormalization", "Attention"})
CALIBRATION_PICTURES = 512
AT_ONCE = 64  # the batch that is timed and judged
MAX_LOSS = 0.001  # of accuracy
ROUNDS = 11  # second smallest to second largest: a 98.8 % interval of the median (binomial, p = 1/2)
LEAST_TIMED_S = 0.05

Pixels = NDArray[np.uint8]
Run = Callable[[Pixels], Outputs]


def quantise(file: bytes, pixels: Pixels) -> bytes:
    """The detector file with the body of its network in int8; its card stays as it is.

    `pixels`: uint8 [N, size, size, 3], training pictures as the card's preprocess makes them, on which the
    ranges of activations are taken. Weights have 7 bits: with 8, processors without VNNI saturate where two
    products are added, and one file would give other answers on other machines. Raises UsageError for a
    network that is not of convolutions, TrainingError where onnxruntime cannot quantise it.
    """
    from onnxruntime import quantization

    card = read_card_text(file)
    with tempfile.TemporaryDirectory() as name, _quietly():
        given, folded, made = (Path(name) / part for part in ("given.onnx", "folded.onnx", "made.onnx"))
        given.write_bytes(file)
        try:
            # Folds batch norms into convolutions, which they would keep from running in int8.
            quantization.quant_pre_process(given, folded, skip_symbolic_shape=True)
            model = onnx.load(folded)
            for number, node in enumerate(model.graph.node):
                node.name = node.name or f"node_{number}"
            body = find_body(model.graph)
            onnx.save(model, folded)
            quantization.quantize_static(
                folded,
                made,
                _Pictures(pixels),
                quant_format=quantization.QuantFormat.QDQ,
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
                per_channel=True,
                reduce_range=True,
                op_types_to_quantize=list(QUANTISED),
                nodes_to_quantize=body,
            )
            return _finish(onnx.load(made), card)
        except UsageError:
            raise
        except Exception as error:  # of many kinds, without a common base
            reason = " ".join(str(error).split())[:200]
            raise TrainingError(
                f"onnxruntime cannot quantise this network ({reason}); export it without --int8"
            ) from error


class _Pictures:
    """What onnxruntime calls a calibration data reader: batches until there are none."""

    def __init__(self, pixels: Pixels) -> None:
        starts = range(0, len(pixels), AT_ONCE)
        self._batches = iter([pixels[start : start + AT_ONCE] for start in starts])

    def get_next(self) -> dict[str, Pixels] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"pixels": batch}


def find_body(graph: Any) -> list[str]:
    """The names of the nodes to quantise: all that lie between the first convolution and the head.

    Raises UsageError where that is not a network of convolutions.
    """
    makers = {name: node for node in graph.node for name in node.output}
    head = makers["evidence"]
    while head.op_type != "Conv":
        ahead = [makers[name] for name in head.input if name in makers]
        if not ahead:
            raise UsageError("int8 is for networks that end in a convolution; export this one without --int8")
        head = ahead[0]
    needed, waiting = set(), list(head.input)
    while waiting:
        node = makers.get(waiting.pop())
        if node is not None and node.name not in needed:
            needed.add(node.name)
            waiting += node.input
    convolved: set[str] = set()  # tensors with a convolution behind them
    body = []
    for node in graph.node:
        if convolved & set(node.input):
            convolved |= set(node.output)
            if node.name in needed:
                body.append(node)
        elif node.op_type == "Conv":
            convolved |= set(node.output)
    kinds = {node.op_type for node in body}
    if strange := sorted(kinds & OF_TOKENS):
        raise UsageError(
            f"int8 is for networks of convolutions, and this one has {', '.join(strange)} in its body: "
            "int8 activations turn the decisions of such networks over; export it without --int8"
        )
    if "Conv" not in kinds:
        raise UsageError(
            "this network has no convolution between its first and its head, so int8 has nothing to work "
            "on; export it without --int8"
        )
    return [node.name for node in body]


def _finish(model: Any, card: str) -> bytes:
    """One clean file: our card and name in it, no traces of the quantiser, standard operators only."""
    from doctored.training.export import strip

    strip(model)
    model.producer_name, model.producer_version = "doctored", ""
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, {METADATA_KEY: card})
    used = {node.domain for node in model.graph.node} | {""}
    kept = [entry for entry in model.opset_import if entry.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def with_card(file: bytes, card: str) -> bytes:
    """The same detector with another card."""
    model = onnx.load_from_string(file)
    onnx.helper.set_model_props(model, {METADATA_KEY: card})
    return bytes(model.SerializeToString())


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """The quantiser logs advice for whoever calls it; that is us, and it is followed."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


class Comparison(NamedTuple):
    """int8 beside float, on the same validation pictures and the same machine.

    Speeds are how many times as fast int8 is, in turns: one picture at a time, and batches of 64.
    """

    float_accuracy: Metric
    int8_accuracy: Metric
    one: Metric
    batch: Metric

    def objection(self) -> str:
        """Why int8 is not worth keeping; empty where it is."""
        lost = self.float_accuracy.value - self.int8_accuracy.value
        if lost > MAX_LOSS + 1e-9:
            pictures = f"{self.int8_accuracy.n:,} validation pictures"
            return f"it costs {100 * lost:.2f} points of accuracy on {pictures}"
        for speed, what in ((self.one, "with one picture"), (self.batch, f"in batches of {AT_ONCE}")):
            if speed.low <= 1:
                return f"it is not faster beyond doubt {what}: {describe_speed(speed)}"
        return ""

    def metrics(self) -> dict[str, Metric]:
        """What the card of the int8 file says of this."""
        return {
            "int8.val.accuracy": self.int8_accuracy,
            "int8.val.accuracy_of_float": self.float_accuracy,
            "int8.speed_one": self.one,
            f"int8.speed_batch_{AT_ONCE}": self.batch,
        }


def describe_speed(speed: Metric) -> str:
    return f"{speed.value:.2f} [{speed.low:.2f}, {speed.high:.2f}] times as fast"


def race(int8: Run, float32: Run, pixels: Pixels) -> Metric:
    """How many times as fast int8 is with this batch: the median over rounds in turn, and its interval."""
    repeats = max(1, math.ceil(LEAST_TIMED_S / min(_seconds(run, pixels, 2) for run in (int8, float32))))
    ratios = []
    for turn in range(ROUNDS):
        order = (int8, float32) if turn % 2 else (float32, int8)
        took = {run: _seconds(run, pixels, repeats) for run in order}
        ratios.append(took[float32] / took[int8])
    ratios.sort()
    return Metric(statistics.median(ratios), ROUNDS, ratios[1], ratios[-2])


def _seconds(run: Run, pixels: Pixels, repeats: int) -> float:
    started = time.perf_counter()
    for _ in range(repeats):
        run(pixels)
    return (time.perf_counter() - started) / repeats


def run_over(run: Run, pixels: Pixels, rows: NDArray[np.int64]) -> Iterable[Outputs]:
    """The outputs of these rows, in batches of `AT_ONCE`."""
    for start in range(0, len(rows), AT_ONCE):
        yield run(np.ascontiguousarray(pixels[rows[start : start + AT_ONCE]]))
