import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from doctored.picture.jpeg_history.aligned import block_evidence, find_recompression
from doctored.picture.jpeg_history.tables import standard_table
from toy_scenes import make_scene, save


@pytest.mark.parametrize(("first", "last"), [(50, 90), (65, 90), (80, 90), (60, 80), (70, 95)])
def test_two_savings_are_found_and_the_first_quality_too(first, last):
    scene = make_scene(seed=first)
    once = find_recompression(np.asarray(save(scene, last)), standard_table(last))
    twice = find_recompression(np.asarray(save(save(scene, first), last)), standard_table(last))
    assert once.score < 0.3
    assert twice.score > 1
    assert abs(twice.quality - first) <= 2
    assert twice.blocks == (256 // 8) * (320 // 8)


def test_a_first_saving_of_the_same_quality_leaves_nothing():
    found = find_recompression(np.asarray(save(save(make_scene(), 90), 90)), standard_table(90))
    assert found.score < 0.3


@pytest.mark.parametrize("preset", ["low", "medium", "web_medium"])
def test_a_first_table_of_photoshops_is_found(preset):
    twice = save(save(make_scene(), preset), 90)
    assert find_recompression(np.asarray(twice), standard_table(90)).score > 1


def test_the_map_shows_which_blocks_were_saved_once():
    composed = save(make_scene(seed=1), 60)
    composed.paste(make_scene(96, 96, seed=2), (120, 80))
    found, evidence = block_evidence(np.asarray(save(composed, 90)), standard_table(90))
    assert abs(found.quality - 60) <= 2
    pasted = np.zeros(evidence.shape, dtype=bool)
    pasted[10:22, 15:27] = True
    inner = evidence[11:21, 16:26]
    assert evidence.shape == (32, 40)
    assert np.median(inner) < -3
    assert np.median(evidence[~pasted]) > 3
    assert (inner < 0).mean() > 0.9
    assert (evidence[~pasted] > 0).mean() > 0.9


@settings(max_examples=40, deadline=None)
@given(
    width=st.integers(64, 150),
    height=st.integers(64, 150),
    kind=st.sampled_from(["flat", "black", "noise", "stripes"]),
    step=st.sampled_from([1, 2, 16, 64, 200, 255, 65535]),
)
def test_any_pixels_and_any_table_give_finite_numbers(width, height, kind, step):
    made = {
        "flat": np.full((height, width, 3), 200, dtype=np.uint8),
        "black": np.zeros((height, width, 3), dtype=np.uint8),
        "noise": np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8),
        "stripes": np.repeat((np.arange(width) % 2 * 255).astype(np.uint8)[None, :, None], height, 0).repeat(
            3, 2
        ),
    }
    found, evidence = block_evidence(made[kind], (step,) * 64)
    assert np.isfinite(found.score)
    assert np.isfinite(evidence).all()
    assert evidence.shape == (height // 8, width // 8)
    assert 1 <= found.quality <= 100


def test_what_was_turned_since_is_seen_in_stored_orientation():
    turned = save(save(make_scene(), 60), 90).transpose(Image.Transpose.ROTATE_90)
    stored = np.asarray(turned)[:, ::-1].swapaxes(0, 1)
    assert find_recompression(stored, standard_table(90)).score > 1
