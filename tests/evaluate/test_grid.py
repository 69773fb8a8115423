import numpy as np
import pytest

from doctored.evaluate.grid import GRID, copy_seed, make_copy
from doctored.picture import distort


def any_size(width, height):
    return True


def test_every_cell_has_its_own_name_and_runs():
    assert len({cell.name for cell in GRID}) == len(GRID)
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    for cell in GRID:
        copy = make_copy(pixels, cell.chain, 1, lambda width, height: (width, height) == (32, 32))
        assert copy.shape == pixels.shape, cell.name
        assert (copy != pixels).any(), cell.name


def test_the_grid_has_what_was_asked_for():
    qualities = {cell.strength for cell in GRID if cell.family == "jpeg"}
    assert {95, 20} <= qualities
    factors = {cell.strength for cell in GRID if cell.family == "rescale"}
    assert (min(factors), max(factors)) == (0.5, 2)
    families = {"jpeg", "webp", "rescale", "blur", "noise", "crop", "brightness", "delivered"}
    assert {cell.family for cell in GRID} == families


def test_a_copy_that_the_detector_takes_is_left_as_it_is():
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    copy = make_copy(pixels, (("crop", 0.9),), 5, any_size)
    assert copy.shape == (36, 54, 3)
    np.testing.assert_array_equal(copy, distort(pixels, [("crop", 0.9)], 5))


def test_a_copys_seed_is_that_of_picture_and_cell_alone():
    seed = copy_seed(0, "noise_5", "a.png", None)
    assert seed == copy_seed(0, "noise_5", "a.png", None)
    others = [
        copy_seed(1, "noise_5", "a.png", None),
        copy_seed(0, "noise_10", "a.png", None),
        copy_seed(0, "noise_5", "b.png", None),
        copy_seed(0, "noise_5", "a.png", (0, 0, 32, 32)),
    ]
    assert len({seed, *others}) == 5


@pytest.mark.parametrize("cell", GRID, ids=lambda cell: cell.name)
def test_a_cell_is_told_in_json_as_it_is(cell):
    told = cell.to_json()
    assert told["chain"] == [list(step) for step in cell.chain]
    assert told["family"] in cell.name
