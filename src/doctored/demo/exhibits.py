"""What the demo shows: photos, forgeries of them, thumbnails from the lab, pictures of a data set."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from doctored.data.files import told_plainly
from doctored.data.members import MemberStore
from doctored.data.readers import read_dataset
from doctored.demo.forgeries import FORGERIES, forge, mark
from doctored.demo.photos import PHOTOS, find_photos
from doctored.detector.shelf import shelf
from doctored.errors import DataError
from doctored.picture import decode, encode_jpeg
from doctored.records import Label

DRAWN, SEED = 24, 11
FORGERY_QUALITY = 92
_TRUTH = re.compile(r"(?i)(?<![a-z])(real|fake)(?![a-z])")
_PICTURES = frozenset((".jpg", ".jpeg", ".png", ".webp"))


class Chapter(StrEnum):
    LAB = "lab"
    DATA = "data"
    FORGED = "forged"
    PHOTOS = "photos"


@dataclass(frozen=True, slots=True, eq=False)
class Exhibit:
    """A picture file with what we know about it: `truth`, what we did (`note`), where (`marked`: uint8
    [H, W, 3]), whose it is (`credit`)."""

    path: Path
    chapter: Chapter
    title: str
    truth: Label | None = None
    note: str = ""
    marked: NDArray[np.uint8] | None = None
    credit: str = ""


def gather(folder: Path, data: Path | None = None) -> list[Exhibit]:
    """Write all pictures under `folder` and list them; MissingExtra where no photo is installed."""
    photos = find_photos()
    with told_plainly(folder):
        return [
            *_lay_out_thumbnails(folder / "lab"),
            *(_draw_from(data, folder / "data") if data else ()),
            *_lay_out_forgeries(folder / "forged", photos),
            *_lay_out_photos(folder / "photos", photos),
        ]


def _lay_out_photos(folder: Path, photos: dict[str, Path]) -> Iterator[Exhibit]:
    for photo in PHOTOS:
        if photo.name in photos:
            source = photos[photo.name]
            path = _write(folder / f"{photo.name}{source.suffix}", source.read_bytes())
            yield Exhibit(path, Chapter.PHOTOS, photo.shows, truth=Label.REAL, credit=photo.credit)


def _lay_out_forgeries(folder: Path, photos: dict[str, Path]) -> Iterator[Exhibit]:
    pixels = {name: decode(path).pixels for name, path in photos.items()}
    for forgery in FORGERIES:
        if {forgery.base, forgery.donor} <= pixels.keys():
            forged = forge(forgery, pixels)
            path = _write(folder / f"{forgery.name}.jpg", encode_jpeg(forged, FORGERY_QUALITY))
            title = forgery.name.replace("-", " ").capitalize()
            marked = mark(forgery, forged)
            yield Exhibit(path, Chapter.FORGED, title, Label.FAKE, forgery.what, marked)


def _lay_out_thumbnails(folder: Path) -> Iterator[Exhibit]:
    """The pictures that ship beside the default detectors; their truth is in their names."""
    for entry in (entry for entry in shelf() if entry.is_default):
        files = sorted(entry.golden.parent.iterdir()) if entry.golden else []
        pictures = [file for file in files if file.suffix.lower() in _PICTURES]
        for number, source in enumerate(pictures, start=1):
            said = _TRUTH.search(source.stem)
            truth = Label(said[1].lower()) if said else None
            path = _write(folder / entry.name / source.name, source.read_bytes())
            yield Exhibit(path, Chapter.LAB, f"number {number}", truth)


def _draw_from(data: Path, folder: Path) -> Iterator[Exhibit]:
    """A seeded draw from the test split, or from the whole where there is none: nothing is chosen."""
    manifest = read_dataset(data)
    is_test = np.array([split == "test" for split in manifest.column("split")])
    rows = np.flatnonzero(is_test if is_test.any() else np.ones(len(manifest), dtype=bool))
    drawn = np.random.default_rng(SEED).permutation(rows)[:DRAWN]
    with ExitStack() as stack:
        stores: dict[str, MemberStore] = {}
        for number, row in enumerate(manifest.select(drawn).rows(), start=1):
            if row.source is None or row.member is None:
                raise DataError(f"{row.id} names no source and member: add both columns to the manifest")
            if row.source not in stores:
                stores[row.source] = stack.enter_context(MemberStore(row.source))
            file = stores[row.source].read(row.member)
            path = _write(folder / f"{number:02d}{Path(row.member).suffix}", file)
            truth = Label(row.label) if row.label else None
            yield Exhibit(path, Chapter.DATA, row.subject or f"number {number}", truth)


def _write(path: Path, file: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file)
    return path
