"""Golden references: the scores that a shipped detector must give for a few pictures, on every machine.

`golden.json` lies beside its pictures:

    {"detector": "cifake-compact", "sha256": "...", "tolerance": 0.001,
     "pictures": {"ship.png": {"probability": 0.98, "logit": 4.1, "distance": 7.2}}}

Scores move in their last digits with the version of onnxruntime and with the processor, hence the tolerance.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from doctored.detector.detector import Detector
from doctored.errors import DetectorError, DoctoredError
from doctored.picture import decode

TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Scores:
    probability: float
    logit: float
    distance: float


@dataclass(frozen=True, slots=True)
class GoldenResult:
    """`ok`: every score is within the tolerance, absolute below 1 and relative above. `got` is None, and
    `error` says why, where the picture could not be scored at all."""

    picture: str
    expected: Scores
    got: Scores | None
    ok: bool
    error: str = ""


def self_test(detector: Detector, golden: Path) -> list[GoldenResult]:
    """Score the golden pictures named in the file `golden` and compare; DetectorError where the file is not
    for this detector."""
    try:
        reference = json.loads(golden.read_text(encoding="utf-8"))
        expected = {name: Scores(**scores) for name, scores in reference["pictures"].items()}
        tolerance, sha256 = float(reference["tolerance"]), reference["sha256"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DetectorError(
            f"the golden scores cannot be read ({error}): install Doctored again "
            "(pip install --force-reinstall doctored)"
        ) from error
    if sha256 != detector.sha256:
        raise DetectorError(
            f"the golden scores are not of this file of {detector.card.name}: install Doctored again "
            "(pip install --force-reinstall doctored)"
        )
    results = []
    for name, wanted in expected.items():
        try:
            got = score(detector, golden.parent / name)
        except DoctoredError as error:
            results.append(GoldenResult(name, wanted, None, False, str(error)))
        else:
            results.append(GoldenResult(name, wanted, got, _is_close(wanted, got, tolerance)))
    return results


def write_golden(
    detector: Detector, pictures: Sequence[Path], golden: Path, tolerance: float = TOLERANCE
) -> None:
    """Score pictures, which lie beside the file `golden`, and write it; for maintainers."""
    reference = {
        "detector": detector.card.name,
        "sha256": detector.sha256,
        "tolerance": tolerance,
        "pictures": {path.name: asdict(score(detector, path)) for path in pictures},
    }
    golden.write_text(json.dumps(reference, indent=2) + "\n", encoding="utf-8")


def score(detector: Detector, path: Path) -> Scores:
    """One picture's scores, whether or not it lies in the detector's domain."""
    outputs = detector.run(detector.card.preprocess.apply(decode(path).pixels))
    return Scores(float(outputs.probability[0]), float(outputs.logit[0]), float(outputs.distance[0]))


def _is_close(wanted: Scores, got: Scores, tolerance: float) -> bool:
    pairs = zip(asdict(wanted).values(), asdict(got).values(), strict=True)
    return all(math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance) for a, b in pairs)
