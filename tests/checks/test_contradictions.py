import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from doctored.checks.contradictions import find_date_faults, find_other_size
from doctored.checks.thumbnails import ALIKE, UNLIKE, measure_likeness
from doctored.picture import decode
from provenance_metadata import jpeg_of, save, scene

NOW = 1_700_000_000.0  # 2023-11-14
CHANGED_BEFORE, DIGITISED_BEFORE = "last changed before it was taken", "digitised before it was taken"
TAKEN = "2020:05:06 07:08:09"


def likeness(thumbnail: Image.Image, seed: int = 0) -> float | None:
    return measure_likeness(decode(save("PNG", seed=seed)), jpeg_of(thumbnail))


@pytest.mark.parametrize(
    "thumbnail",
    [
        scene(0, 48, 32),
        scene(0, 160, 107),
        scene(0, 48, 32).convert("L"),
        ImageOps.mirror(scene(0, 48, 32)),
        scene(0, 48, 32).transpose(Image.Transpose.ROTATE_270),
        scene(0, 48, 32).point(lambda value: min(255, value + 40)),
        scene(0, 96, 64).crop((12, 6, 90, 60)),
        ImageOps.expand(scene(0, 96, 64), (20, 10)),
    ],
)
def test_a_thumbnail_of_the_picture_is_like_it(thumbnail):
    assert likeness(thumbnail) > 0.85


def test_a_picture_cropped_out_of_what_its_thumbnail_shows_is_like_it():
    whole = scene(0, 192, 128)
    stream = jpeg_of(whole.crop((30, 20, 160, 110)))
    assert measure_likeness(decode(stream), jpeg_of(whole.resize((96, 64)))) > 0.85


def test_other_pictures_are_mostly_unlike():
    found = [likeness(scene(seed, 48, 32)) for seed in range(1, 21)]
    assert all(value is not None for value in found)
    assert sum(value < UNLIKE for value in found) >= 18
    assert max(found) < ALIKE


def test_what_cannot_be_compared_is_not():
    assert likeness(Image.new("RGB", (48, 32), (90, 90, 90))) is None
    assert likeness(scene(0, 12, 8)) is None
    assert measure_likeness(decode(save("PNG")), b"\xff\xd8no picture") is None
    assert measure_likeness(decode(save("PNG")), jpeg_of(scene(0, 5000, 16))) is None


def test_a_black_picture_has_no_bars():
    dark = Image.fromarray(np.zeros((32, 48, 3), np.uint8))
    dark.putpixel((5, 5), (255, 255, 255))
    assert likeness(dark) is None or likeness(dark) < UNLIKE


@pytest.mark.parametrize(
    ("tags", "gps", "faults"),
    [
        ({"DateTimeOriginal": TAKEN, "DateTimeDigitized": TAKEN, "DateTime": TAKEN}, "2020:05:06", []),
        ({"DateTimeOriginal": TAKEN, "DateTime": "2020:05:05 12:00:00"}, None, []),  # another time zone
        ({"DateTimeOriginal": TAKEN, "DateTime": "2020:05:04 12:00:00"}, None, [CHANGED_BEFORE]),
        ({"DateTimeOriginal": TAKEN, "DateTimeDigitized": "2000:01:01 00:00:00"}, None, [DIGITISED_BEFORE]),
        ({"DateTime": "2024:01:01 00:00:00"}, None, ["a date in the future"]),
        ({"DateTimeOriginal": TAKEN}, "2020:05:09", ["taken on another day than its GPS date"]),
        ({"DateTimeOriginal": TAKEN}, "2020:05:07", []),
        ({"DateTimeOriginal": "0000:00:00 00:00:00", "DateTime": TAKEN}, "0000:00:00", []),
        ({"DateTimeOriginal": 7, "DateTime": "yesterday"}, 5.0, []),
        ({"DateTime": "2020:05:06 07:08:60"}, None, []),
    ],
)  # fmt: skip
def test_dates(tags, gps, faults):
    assert find_date_faults(tags, gps, NOW) == faults


@given(st.lists(st.text(max_size=30) | st.none() | st.floats(), min_size=4, max_size=4))
def test_any_dates_are_read(values):
    tags = dict(zip(("DateTimeOriginal", "DateTimeDigitized", "DateTime"), values[:3], strict=True))
    find_date_faults(tags, values[3], NOW)


def test_sizes():
    tags = {"PixelXDimension": 400, "PixelYDimension": 300}
    assert find_other_size(tags, (400, 300)) is None
    assert find_other_size(tags, (300, 400)) == ((400, 300), True)
    assert find_other_size(tags, (40, 30)) == ((400, 300), False)
    assert find_other_size({"PixelXDimension": 0, "PixelYDimension": 300}, (40, 30)) is None
    assert find_other_size({"PixelXDimension": "400", "PixelYDimension": 300}, (40, 30)) is None
