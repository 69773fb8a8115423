import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from doctored.training import Recipe
from doctored.training.augment import Moves, draw_moves, flip_and_crop, move, rotate


def noise(count: int, height: int, width: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, height, width, 3), generator=generator, dtype=torch.uint8)


def draw(count: int, seed: int = 0, **settings: object) -> Moves:
    recipe = Recipe.from_settings({"rotate_share": 0.0, **settings})
    return draw_moves(count, recipe, torch.Generator().manual_seed(seed))


@given(st.integers(0, 1000), st.integers(0, 4), st.booleans())
def test_every_picture_is_one_of_the_shifted_and_mirrored_ones(seed: int, crop: int, flip: bool) -> None:
    """The oracle pads with numpy, cuts each window, mirrors it, and looks for the result among these."""
    pixels = noise(3, 9, 12, seed)
    moved = move(pixels, draw(3, seed, crop=crop, flip=flip)).numpy()
    for before, after in zip(pixels.numpy(), moved, strict=True):
        padded = np.pad(before, ((crop, crop), (crop, crop), (0, 0)), mode="reflect")
        windows = [padded[y : y + 9, x : x + 12] for y in range(2 * crop + 1) for x in range(2 * crop + 1)]
        windows += [window[:, ::-1] for window in windows] if flip else []
        assert any(np.array_equal(after, window) for window in windows)


@given(st.integers(0, 1000), st.integers(0, 2), st.booleans())
def test_a_patch_is_a_square_of_the_picture_and_every_place_is_drawn(
    seed: int, crop: int, flip: bool
) -> None:
    pixels = noise(8, 12, 12, seed)
    moves = draw(8, seed, size=12, patch=8, crop=crop, flip=flip)
    cut = move(pixels, moves).numpy()
    assert cut.shape == (8, 8, 8, 3)
    for before, after in zip(pixels.numpy(), cut, strict=True):
        padded = np.pad(before, ((crop, crop), (crop, crop), (0, 0)), mode="reflect")
        places = range(4 + 2 * crop + 1)
        windows = [padded[y : y + 8, x : x + 8] for y in places for x in places]
        windows += [window[:, ::-1] for window in windows] if flip else []
        assert any(np.array_equal(after, window) for window in windows)


def test_patches_come_from_everywhere() -> None:
    shift = draw(2000, size=12, patch=8, crop=0).shift
    assert set(shift.flatten().tolist()) == set(range(5))


def test_flip_mirrors_about_half() -> None:
    pixels = noise(400, 4, 4)
    moved = move(pixels, draw(400, crop=0))
    mirrored = (moved == pixels.flip(2)).flatten(1).all(1)
    same = (moved == pixels).flatten(1).all(1)
    assert (mirrored ^ same).all()
    assert 150 < int(mirrored.sum()) < 250


def test_a_shift_by_the_whole_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="shift of 4"):
        flip_and_crop(noise(1, 4, 4), torch.full((2, 1, 1), -4), torch.zeros(1, 1, dtype=torch.bool))


def test_rotation_by_nothing_changes_nothing() -> None:
    pixels = noise(4, 8, 8)
    assert torch.equal(rotate(pixels, torch.zeros(4)), pixels)


def test_rotation_turns_about_the_centre_also_in_a_wide_picture() -> None:
    """A soft disc in the middle of a 20×40 picture stays where it is and stays a disc."""
    y, x = np.mgrid[0:20, 0:40]
    disc = (255 * np.exp(-((y - 9.5) ** 2 + (x - 19.5) ** 2) / 18)).astype(np.uint8)
    pixels = torch.from_numpy(np.repeat(disc[None, :, :, None], 3, 3))
    turned = rotate(pixels, torch.tensor([1.2])).numpy()[0, :, :, 0]
    middle = slice(12, 28)  # beyond it the reflected border comes in
    assert np.abs(turned[:, middle].astype(int) - disc[:, middle]).max() < 12


def test_only_a_share_is_rotated_and_the_seed_decides() -> None:
    pixels = noise(200, 8, 8)
    settings = {"flip": False, "crop": 0, "rotate_share": 0.25, "rotate_degrees": 20.0}
    first, again, other = (move(pixels, draw(200, seed, **settings)) for seed in (5, 5, 6))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    changed = int((first != pixels).flatten(1).any(1).sum())
    assert 25 < changed < 75
    assert first.dtype == torch.uint8


def test_a_part_of_the_moves_moves_a_part_of_the_pictures_alike() -> None:
    pixels, part = noise(20, 8, 8), slice(1, None, 3)
    moves = draw(20, rotate_share=0.5)
    assert torch.equal(move(pixels, moves)[part], move(pixels[part], moves.take(part)))
