"""How a picture's file was saved, remembered for headers seen before."""

import hashlib
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from doctored.picture import Picture
from doctored.picture.container import JpegHeader, read_container

_MAX_SHARED_HEADER_BYTES = 2048
_START_OF_SCAN = b"\xff\xda"
# Of the luminance table in ITU-T T.81, K.1.
_ANNEX_K_LUMINANCE_SUM = 3688


class FileFacts(NamedTuple):
    """`tables` and `subsampling` of a JPEG, as words that are equal where they are; empty for others.

    `quality` is libjpeg's, as nearly as the tables tell; NaN without.
    """

    has_exif: bool
    tables: str = ""
    subsampling: str = ""
    quality: float = float("nan")


def read_file_facts(picture: Picture) -> FileFacts:
    if picture.format != "JPEG":
        return FileFacts(read_container(picture.bytes, picture.format).exif is not None)
    # Most sets were saved by one program with one setting: the same header, thousands of times.
    head_bytes = picture.bytes.find(_START_OF_SCAN, 0, _MAX_SHARED_HEADER_BYTES)
    facts = _of_head(picture.bytes[:head_bytes]) if head_bytes > 0 else None
    # Two bytes inside a metadata block may look like the start of the scan: then all of it is read.
    return facts or _of_jpeg(picture.bytes) or FileFacts(False)


def _of_jpeg(data: bytes) -> FileFacts | None:
    container = read_container(data, "JPEG")
    jpeg = container.jpeg
    if jpeg is None or not jpeg.tables or not jpeg.components:
        return None
    digest = hashlib.sha256()
    for number in sorted(jpeg.tables):
        digest.update(np.array([number, *jpeg.tables[number]], np.int64).tobytes())
    quality = estimate_quality(sum(jpeg.tables[min(jpeg.tables)]))
    name = f"quality {quality:.0f}, tables {digest.hexdigest()[:6]}"
    return FileFacts(container.exif is not None, name, _name_subsampling(jpeg), quality)


_of_head = lru_cache(maxsize=256)(_of_jpeg)


def estimate_quality(luminance_sum: int) -> float:
    """libjpeg's quality whose luminance table comes nearest in sum."""
    if luminance_sum <= 64:  # all ones: at the highest quality no entry can be as small as it should
        return 100.0
    scale = 100 * luminance_sum / _ANNEX_K_LUMINANCE_SUM
    quality = 100 - scale / 2 if scale <= 100 else 5000 / scale
    return float(np.clip(round(quality), 1, 100))


def _name_subsampling(jpeg: JpegHeader) -> str:
    factors = [(component.horizontal, component.vertical) for component in jpeg.components]
    if len(factors) == 1:
        return "grey"
    known = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0", (1, 2): "4:4:0", (4, 1): "4:1:1"}
    if factors[0] in known and set(factors[1:]) == {(1, 1)}:
        return known[factors[0]]
    return " ".join(f"{horizontal}×{vertical}" for horizontal, vertical in factors)
