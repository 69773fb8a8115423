"""A detector file from elsewhere: opened and run in a child process, so that it can harm nothing.

A graph of 150 bytes can ask for gigabytes while the session is being made, loop for ever, or find a fault
in onnxruntime. Here the worst it can do is to lose its child: that is a DetectorError. What the child
answers is checked like the file itself.
"""

import math
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from doctored.detector.card import Card
from doctored.detector.home import home, recall, remember
from doctored.detector.onnx_file import read_card_text
from doctored.detector.outputs import RANKS, Outputs, check_outputs
from doctored.errors import DetectorError
from doctored.version import __version__
from doctored.workers import Child, ChildDied, ChildError, ChildTimeout, Frame, available_cores

_MAX_ANSWER_BYTES = 256 << 20
_START_S = 60.0
_ANOTHER = "use another detector ('doctored detectors' lists those that ship)"


@dataclass(frozen=True, slots=True)
class ForeignLimits:
    """What a foreign file may take: memory beyond onnxruntime's own (where the platform can limit it),
    seconds to open it and try it on one view, seconds for one request of up to 16 views."""

    memory_bytes: int = 2 << 30
    open_s: float = 60.0
    run_s: float = 60.0


class ForeignSession:
    """Like `Session`, but in a child. `run` may be called from several threads; they take turns.

    The outcome of opening is remembered by sha256: a file that was refused once is refused at once, and one
    that passed is not tried again.
    """

    is_foreign = True
    views_a_run = 16

    def __init__(
        self, file: bytes, sha256: str, *, threads: int | None = None, limits: ForeignLimits | None = None
    ) -> None:
        self.card = Card.from_json(read_card_text(file))
        self._limits = limits or ForeignLimits()
        self._lock = threading.Lock()
        self._failure = "it is closed; open it again"
        self._child: Child | None = None
        path = home() / "opened" / f"{sha256}.json"
        known = recall(path) or {}
        if known.get("doctored") != __version__:
            known = {}
        if isinstance(refusal := known.get("refused"), str):
            raise DetectorError(f"{refusal} (known from an earlier try; delete {path} to try again)")
        self._open(file, threads or min(4, available_cores()), path, is_tried=bool(known))

    def run(self, pixels: NDArray[np.uint8]) -> Outputs:
        """The outputs for uint8 views [N, size, size, 3], N from 1 to 16; DetectorError once it failed."""
        with self._lock:
            if self._child is None:
                raise DetectorError(f"the detector '{self.card.name}' cannot be run: {self._failure}")
            try:
                self._child.send({"do": "run", "shape": list(pixels.shape)}, [pixels.tobytes()])
                frame = self._child.receive(self._limits.run_s)
                outputs = self._read_outputs(frame, len(pixels))
            except ChildError as error:
                self._give_up(error, "running")
                raise DetectorError(f"the detector '{self.card.name}' {self._failure}") from error
            return outputs

    def close(self) -> None:
        """End the child."""
        with self._lock:
            self._stop()

    def _open(self, file: bytes, threads: int, path: Path, *, is_tried: bool) -> None:
        child: Child | None = None
        try:
            child = Child(
                "doctored.detector.foreign_child",
                memory_bytes=self._limits.memory_bytes,
                max_frame_bytes=_MAX_ANSWER_BYTES,
            )
            child.send({"do": "open", "threads": threads, "try": not is_tried}, [file])
            child.receive(_START_S)
        except ChildError as error:
            if child:
                child.kill()
            raise DetectorError(
                f"no child process could be started for the detector ({error}{_last_line(error)}); run "
                "'doctored check-up'"
            ) from error
        self._child = child
        try:
            refusal = child.receive(self._limits.open_s).header.get("refused")
        except ChildError as error:
            self._give_up(error, "opening")
            refusal = f"the detector '{self.card.name}' {self._failure}"
        if refusal is not None:
            self._stop()
            refusal = _one_line(refusal)
            remember(path, {"doctored": __version__, "refused": refusal})
            raise DetectorError(refusal)
        if not is_tried:
            remember(path, {"doctored": __version__, "refused": None})

    def _read_outputs(self, frame: Frame, views: int) -> Outputs:
        """The arrays of an answer; whatever the child says is checked before it is believed."""
        header, blobs = frame
        if "refused" in header:
            raise DetectorError(_one_line(header["refused"]))
        shapes = header.get("shapes")
        if not isinstance(shapes, dict) or len(shapes) != len(blobs):
            raise ChildDied("the child's answer makes no sense")
        arrays = {}
        for (name, shape), blob in zip(shapes.items(), blobs, strict=True):
            is_shape = isinstance(shape, list) and all(type(side) is int and side > 0 for side in shape)
            if name not in RANKS or not is_shape or 4 * math.prod(shape) != len(blob):
                raise ChildDied("the child's answer makes no sense")
            arrays[name] = np.frombuffer(blob, np.float32).reshape(shape)
        return check_outputs(arrays, views, self.card.pool)

    def _give_up(self, error: ChildError, doing: str) -> None:
        if isinstance(error, ChildTimeout):
            seconds = self._limits.open_s if doing == "opening" else self._limits.run_s
            self._failure = f"was still {doing} after {seconds:g} s and was stopped; {_ANOTHER}"
        else:
            self._failure = f"lost its process while {doing} ({error}{_last_line(error)}); {_ANOTHER}"
        self._stop()

    def _stop(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child = None


def _last_line(error: ChildError) -> str:
    lines = error.stderr.splitlines() if isinstance(error, ChildDied) else []
    return f": {_one_line(lines[-1])}" if lines else ""


def _one_line(text: object) -> str:
    line = " ".join(str(text).split())[:600]
    return "".join(character if character.isprintable() else "?" for character in line)
