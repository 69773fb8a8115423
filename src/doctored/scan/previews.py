"""What a page shows of a picture: a preview, and overlays of the detector's evidence. Made in the workers."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from doctored.detector import Detector
from doctored.errors import DetectorError
from doctored.explain import explain
from doctored.explain.explanation import Explanation
from doctored.explain.sheet import draw_panels, fit
from doctored.picture import Picture, encode_jpeg, encode_png
from doctored.records import Finding, Verdict
from doctored.scan.items import TINY_SIDE, Preview

MAX_SIDE = 320
MIN_OVERLAY_SIDE = 128
QUALITY = 80
NO_EVIDENCE = frozenset({"outside_domain", "could_not_check"})


def has_evidence(check: str, code: str) -> bool:
    """Whether this finding is from a detector that knows pictures like this one: only then its map counts."""
    return check.startswith("detector:") and code not in NO_EVIDENCE


def draw_preview(
    picture: Picture,
    findings: Sequence[Finding],
    verdict: Verdict,
    detectors: Mapping[str, Detector],
    budget: float,
) -> Preview | None:
    """The preview of a picture, with the overlays of the first detector that has evidence, those that decided
    before others; None where none can be made. `detectors` by the name of their check.
    """
    try:
        for name in _by_weight(findings, verdict):
            explanation = _explain(picture, detectors[name], budget)
            if explanation is not None:
                return _with_overlays(explanation)
        return Preview(_encode(picture.pixels))
    except Exception:  # a page without this preview is better than a row without its findings
        return None


def _by_weight(findings: Sequence[Finding], verdict: Verdict) -> Iterator[str]:
    named = [finding for finding in findings if has_evidence(finding.check, finding.code)]
    ordered = sorted(named, key=lambda finding: finding.code not in verdict.codes)
    return iter(dict.fromkeys(finding.check for finding in ordered))


def _explain(picture: Picture, detector: Detector, budget: float) -> Explanation | None:
    try:
        explanation = explain(picture, detector, budget=budget, stability=False)  # the findings tell
    except DetectorError:  # it has no evidence map; the finding stands without an overlay
        return None
    return explanation if explanation.evidence is not None else None


def _with_overlays(explanation: Explanation) -> Preview:
    panels = draw_panels(explanation, MIN_OVERLAY_SIDE, MAX_SIDE)
    overlays = tuple(encode_jpeg(overlay, QUALITY) for overlay in panels.overlays.values())
    return Preview(_encode(explanation.pixels), overlays, explanation.detector)


def _encode(pixels: NDArray[np.uint8]) -> bytes:
    """Tiny pictures as they are, for the page enlarges them pixel by pixel; others small."""
    if max(pixels.shape) <= TINY_SIDE:
        return encode_png(pixels)
    return encode_jpeg(fit(pixels, 1, MAX_SIDE), QUALITY)
