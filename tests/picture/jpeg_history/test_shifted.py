from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from doctored.picture.jpeg_history.blocks import MODES, low_frequencies
from doctored.picture.jpeg_history.shifted import (
    BINS,
    SPACING,
    WINDOW,
    _histograms,
    _windows,
    find_shifted_grids,
)
from doctored.picture.jpeg_history.tables import standard_table
from toy_scenes import make_scene, save


@pytest.mark.parametrize(("down", "across"), [(3, 5), (0, 4), (7, 7), (1, 0)])
def test_a_crop_between_two_savings_is_found(down, across):
    scene = make_scene(seed=down)
    cropped = save(save(scene, 65).crop((across, down, *scene.size)), 90)
    whole, windows = find_shifted_grids(np.asarray(cropped), standard_table(90))
    assert whole.score > 12
    assert whole.shift == (-down % 8, -across % 8)
    assert abs(whole.quality - 65) <= 4
    assert len(windows) == 9
    assert all(window.strongest_score > 2.5 for window in windows)


def test_no_shifted_grid_where_there_was_none():
    for picture in (make_scene(), save(make_scene(), 90), save(save(make_scene(), 60), 90)):
        assert find_shifted_grids(np.asarray(picture), standard_table(90))[0].score < 8


def test_a_window_counts_what_the_transform_of_every_grid_gives():
    window = np.asarray(make_scene(WINDOW, WINDOW))
    found = _histograms(window).reshape(64, len(MODES), BINS)
    assert (found.sum(axis=2) == 64).all()
    for down, across in ((0, 0), (3, 5), (7, 1)):
        blocks = low_frequencies(window, (down, across)).reshape(-1, len(MODES))
        size = np.minimum(np.abs(blocks) + 0.5, BINS - 1).astype(int)
        for mode in range(len(MODES)):
            counted = np.bincount(size[:, mode], minlength=BINS)
            # A coefficient may fall on either side of an edge between two bins: sums in another order.
            assert np.abs(counted - found[8 * down + across, mode]).sum() <= 2


@pytest.mark.parametrize("seed", range(4))
def test_a_smooth_picture_saved_twice_on_one_grid_shows_no_other(seed):
    """Found on enlarged photos: beside the true grid the coefficients hardly change where all is smooth."""
    large = make_scene(120, 90, seed).resize((720, 540), Image.Resampling.BICUBIC)
    found, windows = find_shifted_grids(np.asarray(save(save(large, 70), 90)), standard_table(90))
    assert found.score < 8
    assert all(window.score < 9 for window in windows)


def test_a_finer_saving_before_is_wiped_out():
    cropped = save(save(make_scene(), 90).crop((3, 5, 320, 256)), 60)
    assert find_shifted_grids(np.asarray(cropped), standard_table(60))[0].score < 8


@given(st.integers(SPACING, 5000), st.integers(SPACING, 5000))
def test_windows_lie_inside_and_on_the_grid_and_apart(height, width):
    boxes = _windows(height, width)
    assert 1 <= len(boxes) <= 9
    for x, y, wide, high in boxes:
        assert x % 8 == y % 8 == 0
        assert 0 <= x <= width - wide
        assert 0 <= y <= height - high
    for places in ({x for x, _, _, _ in boxes}, {y for _, y, _, _ in boxes}):
        ordered = sorted(places)
        assert all(after - before >= WINDOW for before, after in pairwise(ordered))


@settings(max_examples=25, deadline=None)
@given(st.integers(80, 200), st.integers(80, 200), st.integers(0, 255))
def test_flat_pictures_show_no_grid(height, width, grey):
    whole, windows = find_shifted_grids(np.full((height, width, 3), grey, dtype=np.uint8), standard_table(90))
    assert whole.score < 1
    assert all(np.isfinite(window.score) for window in windows)
