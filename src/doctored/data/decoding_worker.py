"""The child process that decodes for `pack`: members in, pixels and measurements out."""

import hashlib
import time
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from doctored.data.equalisation import equalise
from doctored.data.members import Member, MemberStore
from doctored.errors import DataError, DoctoredError, PictureError
from doctored.picture import Picture, Preprocess, decode
from doctored.workers import Header, Reply, serve

SIGN_OF_LIFE_S = 1.0


def handle(header: Header, blobs: list[bytes], reply: Reply) -> None:
    """Answer {source, preprocess, equalisation, rows: [[member, box], ...]} with {results} and pixels.

    The pixels are uint8 [rows, n, n, 3], equalised where the manifest says so.
    A row that cannot be decoded has an `error` in its result and zeros for pixels. Between rows the
    parent hears {"alive": true} at least once a second.
    """
    preprocess = Preprocess.from_json(header["preprocess"])
    results: list[dict[str, Any]] = []
    pixels = np.zeros((len(header["rows"]), preprocess.size, preprocess.size, 3), np.uint8)
    last_sign = time.monotonic()
    for view, (place, box) in zip(pixels, header["rows"], strict=True):
        try:
            picture = decode_member(header["source"], Member(*place))
            crop = cut(picture.pixels, box)
            shown = crop
            if header["equalisation"] is not None:
                shown = equalise(crop, header["equalisation"]).pixels
            view[:] = preprocess.apply(shown)[0]
            results.append(_measure(picture, crop, shown))
        except (DoctoredError, MemoryError) as error:
            results.append({"error": describe_error(error)})
        if time.monotonic() - last_sign > SIGN_OF_LIFE_S:
            reply({"alive": True})
            last_sign = time.monotonic()
    reply({"results": results}, [pixels.data] if len(pixels) else [])  # a view of nothing cannot be cast


@lru_cache(maxsize=1)
def _open_store(source: str) -> MemberStore:
    return MemberStore(source)


@lru_cache(maxsize=1)  # crops of one picture follow each other
def decode_member(source: str, member: Member) -> Picture:
    return decode(_open_store(source).read(member))


def cut(pixels: NDArray[np.uint8], box: list[int] | None) -> NDArray[np.uint8]:
    if box is None:
        return pixels
    x, y, width, height = box
    if x + width > pixels.shape[1] or y + height > pixels.shape[0]:
        size = f"{pixels.shape[1]}×{pixels.shape[0]}"
        raise DataError(f"the box {box} reaches out of a picture of {size}; mend the manifest")
    return pixels[y : y + height, x : x + width]


def digest_pixels(crop: NDArray[np.uint8]) -> bytes:
    """SHA-256 of a crop's size and pixels: the manifest's `pixels_sha256`."""
    digest = hashlib.sha256(f"{crop.shape[1]}x{crop.shape[0]}\n".encode())
    digest.update(np.ascontiguousarray(crop).data)
    return digest.digest()


def _measure(picture: Picture, crop: NDArray[np.uint8], shown: NDArray[np.uint8]) -> dict[str, Any]:
    return {
        "sha256": picture.sha256,
        "pixels_sha256": digest_pixels(crop).hex(),
        "width": shown.shape[1],
        "height": shown.shape[0],
        "format": picture.format,
        "bytes": len(picture.bytes),
    }


def describe_error(error: DoctoredError | MemoryError) -> dict[str, str]:
    if isinstance(error, MemoryError):
        return {"code": "too_large", "message": "decoding it needs more memory than a worker may take"}
    code = error.code.value if isinstance(error, PictureError) else "unreadable"
    return {"code": code, "message": str(error)}


if __name__ == "__main__":
    serve(handle)
