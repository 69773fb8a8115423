"""The child process that decodes for `pack`: members in, pixels and measurements out."""

import hashlib
import time
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from doctored.data.members import Member, MemberStore
from doctored.errors import DataError, DoctoredError, PictureError
from doctored.picture import Picture, Preprocess, decode
from doctored.workers import Header, Reply, serve

SIGN_OF_LIFE_S = 1.0


def handle(header: Header, blobs: list[bytes], reply: Reply) -> None:
    """Answer {source, preprocess, rows: [[member, box], ...]} with {results} and uint8 [rows, n, n, 3].

    A row that cannot be decoded has an `error` in its result and zeros for pixels. Between rows the
    parent hears {"alive": true} at least once a second.
    """
    preprocess = Preprocess.from_json(header["preprocess"])
    results: list[dict[str, Any]] = []
    pixels = np.zeros((len(header["rows"]), preprocess.size, preprocess.size, 3), np.uint8)
    last_sign = time.monotonic()
    for view, (place, box) in zip(pixels, header["rows"], strict=True):
        try:
            picture = _decode_member(header["source"], Member(*place))
            crop = _cut(picture.pixels, box)
            view[:] = preprocess.apply(crop)[0]
            results.append(_measure(picture, crop))
        except (DoctoredError, MemoryError) as error:
            results.append({"error": _describe(error)})
        if time.monotonic() - last_sign > SIGN_OF_LIFE_S:
            reply({"alive": True})
            last_sign = time.monotonic()
    reply({"results": results}, [pixels.data] if len(pixels) else [])  # a view of nothing cannot be cast


@lru_cache(maxsize=1)
def _open_store(source: str) -> MemberStore:
    return MemberStore(source)


@lru_cache(maxsize=1)  # crops of one picture follow each other
def _decode_member(source: str, member: Member) -> Picture:
    return decode(_open_store(source).read(member))


def _cut(pixels: NDArray[np.uint8], box: list[int] | None) -> NDArray[np.uint8]:
    if box is None:
        return pixels
    x, y, width, height = box
    if x + width > pixels.shape[1] or y + height > pixels.shape[0]:
        size = f"{pixels.shape[1]}×{pixels.shape[0]}"
        raise DataError(f"the box {box} reaches out of a picture of {size}; mend the manifest")
    return pixels[y : y + height, x : x + width]


def _measure(picture: Picture, crop: NDArray[np.uint8]) -> dict[str, Any]:
    height, width = crop.shape[:2]
    digest = hashlib.sha256(f"{width}x{height}\n".encode())
    digest.update(np.ascontiguousarray(crop).data)
    return {
        "sha256": picture.sha256,
        "pixels_sha256": digest.hexdigest(),
        "width": width,
        "height": height,
        "format": picture.format,
        "bytes": len(picture.bytes),
    }


def _describe(error: DoctoredError | MemoryError) -> dict[str, str]:
    if isinstance(error, MemoryError):
        return {"code": "too_large", "message": "decoding it needs more memory than a worker may take"}
    code = error.code.value if isinstance(error, PictureError) else "unreadable"
    return {"code": code, "message": str(error)}


if __name__ == "__main__":
    serve(handle)
