import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

import hostile
from doctored.errors import UsageError
from doctored.picture import DISTORTIONS, decode, distort
from doctored.picture.distort import distortion

SCENE = hostile.scene(60, 44)
MIDDLE = {"jpeg": 50, "webp": 50, "resize": 0.5, "rescale": 0.5, "blur": 2, "noise": 9, "crop": 0.5}
MIDDLE["brightness"] = 0.8


@pytest.mark.parametrize("name", DISTORTIONS)
def test_every_distortion_is_pure_and_repeatable(name):
    pixels = SCENE.copy()
    pixels.flags.writeable = False
    first, again = (distort(pixels, [(name, MIDDLE[name])], seed=3) for _ in range(2))
    assert first.dtype == np.uint8
    assert first.ndim == 3
    assert first.shape[2] == 3
    assert (first == again).all()
    assert first.shape != pixels.shape or (first != pixels).any()


@pytest.mark.parametrize("name", DISTORTIONS)
def test_every_distortion_works_at_its_ends_and_on_one_pixel(name):
    step = DISTORTIONS[name]
    for strength in (step.lowest, step.highest):
        for pixels in (SCENE, SCENE[:1, :1]):
            assert distort(pixels, [(name, strength)], seed=0).size > 0
        with pytest.raises(UsageError, match=f"{name} is out of range; give"):
            distort(SCENE, [(name, step.highest + 1)], seed=0)
    with pytest.raises(UsageError, match="out of range"):
        distort(SCENE, [(name, float("nan"))], seed=0)


@pytest.mark.parametrize("name", DISTORTIONS)
def test_every_distortion_is_in_the_table(name):
    step = DISTORTIONS[name]
    (row,) = (line for line in distort.__doc__.splitlines() if line.strip().startswith(f"| `{name}` |"))
    assert f" {step.lowest:g} to {step.highest:g} |" in row


@pytest.mark.parametrize(
    ("name", "strength"),
    [("resize", 1), ("rescale", 1), ("blur", 0), ("noise", 0), ("crop", 1), ("brightness", 1)],
)
def test_a_strength_of_nothing_changes_nothing(name, strength):
    assert (distort(SCENE, [(name, strength)], seed=0) == SCENE).all()


def test_an_empty_chain_gives_a_copy():
    result = distort(SCENE, [], seed=0)
    assert (result == SCENE).all()
    assert not np.shares_memory(result, SCENE)


@pytest.mark.parametrize("name", ["noise", "crop"])
def test_the_seed_decides_what_is_random(name):
    chain = [(name, MIDDLE[name])]
    assert (distort(SCENE, chain, seed=1) != distort(SCENE, chain, seed=2)).any()


def test_compression_is_pillows():
    expected = Image.open(io.BytesIO(hostile.save(SCENE, "JPEG", quality=40)))
    assert (distort(SCENE, [("jpeg", 40)], seed=0) == np.asarray(expected)).all()
    assert (
        distort(SCENE, [("webp", 40)], seed=0) == decode(hostile.save(SCENE, "WEBP", quality=40)).pixels
    ).all()


def test_sizes():
    assert distort(SCENE, [("resize", 0.5)], seed=0).shape == (22, 30, 3)
    assert distort(SCENE, [("resize", 1.5)], seed=0).shape == (66, 90, 3)
    assert distort(SCENE, [("rescale", 0.5)], seed=0).shape == SCENE.shape
    assert distort(SCENE, [("crop", 0.75)], seed=0).shape == (33, 45, 3)


def test_a_crop_is_a_piece_of_the_picture():
    place = np.dstack([np.indices((44, 60))[0], np.indices((44, 60))[1], np.zeros((44, 60))]).astype(np.uint8)
    piece = distort(place, [("crop", 0.5)], seed=5)
    top, left = piece[0, 0, :2]
    assert (piece == place[top : top + 22, left : left + 30]).all()


def test_blur_is_pillows_and_noise_has_its_sigma():
    expected = Image.fromarray(SCENE).filter(ImageFilter.GaussianBlur(2))
    assert (distort(SCENE, [("blur", 2)], seed=0) == np.asarray(expected)).all()
    grey = np.full((200, 200, 3), 128, np.uint8)
    noisy = distort(grey, [("noise", 10)], seed=0).astype(float)
    assert abs(noisy.mean() - 128) < 0.2
    assert abs(noisy.std() - 10) < 0.2


def test_brightness_rounds_and_clips():
    pixels = np.array([[[0, 100, 200]]], np.uint8)
    assert distort(pixels, [("brightness", 1.5)], seed=0).tolist() == [[[0, 150, 255]]]
    assert distort(pixels, [("brightness", 0.005)], seed=0).tolist() == [[[0, 0, 1]]]


def test_a_chain_is_applied_in_order():
    chain = [("resize", 0.5), ("jpeg", 60)]
    by_hand = distort(distort(SCENE, chain[:1], seed=0), chain[1:], seed=0)
    assert (distort(SCENE, chain, seed=0) == by_hand).all()
    assert distort(SCENE, chain[::-1], seed=0).tolist() != by_hand.tolist()


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match=r"'jpg'; did you mean 'jpeg'\?"):
        distort(SCENE, [("jpg", 50)], seed=0)
    with pytest.raises(UsageError, match="there are: jpeg, webp"):
        distort(SCENE, [("quux", 50)], seed=0)


def test_a_name_is_taken_once():
    with pytest.raises(ValueError, match="two distortions"):
        distortion("jpeg", 0, 1)(lambda pixels, strength, rng: pixels)


@pytest.mark.parametrize("pixels", [SCENE.astype(float), SCENE[..., 0], SCENE[:0]])
def test_other_arrays_are_refused(pixels):
    with pytest.raises(UsageError, match="; give uint8"):
        distort(pixels, [], seed=0)
