"""A user's own labelled pictures move a detector's calibration and thresholds, not its weights."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from doctored.data.files import written_aside
from doctored.detector import Card, Detector
from doctored.detector.card import NAME, Metric, Pool, Threshold
from doctored.detector.detector import load_file
from doctored.detector.foreign import ForeignSession
from doctored.errors import DetectorError, UsageError
from doctored.evaluate.compare import find_detector
from doctored.evaluate.evaluation import Data, open_data, open_detector_or_run, select_split
from doctored.evaluate.folding import BEFORE, fold_calibration
from doctored.evaluate.judge import Judgements, Progress, judge
from doctored.measure.calibrate import Affine, Calibration, choose_calibration, sigmoid
from doctored.measure.intervals import auc_interval
from doctored.measure.summary import summarise
from doctored.measure.thresholds import BUDGETS, SMALL_BUDGET, needed, operating_points
from doctored.untrusted import clean

SUFFIX = "-calibrated"
MAX_NAME = 64
PART = "calibration"
TRIED = 64  # views on which the new file is held against the old one
TOLERANCE = 1e-4

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Recalibrated:
    """`card` of the new file at `path`; `used` of `rows` pictures decided, the others are `outside` the
    domain, not scored, or copy another; `dropped` are budgets that the pictures are too few for, with how
    many of each class they take; `left` is the fewest pictures that one class has."""

    before: Card
    card: Card
    path: Path
    calibration: Calibration
    rows: int
    used: int
    outside: int
    copies: int
    dropped: Mapping[float, int]
    left: int


def recalibrate(
    detector: str | PathLike[str],
    data: Data,
    out: str | PathLike[str] | None = None,
    *,
    split: str | None = None,
    name: str | None = None,
    progress: Progress | None = None,
) -> Recalibrated:
    """Write a detector file with the same weights, calibrated and with thresholds bought on `data`.

    Only pictures inside the detector's domain count, each once, however many copies there are. Budgets of
    5 %, 1 % and 0.1 % are bought as far as there are pictures of both classes for their bounds. The new file
    is called `name`, by default NAME-calibrated, is written to `out`, by default that name with `.onnx`, and
    keeps the card of the old one. Raises UsageError where there are too few pictures for any budget, or where
    the detector cannot tell them apart; DetectorError where the file cannot be edited.
    """
    place, manifest, pack = open_data(data)
    title = clean(Path(place).name)
    _, manifest = select_split(manifest, split, title)
    with ExitStack() as stack:
        opened = open_detector_or_run(detector, stack)
        before = opened.card
        renamed = name or before.name.removesuffix(SUFFIX)[: MAX_NAME - len(SUFFIX)] + SUFFIX
        path = Path(out) if out is not None else Path(f"{renamed}.onnx")
        _refuse_early(renamed, path)
        judgements = judge(opened, manifest, pack, progress)
        rows, copies = _choose_rows(judgements)
        labels, logits = judgements.labels[rows], judgements.logits[rows]
        budgets, dropped, left = _affordable(labels)
        _require_skill(before, labels, logits)
        calibration = choose_calibration(logits, labels)
        affine = Affine(*(float(np.float32(value)) for value in calibration.affine))
        calibration = calibration._replace(affine=affine)
        card = _make_card(before, renamed, title, manifest.digest(), labels, logits, calibration, budgets)
        file = fold_calibration(_read_file(opened, detector), affine, card.to_json())
        _require_parity(opened, file, affine)
    with written_aside(path) as aside:
        aside.write_bytes(file)
    outside = len(manifest) - int(judgements.is_in_domain.sum())
    return Recalibrated(
        before, card, path, calibration, len(manifest), len(rows), outside, copies, dropped, left
    )


def _refuse_early(name: str, path: Path) -> None:
    if not NAME.fullmatch(name):
        raise UsageError(f"a detector's name is of a-z, 0-9 and '-', not {name!r}; give one with --name")
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name a file, such as {path / 'calibrated.onnx'}")
    if path.exists():
        raise UsageError(f"{path} is there already; give another --out, or remove it")


def _choose_rows(judgements: Judgements) -> tuple[Rows, int]:
    """The rows inside the domain, of equal pixels only the first; and how many copies were left out."""
    seen: set[str] = set()
    rows: list[int] = []
    inside = np.flatnonzero(judgements.is_in_domain)
    for row in inside:
        digest = judgements.facts[row].pixels_sha256
        if digest is None or digest not in seen:
            rows.append(int(row))
        if digest is not None:
            seen.add(digest)
    return np.array(rows, np.int64), len(inside) - len(rows)


def _affordable(labels: NDArray[np.uint8]) -> tuple[list[float], dict[float, int], int]:
    """Budgets that the rarer class can promise, those that it cannot with what they take, and its size."""
    left = min(int((labels == target).sum()) for target in (0, 1))
    every = (*BUDGETS, SMALL_BUDGET)
    dropped = {budget: needed(budget) for budget in every if needed(budget) > left}
    if len(dropped) == len(every):
        least = min(dropped.values())
        raise UsageError(
            f"it takes {least} real and {least} fake pictures inside the detector's domain to promise even "
            f"{max(every):.0%} of errors, and the rarer class has {left}: label more pictures"
        )
    return [budget for budget in every if budget not in dropped], dropped, left


def _require_skill(card: Card, labels: NDArray[np.uint8], logits: NDArray[np.float64]) -> None:
    interval = auc_interval(labels, logits)
    if interval is None or interval.low <= 0.5:
        told = "" if interval is None else f" (AUC {interval.low:.2f} to {interval.high:.2f})"
        raise UsageError(
            f"{card.name} does not tell these pictures apart{told}, and no calibration can change that: use "
            "another detector"
        )


def _make_card(
    before: Card,
    name: str,
    title: str,
    digest: str,
    labels: NDArray[np.uint8],
    logits: NDArray[np.float64],
    calibration: Calibration,
    budgets: Sequence[float],
) -> Card:
    slope, offset = calibration.affine
    calibrated = slope * logits + offset
    points = operating_points(calibrated, labels, budgets)
    reals, fakes = (int((labels == target).sum()) for target in (0, 1))
    temperature = before.pool.temperature and before.pool.temperature * slope
    notes = replace(
        before.card,
        counts={**before.card.counts, f"{PART}.real": reals, f"{PART}.fake": fakes},
        metrics=_describe(labels, calibrated),
        command=f"doctored calibrate {before.name} {title}",
        limits=f"{before.card.limits} Its thresholds hold for pictures like those of {title}.",
        text=(
            f"{before.card.text} Calibrated anew on {len(labels):,} pictures of {title}, on which the "
            f"figures here are measured, too. The weights are those of {before.name} {before.version}; its "
            f"card lies in the same file under '{BEFORE}'."
        ),
    )
    return replace(
        before,
        name=name,
        version=f"{before.version.partition('+')[0][:40]}+{digest[:8]}",
        pool=Pool(before.pool.kind, temperature),
        thresholds={
            says: tuple(Threshold(p.budget, p.logit, p.bound, p.n) for p in bought)
            for says, bought in points.items()
        },
        card=notes,
    )


def _describe(labels: NDArray[np.uint8], logits: NDArray[np.float64]) -> dict[str, Metric]:
    return {
        f"{PART}.{key}": Metric(shown.value, shown.n, shown.low, shown.high)
        for key, shown in summarise(labels, logits).items()
        if shown.value is not None and shown.low is not None and shown.high is not None
    }


def _read_file(opened: Detector, place: str | PathLike[str]) -> bytes:
    """The bytes of the file that was opened; DetectorError where it has changed since."""
    found = find_detector(place)
    _, file, sha256 = load_file(found)
    if sha256 != opened.sha256:
        raise DetectorError(f"{found} has changed while it was in use; run this again")
    return file


def _require_parity(opened: Detector, file: bytes, affine: Affine) -> None:
    """The new file opens, and gives what it should, on noise of many brightnesses."""
    size = opened.card.preprocess.size
    draw = np.random.default_rng(0)
    views = draw.integers(0, 256, (TRIED, size, size, 3), np.uint8)
    views = (views * np.linspace(0.1, 1, TRIED)[:, None, None, None]).astype(np.uint8)
    expected = sigmoid(affine.slope * opened.run(views).logit.astype(np.float64) + affine.offset)
    with Detector(ForeignSession(file, sha := hashlib.sha256(file).hexdigest()), sha) as made:
        difference = float(np.abs(made.run(views).probability - expected).max())
    if not math.isfinite(difference) or difference > TOLERANCE:
        raise DetectorError(
            f"the calibrated file differs from what it should give by {difference:.2g}; it is not written: "
            "export the detector again"
        )
