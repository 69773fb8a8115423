"""Whose quantisation tables these are, and which quality they stand for.

Sources: the standard's examples (ITU-T T.81, Annex K.1) scaled as libjpeg does it (jcparam.c,
jpeg_set_quality); mozjpeg's default table (its jcparam.c, after N. Robidoux's for ImageMagick), scaled the
same way; Photoshop's nine presets as Pillow documents them (PIL.JpegPresets). Cameras and platforms are not
named: their tables are either the standard's, or known only from collections without a source.
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Table = tuple[int, ...]

ANNEX_K_LUMA: Table = (
    *(16, 11, 10, 16, 24, 40, 51, 61),
    *(12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56),
    *(14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77),
    *(24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101),
    *(72, 92, 95, 98, 112, 100, 103, 99),
)
ANNEX_K_CHROMA: Table = (
    *(17, 18, 24, 47, 99, 99, 99, 99),
    *(18, 21, 26, 66, 99, 99, 99, 99),
    *(24, 26, 56, 99, 99, 99, 99, 99),
    *(47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 32),
)
MOZJPEG: Table = (
    *(16, 16, 16, 18, 25, 37, 56, 85),
    *(16, 17, 20, 27, 34, 40, 53, 75),
    *(16, 20, 24, 31, 43, 62, 91, 135),
    *(18, 27, 31, 40, 53, 74, 106, 156),
    *(25, 34, 43, 53, 69, 94, 131, 189),
    *(37, 40, 62, 74, 94, 124, 169, 238),
    *(56, 53, 91, 106, 131, 169, 226, 311),
    *(85, 75, 135, 156, 189, 238, 311, 418),
)


class TableMatch(NamedTuple):
    """`encoder`: `standard`, `mozjpeg`, `photoshop` or None where no known table is the same. `preset` is
    Photoshop's name for it. `quality`, 1 to 100, is the encoder's own where it has one, else the standard
    quality whose luma table comes nearest."""

    encoder: str | None
    quality: int
    preset: str | None = None


def standard_table(quality: int, base: Table = ANNEX_K_LUMA) -> Table:
    """`base` (64 steps, natural order) at a quality of 1 to 100, each step within baseline's 1 to 255."""
    return _all_qualities(base)[quality - 1]


@cache
def _all_qualities(base: Table) -> list[Table]:
    quality = np.arange(1, 101)
    percent = np.where(quality < 50, 5000 // quality, 200 - 2 * quality)[:, None]
    return [tuple(table) for table in np.clip((np.array(base) * percent + 50) // 100, 1, 255).tolist()]


@lru_cache(maxsize=256)
def identify_tables(luma: Table, chroma: Table | None = None) -> TableMatch:
    """Whose luma and chroma tables (64 steps each, natural order) these are; a grey picture has no chroma.

    Remembered: twenty thousand thumbnails mostly share one pair. Where two encoders make the same tables, as
    all do at the best quality, the match is the standard.
    """
    known = _known_pairs()
    for own_chroma, match in known.get(luma, ()):
        if chroma in (None, own_chroma):
            return match
    preset = _photoshop_preset(luma, chroma)
    return TableMatch("photoshop" if preset else None, nearest_quality(luma), preset)


@cache
def _known_pairs() -> dict[Table, list[tuple[Table, TableMatch]]]:
    """By luma table: the chroma table that belongs to it, and whose they are; the standard's come first."""
    pairs: dict[Table, list[tuple[Table, TableMatch]]] = {}
    for encoder, luma, chroma in (("standard", ANNEX_K_LUMA, ANNEX_K_CHROMA), ("mozjpeg", MOZJPEG, MOZJPEG)):
        both = zip(_all_qualities(luma), _all_qualities(chroma), strict=True)
        for quality, (own_luma, own_chroma) in enumerate(both, start=1):
            pairs.setdefault(own_luma, []).append((own_chroma, TableMatch(encoder, quality)))
    return pairs


def _photoshop_preset(luma: Table, chroma: Table | None) -> str | None:
    from PIL.JpegPresets import presets

    photoshop: Any = presets  # Pillow types it as objects
    for name, preset in photoshop.items():
        tables = [tuple(table) for table in preset["quantization"]]
        if luma == tables[0] and chroma in (None, tables[1]):
            return str(name).replace("_", " ")
    return None


def nearest_quality(luma: Sequence[int]) -> int:
    """The standard quality, 1 to 100, whose luma table is nearest in the mean ratio of the steps."""
    logs = np.log(np.maximum(np.asarray(luma, dtype=np.float64), 1))
    return int(np.abs(_standard_logs() - logs).mean(axis=1).argmin()) + 1


@cache
def _standard_logs() -> NDArray[np.float64]:
    return np.asarray(np.log(np.array(_all_qualities(ANNEX_K_LUMA))))
