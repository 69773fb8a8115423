import numpy as np
import pytest

from doctored.detector.outputs import Outputs
from doctored.evaluate.curves import follow_curves, wipe
from toy_detectors import CELLS, SCALE, toy_outputs


def run_toy(pixels):
    return Outputs(**{name: value.astype(np.float32) for name, value in toy_outputs(pixels).items()})


def random_views(count):
    return np.random.default_rng(5).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


def test_deletion_and_insertion_by_hand_on_a_linear_detector():
    """The toy's logit is the mean of its cells, and a wiped cell is worth what the mean colour is."""
    views = random_views(6)
    curves = follow_curves(run_toy, views, steps=CELLS * CELLS)
    for row, view in enumerate(views):
        outputs = toy_outputs(view[np.newaxis])
        evidence, logit = outputs["evidence"][0].ravel(), outputs["logit"][0]
        sign = 1 if logit >= 0 else -1
        grey = np.rint(view.mean(axis=(0, 1))).mean() / 255
        ordered = np.sort(sign * evidence)[::-1]
        wiped = sign * SCALE * (grey - 0.5)
        deleted = [(wiped * k + ordered[k:].sum()) / len(ordered) for k in range(len(ordered) + 1)]
        inserted = [(ordered[:k].sum() + wiped * (len(ordered) - k)) / len(ordered) for k in range(17)]
        for way, logits in (("deletion", deleted), ("insertion", inserted)):
            expected = 1 / (1 + np.exp(-np.array(logits)))
            assert curves.evidence[way][row] == pytest.approx(expected, abs=1e-6)


def test_where_the_map_is_the_sum_no_random_order_is_better():
    curves = follow_curves(run_toy, random_views(20), seed=3)
    for way, better in (("deletion", np.less_equal), ("insertion", np.greater_equal)):
        assert better(*(area.round(6) for area in curves.areas(way))).all()
        gain = curves.gain(way)
        assert gain.n == 20
        assert 0 < gain.low < gain.value < gain.high


def test_a_map_that_points_nowhere_gains_nothing():
    """The same detector with a map that is shuffled: the paired difference must not be shown positive."""

    def run_shuffled(pixels):
        outputs = run_toy(pixels)
        shuffled = np.random.default_rng(8).permuted(outputs.evidence.reshape(len(pixels), -1), axis=1)
        return Outputs(
            outputs.probability, outputs.logit, outputs.embedding, outputs.distance,
            shuffled.reshape(outputs.evidence.shape),
        )  # fmt: skip

    gain = follow_curves(run_shuffled, random_views(60)).gain("deletion")
    assert gain.low < 0.002


def test_curves_begin_and_end_where_they_must():
    views = random_views(3)
    curves = follow_curves(run_toy, views)
    for table in (curves.evidence, curves.random):
        np.testing.assert_allclose(table["deletion"][:, 0], table["insertion"][:, -1])
        np.testing.assert_allclose(table["deletion"][:, -1], table["insertion"][:, 0])
    told = curves.to_json()
    assert told["pictures"] == 3
    assert len(told["steps"]) == len(told["deletion"]["random"]) == 17


def test_a_pixel_belongs_to_the_cell_its_middle_lies_in():
    view = np.arange(5 * 5 * 3, dtype=np.uint8).reshape(5, 5, 3)
    order = np.array([3, 0, 1, 2])
    deleted = wipe(view, order, np.array([0.0, 0.25, 1.0]), (2, 2), "deletion")
    inserted = wipe(view, order, np.array([0.25]), (2, 2), "insertion")[0]
    np.testing.assert_array_equal(deleted[0], view)
    mean = np.rint(view.mean(axis=(0, 1)))
    assert (deleted[2] == mean).all()
    is_last_cell = np.zeros((5, 5), bool)
    is_last_cell[2:, 2:] = True  # the middle of pixel 2 is on the border, and counts to what follows
    np.testing.assert_array_equal(
        (deleted[1] == mean).all(axis=2) & (view != mean).any(axis=2),
        is_last_cell & (view != mean).any(axis=2),
    )
    np.testing.assert_array_equal(inserted[is_last_cell], view[is_last_cell])
    assert (inserted[~is_last_cell] == mean).all()


def test_nothing_to_follow_gives_nothing():
    curves = follow_curves(run_toy, random_views(1)[:0])
    assert curves.gain("deletion").value is None
