"""Near copies among packed pixels: the audit's own, without decoding anything again."""

import numpy as np
import pytest

from doctored.data.audit.twins import find_near_ids
from doctored.picture import Preprocess


def smooth(count, side, seed=0):
    """Pictures of a few large patches each, uint8 [count, side, side, 3]: no two alike."""
    draw = np.random.default_rng(seed)
    coarse = draw.integers(0, 256, (count, 8, 8, 3), np.uint8)
    resize = Preprocess.resize(side, filter="bicubic")
    return np.concatenate([resize.apply(one) for one in coarse])


@pytest.mark.parametrize("side", [32, 96, 48], ids=["as it is", "by blocks", "resized"])
def test_a_brighter_copy_is_found_and_nothing_else(side):
    pixels = smooth(600, side)
    pixels[500:520] = np.clip(pixels[:20].astype(int) + 3, 0, 255)
    ids = [f"p{row}" for row in range(600)]
    near = find_near_ids(ids, [None] * 600, pixels, np.arange(600))
    assert set(near) == {(f"p{row}", f"p{row + 500}") for row in range(20)}


def test_equal_pixels_are_paired_once_and_places_are_followed():
    pixels = smooth(40, 32)
    pixels[30] = np.clip(pixels[3].astype(int) + 3, 0, 255)
    places = np.array([3, 7, 3, 30, 9])  # the same picture twice, and its near copy
    digests = [f"{place:02x}" * 32 for place in places]
    near = find_near_ids(list("abcde"), digests, pixels, places)
    assert near == [("a", "d")]
