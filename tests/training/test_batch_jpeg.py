"""JPEG in tensors against Pillow's."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from doctored.picture import distort
from doctored.training.batch_jpeg import jpeg
from toy_pictures import waves


def by_pillow(pixels: NDArray[np.uint8], quality: int) -> NDArray[np.int64]:
    return np.stack([distort(picture, [("jpeg", quality)], 0) for picture in pixels]).astype(np.int64)


@pytest.mark.parametrize("quality", [1, 25, 50, 75, 90, 100])
@pytest.mark.parametrize("size", [(32, 32), (8, 8), (24, 40), (61, 77)])
def test_it_is_pillows_but_for_coefficients_on_the_edge(size: tuple[int, int], quality: int) -> None:
    pixels = waves(12, *size)
    ours = jpeg(torch.from_numpy(pixels), torch.full((12,), quality)).numpy()
    theirs = by_pillow(pixels, quality)
    apart = np.abs(ours - theirs)
    assert ours.dtype == np.uint8
    assert ours.shape == pixels.shape
    # libjpeg's whole numbers round a few coefficients to the other side
    assert apart.mean() < 0.1 * np.abs(theirs - pixels).mean()
    assert np.median(apart) == 0


def test_every_picture_has_its_own_quality() -> None:
    pixels = torch.from_numpy(waves(4, 16, 16))
    quality = torch.tensor([10, 95, 40, 70])
    together = jpeg(pixels, quality)
    for place in range(4):
        assert torch.equal(together[place], jpeg(pixels[place : place + 1], quality[place : place + 1])[0])


def test_flat_colours_are_exact() -> None:
    colours = np.random.default_rng(0).integers(0, 256, (30, 1, 1, 3), np.uint8)
    colours[:10, ..., 1] = colours[:10, ..., 0]  # then chroma lies just between two whole values
    colours[10:20, ..., 1] = colours[10:20, ..., 2]
    pixels = np.ascontiguousarray(np.broadcast_to(colours, (30, 17, 9, 3)))
    for quality in (25, 30, 75, 90):
        ours = jpeg(torch.from_numpy(pixels), torch.full((30,), quality)).numpy()
        assert np.abs(ours - by_pillow(pixels, quality)).max() <= 1


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 100))
@settings(max_examples=30, deadline=None)
def test_any_size_and_quality(height: int, width: int, quality: int) -> None:
    pixels = torch.from_numpy(waves(16, height, width))
    kept = pixels.clone()
    opened = jpeg(pixels, torch.full((16,), quality))
    if width > 4:
        theirs = by_pillow(pixels.numpy(), quality)
        assert np.abs(opened.numpy() - theirs).mean() < 0.5 + 0.1 * np.abs(theirs - pixels.numpy()).mean()
    assert opened.shape == pixels.shape
    assert opened.dtype == torch.uint8
    assert torch.equal(pixels, kept)
