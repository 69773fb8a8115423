"""Score every row of a data set, and lose none: what cannot be scored says why."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from doctored.data.decoding_worker import cut, digest_pixels
from doctored.data.equalisation import equalise
from doctored.data.manifest import Manifest, Row
from doctored.data.members import MemberStore
from doctored.data.pack import Pack
from doctored.detector import Detector
from doctored.errors import DataError, PictureError, UsageError
from doctored.picture import decode

BATCH = 256
Pixels = NDArray[np.uint8]
Progress = Callable[[int, int], None]

UNDECODABLE, OUTSIDE_SIZE, OUTSIDE_DISTANCE = "undecodable", "outside_size", "outside_distance"


class Facts(NamedTuple):
    """What is known of a row's picture, each None where it is not: its format, its sides after an
    equalisation, and the digest of its pixels before one (the manifest's `pixels_sha256`)."""

    format: str | None = None
    width: int | None = None
    height: int | None = None
    pixels_sha256: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Judgements:
    """One entry a row of `manifest`, in its order.

    `labels` uint8 [N], fake 1; `logits` float64 [N], NaN where a row could not be scored; `problems`: for
    each row empty, `undecodable`, `outside_size` (neither is scored) or `outside_distance` (scored, but
    outside the detector's domain); `messages` say more; `facts`, what was seen of the pictures.
    """

    manifest: Manifest
    labels: NDArray[np.uint8]
    logits: NDArray[np.float64]
    problems: tuple[str, ...]
    messages: tuple[str, ...]
    facts: tuple[Facts, ...]

    @property
    def is_scored(self) -> NDArray[np.bool_]:
        return np.asarray(~np.isnan(self.logits))

    @property
    def is_in_domain(self) -> NDArray[np.bool_]:
        return np.array([not problem for problem in self.problems], dtype=bool)

    def count(self, problem: str) -> int:
        return self.problems.count(problem)


def judge(
    detector: Detector, manifest: Manifest, pack: Pack | None = None, progress: Progress | None = None
) -> Judgements:
    """Run the detector over all rows, from a pack's pixels or from the files themselves.

    Raises DataError for rows without label and for a source that is missing, DetectorError where the
    detector fails.
    """
    report = progress or (lambda done, total: None)
    labels = manifest.targets()
    logits = np.full(len(manifest), np.nan)
    problems, messages = [""] * len(manifest), [""] * len(manifest)
    facts: list[Facts] = []
    limit = detector.card.domain.distance_limit
    views: list[Pixels] = []
    waiting: list[int] = []

    def score_waiting() -> None:
        if not views:
            return
        outputs = detector.run(np.stack(views))
        logits[waiting] = outputs.logit
        for index, distance in zip(waiting, outputs.distance, strict=True):
            if distance > limit:
                problems[index] = OUTSIDE_DISTANCE
                messages[index] = f"distance {distance:.3g} is above {limit:.3g}"
        views.clear()
        waiting.clear()

    report(0, len(manifest))
    rows = _packed(detector, manifest, pack) if pack else _read(detector, manifest)
    for index, (found, seen) in enumerate(rows):
        facts.append(seen)
        if isinstance(found, _Refusal):
            problems[index], messages[index] = found.problem, found.message
        else:
            views.append(found)
            waiting.append(index)
        if len(views) == BATCH:
            score_waiting()
            report(index + 1, len(manifest))
    score_waiting()
    report(len(manifest), len(manifest))
    return Judgements(manifest, labels, logits, tuple(problems), tuple(messages), tuple(facts))


@dataclass(frozen=True, slots=True)
class _Refusal:
    problem: str
    message: str


Found = tuple[Pixels | _Refusal, Facts]


def _packed(detector: Detector, manifest: Manifest, pack: Pack) -> Iterator[Found]:
    card = detector.card
    made_for = pack.info["request"]["preprocess"]
    if made_for != card.preprocess.to_json():
        raise UsageError(
            f"the pack was made for {made_for} and {card.name} wants {card.preprocess.to_json()}: give the "
            "data set itself, or pack it again"
        )
    for index, row in zip(pack.indices(manifest), manifest.rows(), strict=True):
        refusal = _refuse_size(detector, row.width, row.height)
        yield refusal or np.asarray(pack.pixels[index]), _known(row)


def _known(row: Row) -> Facts:
    return Facts(row.format, row.width, row.height, row.pixels_sha256)


def _read(detector: Detector, manifest: Manifest) -> Iterator[Found]:
    with ExitStack() as stack:
        stores: dict[str, MemberStore] = {}
        for row in manifest.rows():
            if row.source is None or row.member is None:
                raise DataError(f"{row.id} names no source and member: add both columns to the manifest")
            if row.source not in stores:
                stores[row.source] = stack.enter_context(MemberStore(row.source))
            yield _read_row(detector, row, stores[row.source], manifest.metadata.equalisation)


def _read_row(
    detector: Detector, row: Row, store: MemberStore, equalisation: Mapping[str, Any] | None
) -> Found:
    assert row.member is not None
    try:
        picture = decode(store.read(row.member))
        pixels = cut(picture.pixels, list(row.box) if row.box else None)
        known = row.pixels_sha256 or digest_pixels(pixels).hex()
        if equalisation is not None:
            pixels = equalise(pixels, equalisation).pixels
    except (PictureError, DataError) as error:
        return _Refusal(UNDECODABLE, str(error)), _known(row)
    seen = Facts(picture.format, pixels.shape[1], pixels.shape[0], known)
    refusal = _refuse_size(detector, pixels.shape[1], pixels.shape[0])
    if refusal:
        return refusal, seen
    return np.asarray(detector.card.preprocess.apply(pixels)[0]), seen


def _refuse_size(detector: Detector, width: int | None, height: int | None) -> _Refusal | None:
    if width is None or height is None:
        return None
    domain, preprocess = detector.card.domain, detector.card.preprocess
    is_inside = domain.min_side <= min(width, height) and max(width, height) <= domain.max_side
    if is_inside and preprocess.fits(width, height):
        return None
    return _Refusal(OUTSIDE_SIZE, f"{width}×{height} is outside the domain: {domain.text}")
