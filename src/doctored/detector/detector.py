"""A detector as its users see it: open it by name or path, ask it about pictures."""

import hashlib
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, overload

import numpy as np
from numpy.typing import NDArray

from doctored.detector.card import Card
from doctored.detector.onnx_file import MAX_FILE_BYTES
from doctored.detector.outputs import Outputs
from doctored.detector.session import Session
from doctored.detector.shelf import ShelfEntry, shelf
from doctored.errors import DetectorError, UsageError
from doctored.picture import Picture, decode
from doctored.records import Label
from doctored.spelling import suggest

if TYPE_CHECKING:
    from doctored.detector.foreign import ForeignSession

DEFAULT_BUDGET = 0.01
_VIEWS_AT_ONCE = 256
_BYTES_A_RUN = 32 << 20

Source = Picture | NDArray[np.uint8] | str | os.PathLike[str] | bytes | BinaryIO
Many = list[Any] | tuple[Any, ...]  # of sources


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What a detector says about one picture, at one budget.

    `probability` of fake, 0 to 1, calibrated; None outside the domain, where it would mean nothing. `logit`,
    `evidence` (float32 [h, w]; positive says fake) and `distance` are what was measured, None where the
    picture's size kept it from being measured at all. `reason` says in words why the label is `unsure`, and
    is empty otherwise.
    """

    label: Label
    in_domain: bool
    reason: str
    budget: float
    probability: float | None = None
    logit: float | None = None
    evidence: NDArray[np.float32] | None = None
    distance: float | None = None


class Detector:
    """An open detector; a context manager. Its methods may be called from several threads.

    `card`, `sha256` of its file, and `is_foreign`: whether it runs in a child process because its file is
    not one of ours.
    """

    def __init__(self, session: "Session | ForeignSession", sha256: str) -> None:
        self.card: Card = session.card
        self.sha256 = sha256
        self.is_foreign = session.is_foreign
        self._session = session

    def run(self, pixels: NDArray[np.uint8]) -> Outputs:
        """The graph's outputs for uint8 views [N, size, size, 3], RGB, as `card.preprocess` makes them.

        Any N of at least 1: it is split into runs of bounded memory. Raises UsageError for other arrays,
        DetectorError where the detector fails.
        """
        size = self.card.preprocess.size
        if (
            pixels.dtype != np.uint8
            or pixels.ndim != 4
            or pixels.shape[1:] != (size, size, 3)
            or not len(pixels)
        ):
            raise UsageError(
                f"{self.card.name} takes uint8 [N, {size}, {size}, 3], not {pixels.dtype} "
                f"{list(pixels.shape)}: prepare the pictures with its card's preprocess"
            )
        step = max(1, min(self._session.views_a_run, _BYTES_A_RUN // (size * size * 3)))
        return Outputs.join(
            [self._session.run(pixels[start : start + step]) for start in range(0, len(pixels), step)]
        )

    @overload
    def predict(self, source: Many, budget: float = ...) -> list[Prediction]: ...
    @overload
    def predict(self, source: Source, budget: float = ...) -> Prediction: ...
    def predict(self, source: Source | Many, budget: float = DEFAULT_BUDGET) -> Prediction | list[Prediction]:
        """What the detector says about a picture (a path, bytes, a stream, a `Picture`, or uint8 pixels
        [H, W, 3]), or about each of a list of them.

        Raises PictureError for a picture that cannot be decoded, UsageError for other pixels and for a
        budget that the card has no threshold for, DetectorError where the detector fails.
        """
        self.card.threshold("fake", budget)
        if isinstance(source, list | tuple):
            return [
                prediction
                for start in range(0, len(source), _VIEWS_AT_ONCE)
                for prediction in self._predict_some(source[start : start + _VIEWS_AT_ONCE], budget)
            ]
        return self._predict_some([source], budget)[0]

    def takes(self, width: int, height: int) -> bool:
        """Whether a picture of this size lies inside the domain, as far as its size goes."""
        domain = self.card.domain
        is_inside = domain.min_side <= min(width, height) and max(width, height) <= domain.max_side
        return is_inside and self.card.preprocess.fits(width, height)

    def close(self) -> None:
        """Free the session, or end the child process."""
        self._session.close()

    def __enter__(self) -> "Detector":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _predict_some(self, sources: Sequence[Source], budget: float) -> list[Prediction]:
        views: list[NDArray[np.uint8]] = []
        refusals: list[str] = []
        for source in sources:
            pixels = _pixels(source)
            height, width = pixels.shape[:2]
            refusal = self._refuse_size(width, height)
            refusals.append(refusal)
            if not refusal:
                views.append(self.card.preprocess.apply(pixels))
        outputs = self.run(np.concatenate(views)) if views else None
        rows = iter(range(len(views)))
        return [
            Prediction(Label.UNSURE, False, refusal, budget)
            if refusal or outputs is None
            else self._judge(outputs, next(rows), budget)
            for refusal in refusals
        ]

    def _refuse_size(self, width: int, height: int) -> str:
        """Why a picture of this size lies outside the domain; empty where it does not."""
        if self.takes(width, height):
            return ""
        return f"the picture is {width}×{height}, and {self.card.name} knows only {self.card.domain.text}"

    def _judge(self, outputs: Outputs, row: int, budget: float) -> Prediction:
        logit, distance = float(outputs.logit[row]), float(outputs.distance[row])
        measured: dict[str, Any] = {
            "logit": logit,
            "distance": distance,
            "evidence": None if outputs.evidence is None else outputs.evidence[row],
        }
        limit = self.card.domain.distance_limit
        if distance > limit:
            reason = (
                f"the picture is unlike those that {self.card.name} learned from "
                f"(distance {distance:.3g}, limit {limit:.3g})"
            )
            return Prediction(Label.UNSURE, False, reason, budget, **measured)
        label = self.card.decide(logit, budget)
        reason = ""
        if label is Label.UNSURE:
            reason = f"the score lies between the thresholds of {self.card.name} for a budget of {budget:g}"
        return Prediction(
            label, True, reason, budget, probability=float(outputs.probability[row]), **measured
        )


def open_detector(
    name_or_path: str | os.PathLike[str], *, threads: int | None = None, provider: str = "cpu"
) -> Detector:
    """Open a detector from the shelf by its name, from a file, or as it was pulled from a hub.

    A text that is the path of a file is taken for that file, one that begins with `hf://` for the name of
    what `doctored pull` fetched (nothing is fetched here), anything else for a name on the shelf. A file
    whose sha256 is on the shelf's list is trusted and runs in this process; any other runs in a child
    process with limits, on the CPU. `threads` is for one call; by default one a core. `provider` is `cpu`,
    or `cuda`, `openvino`, `coreml` where onnxruntime has it.

    Raises DetectorError for an unknown name and for a file that is not a detector.
    """
    entries = shelf()
    path, file, sha256 = load_file(name_or_path, entries)
    if any(entry.sha256 == sha256 for entry in entries):
        return Detector(Session(file, threads=threads, provider=provider), sha256)
    if any(entry.path == path for entry in entries):
        raise DetectorError(
            f"the shelf's file {path.name} is damaged: install Doctored again "
            "(pip install --force-reinstall doctored)"
        )
    if provider != "cpu":
        raise UsageError(
            f"{path.name} is not from the shelf and runs on the CPU only: leave out '{provider}'"
        )
    from doctored.detector.foreign import ForeignSession  # late, for it is rarely asked for

    return Detector(ForeignSession(file, sha256, threads=threads), sha256)


def load_file(
    name_or_path: str | os.PathLike[str], entries: list[ShelfEntry] | None = None
) -> tuple[Path, bytes, str]:
    """Where the file of a name or path lies, its bytes and their sha256; errors as of `open_detector`.

    `entries` are those of the shelf, where they are at hand.
    """
    pinned = None
    if isinstance(name_or_path, str) and name_or_path.startswith("hf://"):
        from doctored.detector.hub import find_pulled  # late, for it is rarely asked for

        path, pinned = find_pulled(name_or_path)
    else:
        path = _find(name_or_path, shelf() if entries is None else entries)
    file = _read(path)
    sha256 = hashlib.sha256(file).hexdigest()
    if pinned not in (None, sha256):
        raise DetectorError(
            f"{path} is not the file that was pulled (sha256 {sha256[:12]}…, not {pinned[:12]}…): delete its "
            f"folder, then doctored pull {name_or_path}"
        )
    return path, file, sha256


def _pixels(source: Source) -> NDArray[np.uint8]:
    if isinstance(source, np.ndarray):
        if source.dtype != np.uint8 or source.ndim != 3 or source.shape[2] != 3 or not source.size:
            raise UsageError(f"these pixels are {source.dtype} {list(source.shape)}; give uint8 [H, W, 3]")
        return source
    return (source if isinstance(source, Picture) else decode(source)).pixels


def _find(name_or_path: str | os.PathLike[str], entries: list[ShelfEntry]) -> Path:
    text = os.fspath(name_or_path)
    path: Path = Path(text)
    try:
        exists = path.exists()
    except (OSError, ValueError):  # too long for a path, or a NUL in it
        exists = False
    if exists and (isinstance(name_or_path, os.PathLike) or path.is_file()):
        return path
    for entry in entries:
        if entry.name == text:
            return entry.path
    shown = ascii(text) if len(text) < 200 else ascii(text[:200]) + "..."
    if exists:
        raise DetectorError(
            f"{shown} is not a file: give a detector's file, or a name from 'doctored detectors'"
        )
    if isinstance(name_or_path, os.PathLike) or text.endswith(".onnx") or len(path.parts) > 1:
        raise DetectorError(f"there is no detector file {shown}: check the path")
    names = [entry.name for entry in entries]
    hint = suggest(text, names, "'doctored detectors' lists those that there are")
    raise DetectorError(f"no detector is called {shown}: {hint}")


def _read(path: Path) -> bytes:
    """The bytes of a regular file of a detector's size; DetectorError for anything else."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe or a device may wait for ever
            raise DetectorError(f"{str(path)!r} is not a regular file: give a detector's file")
        with path.open("rb") as stream:
            file = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise DetectorError(
            f"the detector file {str(path)!r} cannot be read ({error.strerror}): check its permissions"
        ) from error
    if len(file) > MAX_FILE_BYTES:
        raise DetectorError(
            f"{str(path)!r} is larger than {MAX_FILE_BYTES >> 20} MiB, too large for a detector: give another"
        )
    return file
