"""Delivery of whole batches, held against `picture.distort`, which does it picture by picture."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter1d

from doctored.picture import distort
from doctored.picture.distort import DISTORTIONS
from doctored.training.delivery import SHARES, deliver, draw_deliveries, gaussian, there_and_back
from toy_pictures import waves

NAMES = ["rescale", "blur", "noise", "jpeg"]


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_every_chain_can_be_done_and_ends_with_the_saving() -> None:
    deliveries = draw_deliveries(400, 1.0, seeded(0))
    chains = [deliveries.chain(place) for place in range(400)]
    for chain in chains:
        names = [name for name, _ in chain]
        assert names == [name for name in NAMES if name in names] != []
        for name, strength in chain:
            assert DISTORTIONS[name].lowest <= strength <= DISTORTIONS[name].highest
    # those that no step had fallen to were drawn again
    some = 1 - np.prod(1 - np.array(SHARES))
    found = deliveries.steps.double().mean(0).numpy()
    np.testing.assert_allclose(found, np.array(SHARES) / some, atol=0.08)


def test_a_share_is_delivered_and_the_generator_decides() -> None:
    pixels = torch.from_numpy(waves(300, 16, 16))
    first, again = (deliver(pixels, draw_deliveries(300, 0.5, seeded(3))) for _ in range(2))
    assert torch.equal(first, again)
    chosen = draw_deliveries(300, 0.5, seeded(3)).steps.any(1)
    changed = (first != pixels).flatten(1).any(1)
    assert 110 < int(chosen.sum()) < 190
    assert not (changed & ~chosen).any()
    assert float(changed[chosen].float().mean()) > 0.95


def test_nothing_is_delivered_where_the_share_is_nought() -> None:
    pixels = torch.from_numpy(waves(20, 8, 8))
    assert torch.equal(deliver(pixels, draw_deliveries(20, 0.0, seeded(0))), pixels)
    nobody = draw_deliveries(0, 1.0, seeded(0))
    assert deliver(pixels[:0], nobody).shape == (0, 8, 8, 3)


@pytest.mark.parametrize(("step", "most"), [(0, 0.1), (1, 0.25), (3, 0.05)])
def test_each_step_is_what_distort_does(step: int, most: float) -> None:
    pixels = waves(80, 32, 24)
    deliveries = draw_deliveries(80, 1.0, seeded(1))
    alone = deliveries._replace(steps=torch.arange(4).expand(80, 4) == step)
    ours = deliver(torch.from_numpy(pixels), alone).numpy().astype(int)
    theirs = np.stack([distort(picture, alone.chain(place), 0) for place, picture in enumerate(pixels)])
    assert [len(alone.chain(place)) for place in range(80)] == [1] * 80
    # Pillow's blur is three boxes, its JPEG one of whole numbers, and it rounds between there and back
    assert np.abs(ours - theirs).mean() < most * np.abs(theirs.astype(int) - pixels).mean()


def test_the_order_is_that_of_a_pictures_life() -> None:
    pixels = waves(80, 32, 24)
    deliveries = draw_deliveries(80, 1.0, seeded(4))
    all_but_noise = deliveries._replace(steps=(torch.arange(4) != 2).expand(80, 4))
    ours = deliver(torch.from_numpy(pixels), all_but_noise).numpy().astype(int)
    theirs = np.stack([distort(picture, all_but_noise.chain(n), 0) for n, picture in enumerate(pixels)])
    assert np.abs(ours - theirs).mean() < 0.2 * np.abs(theirs.astype(int) - pixels).mean()


def test_noise_is_as_strong_as_drawn_and_each_pictures_own() -> None:
    grey = torch.full((60, 32, 32, 3), 128, dtype=torch.uint8)
    deliveries = draw_deliveries(60, 1.0, seeded(2))
    noisy = deliveries._replace(steps=torch.arange(4).expand(60, 4) == 2)
    found = deliver(grey, noisy).double().flatten(1)
    # rounding adds a twelfth to the variance
    expected = (deliveries.noise.double() ** 2 + 1 / 12).sqrt()
    np.testing.assert_allclose(found.std(1), expected, rtol=0.06)
    part = slice(1, None, 3)
    assert torch.equal(deliver(grey[part], noisy.take(part)), deliver(grey, noisy)[part])


def test_matrices_keep_flat_colours_and_agree_with_scipy() -> None:
    for other in (1, 19, 32, 80):
        np.testing.assert_allclose(there_and_back(32, other).sum(1), 1, atol=1e-5)
    signal = np.random.default_rng(0).normal(size=(1, 24))
    sigma = torch.tensor([0.3, 0.9])
    for matrix, width in zip(gaussian(24, sigma), sigma, strict=True):
        blurred = gaussian_filter1d(signal[0], float(width), mode="nearest", radius=4)
        np.testing.assert_allclose(matrix.double().numpy() @ signal[0], blurred, atol=1e-5)
