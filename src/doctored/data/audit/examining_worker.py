"""The child process that examines pictures for the audit: members in, records out."""

import hashlib
import time
from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from doctored.data.audit.file_facts import read_file_facts
from doctored.data.audit.perceptual import SIDE, hash_pictures, shrink
from doctored.data.audit.pixel_statistics import measure_pixels, sum_channels, window
from doctored.data.audit.record import CATEGORIES, RECORD
from doctored.data.decoding_worker import (
    SIGN_OF_LIFE_S,
    cut,
    decode_member,
    describe_error,
    digest_pixels,
)
from doctored.data.equalisation import equalise
from doctored.data.members import Member
from doctored.errors import DoctoredError
from doctored.picture import Picture, Preprocess
from doctored.workers import Header, Reply, serve

_REDUCE = Preprocess.resize(SIDE, filter="box")
_PIXELS_AT_ONCE = 1 << 18


def handle(header: Header, blobs: list[bytes], reply: Reply) -> None:
    """Answer {source, equalisation, rows: [[member, box], ...]} with {results, words} and RECORDs.

    A result is {} or {"error": ...}; `words` tells, for each column of CATEGORIES, what the numbers in the
    records mean.
    """
    rows = header["rows"]
    records = np.zeros(len(rows), RECORD)
    words: dict[str, dict[str, int]] = {name: {} for name in CATEGORIES}
    results: list[dict[str, Any]] = []
    crops: dict[int, NDArray[np.uint8]] = {}
    held_pixels, last_sign = 0, time.monotonic()
    for index, (place, box) in enumerate(rows):
        try:
            picture = decode_member(header["source"], Member(*place))
            crop = cut(picture.pixels, box)
            if header["equalisation"] is not None:
                picture = equalise(crop, header["equalisation"])
                crop = picture.pixels
            _fill(records[index], words, picture, crop)
            results.append({})
            crops[index] = crop
            held_pixels += crop.size
        except (DoctoredError, MemoryError) as error:
            results.append({"error": describe_error(error)})
        if held_pixels > _PIXELS_AT_ONCE:
            _measure(records, crops)
            crops, held_pixels = {}, 0
        if time.monotonic() - last_sign > SIGN_OF_LIFE_S:
            reply({"alive": True})
            last_sign = time.monotonic()
    _measure(records, crops)
    told = {name: list(numbers) for name, numbers in words.items()}
    reply({"results": results, "words": told}, [records.tobytes()] if len(records) else [])


def _fill(record: Any, words: dict[str, dict[str, int]], picture: Picture, crop: NDArray[np.uint8]) -> None:
    facts = read_file_facts(picture)
    record["is_read"] = True
    record["file_digest"] = np.frombuffer(hashlib.sha256(picture.bytes).digest(), np.uint8)
    record["pixels_digest"] = np.frombuffer(digest_pixels(crop), np.uint8)
    record["height"], record["width"] = crop.shape[:2]
    record["file_bytes"] = len(picture.bytes)
    record["quality"] = facts.quality
    record["has_exif"] = facts.has_exif
    values = (picture.format, picture.mode, facts.subsampling, facts.tables)
    for name, value in zip(CATEGORIES, values, strict=True):
        record[name] = words[name].setdefault(value, len(words[name]))


def _measure(records: NDArray[Any], crops: dict[int, NDArray[np.uint8]]) -> None:
    """What is computed from pixels, for pictures of one size together."""
    by_shape: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for index, crop in crops.items():
        by_shape[crop.shape].append(index)
    for shape, indices in by_shape.items():
        batch = np.stack([crops[index] for index in indices])
        sums, squares = sum_channels(batch)
        records["sums"][indices], records["squares"][indices] = sums, squares
        small = batch if shape[:2] == (SIDE, SIDE) else np.concatenate([_REDUCE.apply(one) for one in batch])
        records["hash"][indices], records["is_plain"][indices] = hash_pictures(small)
        records["thumbnail"][indices] = shrink(small)
        windows = batch if max(shape[:2]) <= SIDE else np.stack([window(one) for one in batch])
        records["statistics"][indices] = measure_pixels(windows)


if __name__ == "__main__":
    serve(handle)
