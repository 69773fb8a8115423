"""Masks of what was changed, from whatever a manifest names: a picture, or the polygons of an annotation.

A mask is named by its member; `Train_poly.json#17` is the annotation with id 17 in a COCO JSON.
"""

import re
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from doctored.data.coco import Annotations, read_annotations
from doctored.data.manifest import Box, Row
from doctored.data.members import MemberStore
from doctored.errors import DataError
from doctored.picture import decode

Mask = NDArray[np.bool_]

THRESHOLD = 127  # masks are 0 and 255, give or take a JPEG
_POLYGONS = re.compile(r"(.+\.json)#(\d{1,18})", re.IGNORECASE | re.DOTALL)


class PolygonName(NamedTuple):
    annotations: str
    face: int


def split_polygon_name(mask: str) -> PolygonName | None:
    """`("Train_poly.json", 17)` for `Train_poly.json#17`; None for the name of a picture."""
    found = _POLYGONS.fullmatch(mask)
    return PolygonName(found[1], int(found[2])) if found else None


def read_mask(store: MemberStore, row: Row, size: tuple[int, int] | None = None) -> Mask:
    """True where the row's crop was changed, bool [height, width].

    `store` is the row's source. `size` is (width, height) of the whole upright picture, where it is known: a
    mask picture that lies turned by a quarter (CASIA v1 has one) is then turned back, counterclockwise.
    Raises DataError for a row without a mask and for one that does not fit, PictureError for a mask picture
    that cannot be decoded.
    """
    if row.mask is None:
        raise DataError(f"{row.id} has no mask; leave it out")
    if named := split_polygon_name(row.mask):
        return _draw_polygons(store, row, named)
    pixels = decode(store.read(row.mask)).pixels
    mask: Mask = pixels.max(axis=2) > THRESHOLD
    if size is not None and mask.shape != size[::-1]:
        if mask.shape != size:
            shown = f"{mask.shape[1]}×{mask.shape[0]}, the picture {size[0]}×{size[1]}"
            raise DataError(f"{row.id}: the mask is {shown}; leave it out")
        mask = np.rot90(mask)
    return _cut(mask, row.box, row.id)


def _draw_polygons(store: MemberStore, row: Row, named: PolygonName) -> Mask:
    """Drawn into the crop alone, not into the picture: most of it would be thrown away."""
    annotations = _annotations_of(store.source, named.annotations)
    polygons = annotations.polygons_of(named.face)
    if not polygons or row.box is None:
        raise DataError(f"{row.id}: {row.mask!r} has no polygons, or the row no box; leave it out")
    x, y, width, height = row.box
    canvas = Image.new("1", (width, height))
    for polygon in polygons:
        ImageDraw.Draw(canvas).polygon([(across - x, down - y) for across, down in polygon], fill=1)
    return np.asarray(canvas)


@lru_cache(maxsize=1)
def _annotations_of(source: str, member: str) -> Annotations:
    with MemberStore(source) as store:
        return read_annotations(store, member)


def _cut(mask: Mask, box: Box | None, name: str) -> Mask:
    if box is None:
        return mask
    x, y, width, height = box
    if x + width > mask.shape[1] or y + height > mask.shape[0]:
        raise DataError(f"{name}: its box reaches out of the mask; mend the manifest")
    return mask[y : y + height, x : x + width]
