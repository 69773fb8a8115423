import numpy as np
import pytest
from PIL import Image
from scipy.fft import dctn

from doctored.picture.jpeg_history import blocks
from doctored.picture.picture import AS_STORED, UPRIGHT


def random_pixels(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("shift", [(0, 0), (4, 4), (1, 6)])
def test_low_frequencies_are_scipys_dct_of_the_luma(shift):
    pixels = random_pixels(40, 56)
    luma = pixels.astype(np.float64) @ blocks.REC_601
    found = blocks.low_frequencies(pixels, shift)
    down, across = shift
    rows, columns = (40 - down) // 8, (56 - across) // 8
    assert found.shape == (rows, columns, len(blocks.MODES))
    for row in range(rows):
        for column in range(columns):
            top, left = down + 8 * row, across + 8 * column
            whole = dctn(luma[top : top + 8, left : left + 8], norm="ortho")
            expected = [whole[v, u] for v, u in blocks.MODES]
            np.testing.assert_allclose(found[row, column], expected, atol=2e-3)


@pytest.mark.parametrize("most", [1, 7, 100, 5000])
def test_a_sample_is_spread_over_the_whole_picture(most):
    pixels = random_pixels(8 * 30, 8 * 50)
    pixels[..., :] = (np.arange(240) // 8)[:, None, None]  # every row of blocks has its own grey
    pixels[:, :, :] += (np.arange(400) % 2).astype(np.uint8)[None, :, None]
    sampled = blocks.low_frequencies(pixels, most=most)
    assert 1 <= sampled.shape[0] * sampled.shape[1] <= most
    if most == 5000:
        assert sampled.shape[:2] == (30, 50)
    if most == 100:
        assert sampled.shape[0] * sampled.shape[1] >= 50


def test_sampled_blocks_are_those_of_all():
    pixels = random_pixels(8 * 12, 8 * 20)
    every = blocks.low_frequencies(pixels)
    some = blocks.low_frequencies(pixels, most=60)
    np.testing.assert_array_equal(some, every[::2, ::2])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_as_stored_undoes_the_turning(orientation):
    stored = random_pixels(5, 7)
    image = Image.fromarray(stored)
    upright = np.asarray(image.transpose(UPRIGHT[orientation]) if orientation > 1 else image)
    np.testing.assert_array_equal(blocks.as_stored(upright, orientation), stored)
    if orientation > 1:
        pillows = np.asarray(Image.fromarray(upright).transpose(AS_STORED[orientation]))
        np.testing.assert_array_equal(pillows, stored)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_box_turns_with_the_picture(orientation):
    stored = np.zeros((20, 30, 3), dtype=np.uint8)
    stored[4:9, 10:22] = 255
    image = Image.fromarray(stored)
    upright = np.asarray(image.transpose(UPRIGHT[orientation]) if orientation > 1 else image)
    x, y, width, height = blocks.upright_box((10, 4, 12, 5), orientation, (30, 20))
    assert upright[y : y + height, x : x + width].min() == 255
    assert (upright > 0).sum() == 3 * width * height
