import numpy as np

from doctored.picture.distort import DISTORTIONS
from doctored.training.delivery import deliver, draw_chain


def test_every_chain_can_be_done_and_ends_with_the_saving() -> None:
    random = np.random.default_rng(0)
    seen = set()
    for _ in range(300):
        chain = draw_chain(random)
        names = [name for name, _ in chain]
        assert 1 <= len(chain) <= 4
        assert all(
            DISTORTIONS[name].lowest <= strength <= DISTORTIONS[name].highest for name, strength in chain
        )
        assert "jpeg" not in names[:-1]
        seen |= set(names)
    assert seen == {"rescale", "blur", "noise", "jpeg"}


def test_about_the_share_is_delivered_and_the_generator_decides() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (16, 16, 3), np.uint8)
    first, again = (
        [deliver(pixels, 0.5, np.random.default_rng([3, n])) for n in range(200)] for _ in range(2)
    )
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    changed = sum(not np.array_equal(one, pixels) for one in first)
    assert 70 < changed < 130
    assert all(one.shape == pixels.shape and one.dtype == np.uint8 for one in first)


def test_nothing_is_delivered_where_the_share_is_nought() -> None:
    pixels = np.zeros((8, 8, 3), np.uint8)
    assert deliver(pixels, 0.0, np.random.default_rng(0)) is pixels
