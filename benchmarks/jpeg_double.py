"""How surely an earlier JPEG saving is found: `python -m benchmarks.jpeg_double --data casia1.zip`.

Bases are CASIA v1's authentic pictures and the demo's photos, reduced to half so that their own past as JPEGs
is gone. Each is saved once at the last quality, and saved at the first quality, decoded, and saved at the
last: on the same grid, and (jpeg.shifted) cropped by 0 to 7 pixels in between. For jpeg.part four bases are
put side by side, and a part of another, saved before, is pasted in. Half of the bases, by a hash of their
names, chose the thresholds of checks/jpeg.py and picture/jpeg_history; the figures are of the other half
(--chosen prints those of the half that chose, and keeps nothing). Nothing here is of time.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.options import finish
from benchmarks.results_file import Figure
from doctored.checks.jpeg import SHIFTED_SCORE, is_of_a_part
from doctored.demo.photos import find_photos
from doctored.measure.intervals import Interval, auc_interval, mean_interval, wilson
from doctored.measure.metrics import roc_auc
from doctored.picture.jpeg_history.aligned import SAVED_TWICE_SCORE, Recompression, find_recompression
from doctored.picture.jpeg_history.shifted import ShiftedGrid, find_shifted_grids
from doctored.picture.jpeg_history.tables import standard_table

Pixels = NDArray[np.uint8]
LAST = 90
FIRST = (50, 80)
OTHERS = ((75, (40, 65)), (80, (45, 70)), (85, (50, 75)), (95, (50, 85)), (75, (85, 95)))
PART = 160, 112


class Base(NamedTuple):
    name: str
    picture: Image.Image


def read_bases(archive: Path, wants_chosen: bool) -> list[Base]:
    found = []
    with ZipFile(archive) as packed:
        for member in sorted(packed.namelist()):
            if "Au/" in member and member.lower().endswith(".jpg"):
                found.append(Base(Path(member).name, _halve(Image.open(BytesIO(packed.read(member))))))
    found += [Base(name, _halve(Image.open(path))) for name, path in find_photos().items()]
    if not found:
        sys.exit(f"--data {archive}: no authentic CASIA pictures in it; give the pack of CASIA v1")
    return [base for base in found if (sha256(base.name.encode()).digest()[0] % 2 == 0) == wants_chosen]


def _halve(picture: Image.Image) -> Image.Image:
    size = max(1, picture.width // 2), max(1, picture.height // 2)
    return picture.convert("RGB").resize(size, Image.Resampling.BICUBIC)


def save(picture: Image.Image, quality: int) -> Image.Image:
    """What decoding gives back."""
    stream = BytesIO()
    picture.save(stream, "JPEG", quality=quality)
    return Image.open(stream).convert("RGB")


def pixels_of(picture: Image.Image) -> Pixels:
    return np.asarray(picture)


def aligned(bases: Sequence[Base], last: int, first: tuple[int, int], prefix: str) -> dict[str, Figure]:
    rng = np.random.default_rng(0)
    table = standard_table(last)
    once, twice, errors = [], [], []
    for base in bases:
        quality = int(rng.integers(first[0], first[1] + 1))
        once.append(find_recompression(pixels_of(save(base.picture, last)), table))
        twice.append(find_recompression(pixels_of(save(save(base.picture, quality), last)), table))
        errors.append(abs(twice[-1].quality - quality))
    return _figures(prefix, once, twice, SAVED_TWICE_SCORE) | {
        f"{prefix}.quality_within_2": _share([error <= 2 for error in errors]),
        f"{prefix}.quality_error": _mean(errors),
    }


def shifted(bases: Sequence[Base], prefix: str) -> dict[str, Figure]:
    rng = np.random.default_rng(1)
    once, twice, right = [], [], []
    for base in bases:
        quality = int(rng.integers(FIRST[0], FIRST[1] + 1))
        cut = int(rng.integers(1, 64))
        down, across = divmod(cut, 8)
        size = base.picture.size
        once.append(_whole(save(base.picture.crop((across, down, *size)), LAST)))
        twice.append(_whole(save(save(base.picture, quality).crop((across, down, *size)), LAST)))
        right.append(twice[-1].shift == (-down % 8, -across % 8))
    found = [grid.score >= SHIFTED_SCORE for grid in twice]
    return _figures(prefix, once, twice, SHIFTED_SCORE) | {
        f"{prefix}.grid_right": _share(
            [is_right for is_right, is_found in zip(right, found, strict=True) if is_found]
        )
    }


def _whole(picture: Image.Image) -> ShiftedGrid:
    return find_shifted_grids(pixels_of(picture), standard_table(LAST))[0]


def parts(bases: Sequence[Base], prefix: str) -> dict[str, Figure]:
    """`detected`: pasted from a JPEG; `false_alarms`: saved once, `_shifted`: cropped as a whole."""
    rng = np.random.default_rng(2)
    pasted, once, cropped = [], [], []
    for mosaic, other in _mosaics(bases):
        quality = int(rng.integers(FIRST[0], FIRST[1] + 1))
        down, across = divmod(int(rng.integers(1, 64)), 8)
        part = save(other, quality).crop((across, down, *PART))
        left, top = (
            8 * int(rng.integers(0, (side - length) // 8))
            for side, length in zip(mosaic.size, PART, strict=True)
        )
        composed = mosaic.copy()
        composed.paste(part, (left, top))
        pasted.append(_differs(save(composed, LAST)))
        once.append(_differs(save(mosaic, LAST)))
        cropped.append(_differs(save(save(mosaic, quality).crop((across, down, *mosaic.size)), LAST)))
    return {
        f"{prefix}.detected": _share(pasted),
        f"{prefix}.false_alarms": _share(once),
        f"{prefix}.false_alarms_shifted": _share(cropped),
    }


def _mosaics(bases: Sequence[Base]) -> Iterator[tuple[Image.Image, Image.Image]]:
    wide = [base.picture for base in bases if base.picture.size == (192, 128)]
    for number in range(0, len(wide) - 4, 4):
        mosaic = Image.new("RGB", (384, 256))
        for place, tile in enumerate(wide[number : number + 4]):
            mosaic.paste(tile, (192 * (place % 2), 128 * (place // 2)))
        yield mosaic, wide[number + 4]


def _differs(picture: Image.Image) -> bool:
    windows = find_shifted_grids(pixels_of(picture), standard_table(LAST))[1]
    return is_of_a_part(max(windows, key=lambda window: window.score), windows)


def _figures(
    prefix: str,
    once: Sequence[Recompression | ShiftedGrid],
    twice: Sequence[Recompression | ShiftedGrid],
    threshold: float,
) -> dict[str, Figure]:
    single, double = ([result.score for result in results] for results in (once, twice))
    labels = [0] * len(single) + [1] * len(double)
    auc = roc_auc(labels, single + double)
    interval = auc_interval(labels, single + double)
    assert auc is not None
    return {
        f"{prefix}.auc": Figure(auc, "AUC", len(labels), *_ends(interval)),
        f"{prefix}.false_alarms": _share([score >= threshold for score in single]),
        f"{prefix}.detected": _share([score >= threshold for score in double]),
    }


def _share(outcomes: Sequence[bool]) -> Figure:
    hits, n = sum(outcomes), len(outcomes)
    return Figure(hits / n, "share", n, *_ends(wilson(hits, n)))


def _mean(values: Sequence[int]) -> Figure:
    return Figure(float(np.mean(values)), "of 100", len(values), *_ends(mean_interval(values)))


def _ends(interval: Interval | None) -> tuple[float | None, float | None]:
    return (None, None) if interval is None else (interval.low, interval.high)


def main() -> None:
    made = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    made.add_argument("--data", type=Path, required=True, help="CASIA v1, as an archive")
    made.add_argument(
        "--chosen", action="store_true", help="the half that chose the thresholds; keep nothing"
    )
    made.add_argument("--every", type=int, default=1, help="only every so many-th base; keep nothing above 1")
    options = made.parse_args()
    bases = read_bases(options.data, options.chosen)[:: options.every]
    figures = aligned(bases, LAST, FIRST, "jpeg.double")
    for last, first in OTHERS:
        figures |= aligned(bases, last, first, f"jpeg.double.from{first[0]}_{first[1]}_to{last}")
    figures |= shifted(bases, "jpeg.shifted") | parts(bases, "jpeg.part")
    options.busy = options.chosen or options.every > 1
    finish("jpeg_double", figures, options)


if __name__ == "__main__":
    main()
