"""The only place where onnxruntime is imported: a detector's graph, opened and run in this process."""

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from doctored.detector.card import Card
from doctored.detector.onnx_file import not_a_detector, read_card_text
from doctored.detector.outputs import OPTIONAL, RANKS, Outputs, check_outputs
from doctored.errors import DetectorError, UsageError

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
}
_QUIET = 4  # fatal errors only: all others become exceptions
_ERROR_HEAD = re.compile(r"\[ONNXRuntimeError\] : \d+ : \w+ : ")
_SOURCE_PLACE = re.compile(r"\S+\.(cc|h):\d+ \S+ ")


def available_providers() -> list[str]:
    """The names that `Session` takes for `provider` and that the installed onnxruntime offers."""
    import onnxruntime

    offered = onnxruntime.get_available_providers()
    return [name for name, full_name in PROVIDERS.items() if full_name in offered]


class Session:
    """A detector file in onnxruntime. `threads`: for one call; by default one a core.

    Raises DetectorError for a file that breaks the format or that onnxruntime does not take, UsageError
    for a `provider` that is not there. Only files that are trusted are opened by this in the user's own
    process; all others in a child (`foreign.py`).
    """

    is_foreign = False
    views_a_run = 256

    def __init__(self, file: bytes, *, threads: int | None = None, provider: str = "cpu") -> None:
        self.card = Card.from_json(read_card_text(file))
        offered = available_providers()
        if provider not in offered:
            raise UsageError(
                f"this onnxruntime has no provider called '{provider}': choose one of {', '.join(offered)}"
            )
        providers = list(dict.fromkeys([PROVIDERS[provider], PROVIDERS["cpu"]]))
        self._session = _open(file, "detector", threads, providers)
        self._check_signature()
        self._names = [output.name for output in self._session.get_outputs()]

    def run(self, pixels: NDArray[np.uint8]) -> Outputs:
        """The outputs for uint8 views [N, size, size, 3]; N is at least 1."""
        try:
            arrays = self._session.run(self._names, {"pixels": pixels})
        except Exception as error:
            raise DetectorError(
                f"the detector failed on a batch of {len(pixels)}: {_describe(error)}; use another detector "
                "('doctored detectors' lists those that ship)"
            ) from error
        return check_outputs(dict(zip(self._names, arrays, strict=True)), len(pixels), self.card.pool)

    def close(self) -> None:
        """Free what the session holds."""
        del self._session

    def _check_signature(self) -> None:
        size = self.card.preprocess.size
        inputs = [(entry.name, entry.type, entry.shape) for entry in self._session.get_inputs()]
        if [entry[:2] for entry in inputs] != [("pixels", "tensor(uint8)")]:
            raise not_a_detector("its one input must be 'pixels', uint8")
        shape = inputs[0][2]
        if len(shape) != 4 or isinstance(shape[0], int) or shape[3] != 3:
            raise not_a_detector(f"'pixels' must be [N, {size}, {size}, 3] with N left open, not {shape}")
        if any(isinstance(side, int) and side != size for side in shape[1:3]):
            raise not_a_detector(
                f"its card prepares {size}×{size} views, its graph takes {shape[1]}×{shape[2]}"
            )
        outputs = {entry.name: entry for entry in self._session.get_outputs()}
        if missing := sorted(RANKS.keys() - OPTIONAL - outputs.keys()):
            raise not_a_detector(f"the output '{missing[0]}' is missing")
        for name, entry in outputs.items():
            if name not in RANKS:
                raise not_a_detector(f"the output {ascii(name)[:80]} is unknown")
            if entry.type != "tensor(float)" or len(entry.shape) != RANKS[name]:
                raise not_a_detector(f"the output '{name}' must be float32 with {RANKS[name]} dimensions")


class EncoderSession:
    """A graph that is no detector, from one float32 input to one float32 output: a frozen encoder's, cut at a
    layer. It is opened in the caller's own process, for a file of the caller's own choice.

    Raises DetectorError where onnxruntime does not take it.
    """

    def __init__(self, file: bytes, *, threads: int | None = None) -> None:
        self._session = _open(file, "encoder", threads, [PROVIDERS["cpu"]])
        self._input = self._session.get_inputs()[0].name

    def run(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        try:
            output: NDArray[np.float32] = self._session.run(None, {self._input: x})[0]
        except Exception as error:
            raise DetectorError(
                f"the encoder failed on a batch of {len(x)}: {_describe(error)}; try another layer or encoder"
            ) from error
        return output


def _open(file: bytes, what: str, threads: int | None, providers: list[str]) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = _QUIET
    options.intra_op_num_threads = threads or 0
    options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(file, options, providers=providers)
    except Exception as error:  # its errors share no base but this
        raise DetectorError(
            f"onnxruntime {onnxruntime.__version__} does not open the {what}: {_describe(error)}; "
            "export it again, or install another onnxruntime"
        ) from error


def _describe(error: Exception) -> str:
    """What onnxruntime complains of, in one line and without the places in its own sources."""
    text = str(error)
    if isinstance(error, MemoryError) or "Failed to allocate" in text or "bad_alloc" in text:
        return "it needs more memory than it may have"
    text = _SOURCE_PLACE.sub("", _ERROR_HEAD.split(" ".join(text.split()))[-1])
    return "".join(character if character.isprintable() else "?" for character in text)[:200].strip(" ;:.,")
