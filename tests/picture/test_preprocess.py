import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import hostile
from doctored.errors import DoctoredError, UsageError
from doctored.picture import Preprocess, PreprocessMismatch

SIZES = st.integers(1, 40)
PREPROCESSES = st.one_of(
    st.builds(Preprocess.exact, SIZES),
    st.builds(Preprocess.resize, SIZES, st.sampled_from(["nearest", "bilinear", "bicubic", "lanczos"])),
    st.builds(Preprocess.center, SIZES),
    SIZES.flatmap(lambda size: st.builds(Preprocess.tiles, st.just(size), st.integers(1, size))),
)
SCENE = hostile.scene(37, 23)


@given(PREPROCESSES, SIZES, SIZES)
def test_apply_takes_what_fits_and_refuses_the_rest(preprocess, width, height):
    pixels = hostile.scene(width, height)
    if preprocess.fits(width, height):
        views = preprocess.apply(pixels)
        assert views.dtype == np.uint8
        assert views.shape[1:] == (preprocess.size, preprocess.size, 3)
        assert len(views) == len(preprocess.positions(width, height))
        assert views.flags.c_contiguous
    else:
        with pytest.raises(PreprocessMismatch, match=f"{width}×{height}.*; "):
            preprocess.apply(pixels)
        with pytest.raises(PreprocessMismatch):
            preprocess.positions(width, height)


@given(PREPROCESSES)
def test_json_gives_it_back(preprocess):
    value = preprocess.to_json()
    assert value["kind"] == preprocess.kind
    assert Preprocess.from_json(value) == preprocess


def test_exact_is_the_picture_itself():
    pixels = hostile.scene(32, 32)
    assert (Preprocess.exact(32).apply(pixels)[0] == pixels).all()
    assert not Preprocess.exact(32).fits(32, 33)


@pytest.mark.parametrize(
    ("name", "resampling"), [("bicubic", Image.Resampling.BICUBIC), ("box", Image.Resampling.BOX)]
)
def test_resize_is_pillows(name, resampling):
    expected = np.asarray(Image.fromarray(SCENE).resize((16, 16), resampling))
    assert (Preprocess.resize(16, name).apply(SCENE)[0] == expected).all()
    assert Preprocess.resize(16) == Preprocess.resize(16, "bicubic")


def test_center_is_the_middle():
    views = Preprocess.center(20).apply(SCENE)
    assert (views[0] == SCENE[1:21, 8:28]).all()
    assert Preprocess.center(20).positions(37, 23) == [(8, 1)]


def test_tiles_go_row_by_row_and_end_at_the_border():
    tiles = Preprocess.tiles(16, 10)
    assert tiles.positions(37, 23) == [(x, y) for y in (0, 7) for x in (0, 10, 20, 21)]
    views = tiles.apply(SCENE)
    for view, (x, y) in zip(views, tiles.positions(37, 23), strict=True):
        assert (view == SCENE[y : y + 16, x : x + 16]).all()


@given(SIZES.flatmap(lambda size: st.tuples(st.just(size), st.integers(1, size))), SIZES, SIZES)
def test_tiles_see_every_pixel_and_none_twice_the_same(size_and_stride, width, height):
    tiles = Preprocess.tiles(*size_and_stride)
    if not tiles.fits(width, height):
        return
    positions = tiles.positions(width, height)
    assert len(set(positions)) == len(positions)
    seen = np.zeros((height, width), bool)
    for x, y in positions:
        assert 0 <= x <= width - tiles.size
        assert 0 <= y <= height - tiles.size
        seen[y : y + tiles.size, x : x + tiles.size] = True
    assert seen.all()


def test_tiles_without_number_do_not_fit():
    assert not Preprocess.tiles(256, 1).fits(4000, 4000)
    assert Preprocess.tiles(256, 128).fits(4000, 4000)


def test_pixels_may_be_strided_and_read_only():
    pixels = hostile.scene(48, 40)[::-1, ::2]
    pixels.flags.writeable = False
    assert (Preprocess.tiles(8, 8).apply(pixels)[0] == pixels[:8, :8]).all()


@pytest.mark.parametrize("pixels", [SCENE.astype(float), SCENE[..., 0], np.dstack([SCENE, SCENE[..., 0]])])
def test_other_arrays_are_refused(pixels):
    with pytest.raises(UsageError, match="; give uint8"):
        Preprocess.resize(8).apply(pixels)


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "exact",
        {},
        {"kind": "exact"},
        {"kind": ["exact"], "size": 32},
        {"kind": "squash", "size": 32},
        {"kind": "exact", "size": 0},
        {"kind": "exact", "size": True},
        {"kind": "exact", "size": 32.0},
        {"kind": "exact", "size": 10**9},
        {"kind": "exact", "size": 32, "filter": "bicubic"},
        {"kind": "exact", "size": 32, "padding": 4},
        {"kind": "resize", "size": 32},
        {"kind": "resize", "size": 32, "filter": "sharp"},
        {"kind": "resize", "size": 32, "filter": ["bicubic"]},
        {"kind": "resize", "size": 32, "filter": None},
        {"kind": "tiles", "size": 32, "stride": 33},
        {"kind": "tiles", "size": 32, "stride": "8"},
        {"kind": "tiles", "size": 32, "stride": None},
        {1: 2, "kind": "exact", "size": 32},
    ],
)
def test_other_json_is_refused(value):
    with pytest.raises(UsageError, match="; "):
        Preprocess.from_json(value)


@settings(max_examples=50)
@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=3)
)
def test_no_json_breaks_the_reader(value):
    for content in (value, {"kind": value}, {"kind": "tiles", "size": value, "stride": value}):
        try:
            Preprocess.from_json(content)
        except DoctoredError:
            continue


def test_a_parameter_of_another_kind_is_refused():
    with pytest.raises(UsageError, match="has no stride"):
        Preprocess("center", 8, stride=2)
    with pytest.raises(UsageError, match="needs a filter"):
        Preprocess("resize", 8)
