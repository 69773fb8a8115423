"""COCO annotations, as far as faces need them: pictures, categories, boxes and polygons.

Format: "Data format", the COCO data set's documentation. What is malformed is left out, entry by entry.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from doctored.data.members import MemberStore
from doctored.errors import DataError

MAX_JSON_BYTES = 1 << 30
_MAX_SIDE = 65_500

Polygon = tuple[tuple[float, float], ...]


class AnnotatedPicture(NamedTuple):
    name: str
    width: int
    height: int


class Face(NamedTuple):
    """`box` is x, y, width, height in pixels of the picture, as annotated."""

    id: int
    picture: int
    category: int
    box: tuple[float, float, float, float]
    has_polygons: bool


@dataclass(frozen=True, slots=True)
class Annotations:
    pictures: Mapping[int, AnnotatedPicture]
    categories: Mapping[int, str]
    faces: Sequence[Face]
    polygons: Mapping[int, Sequence[Any]] = field(repr=False)

    def polygons_of(self, face: int) -> list[Polygon]:
        """In pixels of the picture; empty where there are none."""
        return [polygon for told in self.polygons.get(face, ()) if (polygon := _polygon_of(told))]


def read_annotations(store: MemberStore, member: str) -> Annotations:
    """Raises DataError for a member that is no COCO JSON. Of two faces with one id the first is kept."""
    # The store for pictures refuses what no picture is; annotations of 100,000 faces are larger.
    with MemberStore(store.source, max_member_bytes=MAX_JSON_BYTES) as large:
        data = large.read(member)
    try:
        told = json.loads(data)
        listed = {name: told[name] for name in ("images", "annotations", "categories")}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"{store.source}: {member!r} is no COCO JSON ({error}); fetch it again") from error
    if not all(isinstance(entries, list) for entries in listed.values()):
        raise DataError(f"{store.source}: {member!r} has no lists of pictures and faces; fetch it again")
    faces: dict[int, Face] = {}
    polygons: dict[int, Sequence[Any]] = {}
    for entry in _objects(listed["annotations"]):
        face = _face_of(entry)
        if face is not None and face.id not in faces:
            faces[face.id] = face
            if face.has_polygons:
                polygons[face.id] = entry["segmentation"]
    pictures = {
        entry["id"]: picture for entry in _objects(listed["images"]) if (picture := _picture_of(entry))
    }
    categories = {entry["id"]: str(entry.get("name")) for entry in _objects(listed["categories"])}
    return Annotations(pictures, categories, list(faces.values()), polygons)


def _objects(entries: Sequence[Any]) -> Iterator[dict[str, Any]]:
    for entry in entries:
        if isinstance(entry, dict) and type(entry.get("id")) is int and entry["id"] >= 0:
            yield entry


def _picture_of(entry: dict[str, Any]) -> AnnotatedPicture | None:
    name, width, height = entry.get("file_name"), entry.get("width"), entry.get("height")
    if type(name) is not str or type(width) is not int or type(height) is not int:
        return None
    if not (0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE):
        return None
    return AnnotatedPicture(name, width, height)


def _face_of(entry: dict[str, Any]) -> Face | None:
    box = entry.get("bbox")
    if not isinstance(box, list) or len(box) != 4 or not all(map(_is_number, box)):
        box = [0.0, 0.0, 0.0, 0.0]  # it has no area, and whoever reads it counts it
    picture, category = entry.get("image_id"), entry.get("category_id")
    if type(picture) is not int or type(category) is not int:
        picture, category = -1, -1
    outline = entry.get("segmentation")
    x, y, width, height = map(float, box)
    has_polygons = isinstance(outline, list) and any(_polygon_of(part) for part in outline)
    return Face(entry["id"], picture, category, (x, y, width, height), has_polygons)


def _polygon_of(told: Any) -> Polygon | None:
    """`[x, y, x, y, ...]`, three corners at least."""
    if not isinstance(told, list) or len(told) < 6 or len(told) % 2 or not all(map(_is_number, told)):
        return None
    return tuple(zip(map(float, told[::2]), map(float, told[1::2]), strict=True))


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and abs(value) <= 2 * _MAX_SIDE
