"""Evidence against masks, where the data has them: does the map point at what was changed?"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from doctored.data.decoding_worker import cut
from doctored.data.equalisation import equalise
from doctored.data.manifest import Manifest, Row
from doctored.data.masks import read_mask
from doctored.data.members import MemberStore
from doctored.data.pack import open_stores
from doctored.detector import Detector
from doctored.errors import DataError, PictureError
from doctored.evaluate.reaction import Figures, mean_figure
from doctored.evaluate.sample import Rows
from doctored.explain.overlay import evidence_box
from doctored.measure.metrics import roc_auc
from doctored.picture import decode

NAMES = ("pixel_auc", "f1", "iou", "pointing", "area")


def compare_masks(detector: Detector, manifest: Manifest, rows: Rows) -> tuple[Figures, int]:
    """Figures over those of `rows` that have a mask with both kinds of pixels, and how many these are.

    The map is brought to the picture's size, bilinear, as overlays are. `pixel_auc` of the evidence, `f1`
    and `iou` of evidence above 0, `pointing` (the strongest pixel lies in the mask, Zhang et al. 2018) and
    `area` (the share that is masked) are means over pictures.
    """
    found: dict[str, list[float]] = {name: [] for name in NAMES}
    for evidence, mask in _maps(detector, manifest, rows):
        for name, value in score_map(evidence, mask).items():
            found[name].append(value)
    return {name: mean_figure(values) for name, values in found.items()}, len(found["area"])


def score_map(evidence: NDArray[np.float32], mask: NDArray[np.bool_]) -> dict[str, float]:
    """Figures of one map, float [H, W], against a mask of the same size that has both kinds of pixels."""
    auc = roc_auc(mask.ravel(), evidence.ravel())
    assert auc is not None
    called = evidence > 0
    both, either = int((called & mask).sum()), int((called | mask).sum())
    return {
        "pixel_auc": auc,
        "f1": 2 * both / (both + either),
        "iou": both / either,
        "pointing": float(mask.ravel()[int(evidence.argmax())]),
        "area": float(mask.mean()),
    }


def _maps(
    detector: Detector, manifest: Manifest, rows: Rows
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.bool_]]]:
    masks = manifest.column("mask")
    chosen = manifest.select(np.array([row for row in rows.tolist() if masks[row] is not None], np.int64))
    with ExitStack() as stack:
        stores = open_stores(chosen, stack) if len(chosen) else {}
        for row in chosen.rows():
            assert row.source is not None
            try:
                pair = _read_pair(detector, stores[row.source], row, manifest.metadata.equalisation)
            except (DataError, PictureError):  # such a mask is told by 'doctored data check'
                continue
            if pair is not None:
                yield pair


def _read_pair(
    detector: Detector, store: MemberStore, row: Row, equalisation: Mapping[str, Any] | None
) -> tuple[NDArray[np.float32], NDArray[np.bool_]] | None:
    assert row.member is not None
    whole = decode(store.read(row.member)).pixels
    size = (whole.shape[1], whole.shape[0])
    crop = pixels = cut(whole, list(row.box) if row.box else None)
    if equalisation is not None:
        pixels = equalise(crop, equalisation).pixels
    height, width = pixels.shape[:2]
    if not detector.takes(width, height) or pixels.shape != crop.shape:
        return None
    outputs = detector.run(detector.card.preprocess.apply(pixels))
    assert outputs.evidence is not None
    left, top, across, down = evidence_box(detector.card.preprocess, width, height)
    mask = read_mask(store, row, size)[top : top + down, left : left + across]
    if mask.all() or not mask.any():
        return None
    cells = Image.fromarray(outputs.evidence[0]).resize((across, down), Image.Resampling.BILINEAR)
    return np.asarray(cells), mask
