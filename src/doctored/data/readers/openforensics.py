"""OpenForensics: Le et al., "OpenForensics: Large-Scale Challenging Dataset For Multi-Face Forgery Detection
And Segmentation In-The-Wild", ICCV 2021. Annotations are COCO JSON: a box and polygons for every face,
category 0 real, 1 fake. One row is one face; a fake's mask is its polygons, named `Train_poly.json#17`."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from doctored.data.coco import read_annotations
from doctored.data.manifest import Box, Manifest, Row
from doctored.data.members import MemberStore
from doctored.data.readers.base import (
    Listing,
    PathReader,
    list_readable,
    make_manifest,
    register,
    source_of,
)
from doctored.data.readers.spelling import CLASSES, SPLITS

_ANNOTATIONS = re.compile(r"(?:.*/)?(train|val|test-dev|test-challenge)_poly\.json", re.IGNORECASE)
_SPLIT_FOLDER = re.compile(r"train|val|test-dev|test-challenge|images", re.IGNORECASE)
_SPLITS = {"train": "train", "val": "val", "test-dev": "test", "test-challenge": "test"}
_FACE_NAME = re.compile(r"(real|fake)(?:_\d+)?(?: \(\d+\))?\.(?:jpe?g|png)", re.IGNORECASE)
# A synthetic face, blended over a real one: the crop is generated, the picture around it is not.
_CLASSES = {"real": CLASSES["real"], "fake": CLASSES["generated"]}
_LEFT_OUT = {
    "no picture": "annotations of pictures that are not here",
    "no face": "annotations without a usable box, category or id",
}


@register
class OpenForensics:
    name = "openforensics"
    title = "OpenForensics"
    layout = """\
├── Train_poly.json    (COCO: images, annotations with bbox and segmentation)
├── Train              0a0b1c2d3e.jpg, ...  [or Images/Train]
├── Val_poly.json, Test-Dev_poly.json, Test-Challenge_poly.json
└── Val, Test-Dev, Test-Challenge"""

    def matches(self, listing: Listing) -> float:
        if not any(map(_ANNOTATIONS.fullmatch, listing.annotations)):
            return 0.0
        folders = (name.split("/")[:-1] for name in listing.pictures)
        return listing.share(sum(any(map(_SPLIT_FOLDER.fullmatch, parts)) for parts in folders))

    def read(self, store: MemberStore) -> Manifest:
        listing = list_readable(store.members)
        pictures = _Pictures(listing.pictures)
        left_out: dict[str, list[str]] = {reason: [] for reason in _LEFT_OUT}
        rows = [
            row
            for member in listing.annotations
            if (named := _ANNOTATIONS.fullmatch(member))
            for row in _read_faces(store, member, _SPLITS[named[1].lower()], pictures, left_out)
        ]
        used = {row.member for row in rows}
        told = {_LEFT_OUT[reason]: names for reason, names in left_out.items()}
        told["no face is annotated"] = [name for name in listing.pictures if name not in used]
        return make_manifest(self, store, rows, told)


@register
class OpenForensicsFaces(PathReader):
    name = "openforensics-faces"
    title = "OpenForensics, faces cut out"
    layout = """\
├── Train
│   ├── Real    real_0.jpg, ...
│   └── Fake    fake_0.jpg, ...
├── Validation
└── Test"""

    def parse(self, parts: Sequence[str]) -> dict[str, Any] | None:
        split, folder, file = ("", "", *parts)[-3:]
        named = _FACE_NAME.fullmatch(file)
        split, folder = split.lower(), folder.lower()
        if named is None or named[1].lower() != folder or split not in SPLITS:
            return None
        return {"split": SPLITS[split], "subject": "face", **_CLASSES[folder]}


class _Pictures:
    """Finds what an annotation calls `Images/Train/a.jpg` wherever the set was unpacked."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = set(names)
        self._by_file: dict[str, list[str]] = {}
        for name in names:
            self._by_file.setdefault(name.rpartition("/")[2], []).append(name)

    def find(self, told: str, annotations: str) -> str | None:
        """The member with the longest tail in common; None where there is none, or more than one."""
        folder = annotations.rpartition("/")[0]
        for guess in (told, f"{folder}/{told}"):
            if guess in self._names:
                return guess
        wanted = told.split("/")
        candidates = self._by_file.get(wanted[-1], [])
        if len(candidates) < 2:
            return candidates[0] if candidates else None
        tails = sorted(((_tail(name.split("/"), wanted), name) for name in candidates), reverse=True)
        return tails[0][1] if tails[0][0] > tails[1][0] else None


def _tail(one: Sequence[str], other: Sequence[str]) -> int:
    same = 0
    for a, b in zip(reversed(one), reversed(other), strict=False):
        if a.lower() != b.lower():
            break
        same += 1
    return same


def _read_faces(
    store: MemberStore, member: str, split: str, pictures: _Pictures, left_out: Mapping[str, list[str]]
) -> Iterator[Row]:
    told = read_annotations(store, member)
    classes = {number: _CLASSES.get(name.lower()) for number, name in told.categories.items()}
    source = source_of(store)
    for face in told.faces:
        picture = told.pictures.get(face.picture)
        found_class = classes.get(face.category)
        box = _clip(face.box, picture.width, picture.height) if picture else None
        name = f"{member}#{face.id}"
        if picture is None or (found := pictures.find(picture.name, member)) is None:
            left_out["no picture"].append(name)
            continue
        if found_class is None or box is None:
            left_out["no face"].append(name)
            continue
        yield Row(
            id=name,
            source=source,
            member=found,
            box=box,
            split=split,
            group=found,
            subject="face",
            mask=name if found_class["label"] == "fake" and face.has_polygons else None,
            width=box[2],
            height=box[3],
            **found_class,
        )


def _clip(box: tuple[float, float, float, float], width: int, height: int) -> Box | None:
    """Whole pixels that hold the box, inside the picture; None where nothing is left."""
    x, y, w, h = box
    left, top = max(0, math.floor(x)), max(0, math.floor(y))
    right, bottom = min(width, math.ceil(x + w)), min(height, math.ceil(y + h))
    return (left, top, right - left, bottom - top) if right > left and bottom > top else None
