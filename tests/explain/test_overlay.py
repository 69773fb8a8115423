import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from doctored.errors import UsageError
from doctored.explain.overlay import COLOURS, OPACITY, evidence_box, lay_over, target_part
from doctored.picture import Preprocess
from doctored.records import Label

MAPS = arrays.arrays(
    np.float32,
    arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=8),
    elements=st.floats(-20, 20, width=32),
)
GREY = np.full((48, 64, 3), 128, np.uint8)


def tint_of(shown, target):
    """How far each pixel has moved from grey to the target's colour, 0 to 1, float64 [H, W]."""
    channel = int(np.argmax(np.abs(np.array(COLOURS[target]) - 128)))
    return (shown[..., channel].astype(float) - 128) / (COLOURS[target][channel] - 128)


@given(MAPS)
def test_the_two_parts_make_up_the_map(evidence):
    fake, real = target_part(evidence, Label.FAKE), target_part(evidence, Label.REAL)
    assert (fake >= 0).all()
    assert (real >= 0).all()
    assert (fake - real == evidence).all()
    assert not ((fake > 0) & (real > 0)).any()


@given(MAPS, st.sampled_from([Label.FAKE, Label.REAL]))
def test_the_tint_is_the_part_enlarged_on_the_common_scale(evidence, target):
    strongest = np.abs(evidence).max() or 1
    expected = Image.fromarray(target_part(evidence, target) / strongest).resize(
        (64, 48), Image.Resampling.BILINEAR
    )
    shown = lay_over(GREY, evidence, target)
    assert tint_of(shown, target) == pytest.approx(OPACITY * np.array(expected), abs=0.02)


def test_a_cell_stands_at_the_middle_of_its_box():
    evidence = np.zeros((4, 4), np.float32)
    evidence[1, 2] = 3
    tint = tint_of(lay_over(GREY, evidence, Label.FAKE), Label.FAKE)
    rows, columns = np.nonzero(tint > 0.99 * tint.max())
    assert (rows.mean() + 0.5, columns.mean() + 0.5) == pytest.approx((1.5 * 48 / 4, 2.5 * 64 / 4), abs=0.5)
    assert OPACITY * 0.9 < tint.max() <= OPACITY


def test_both_targets_share_one_scale():
    evidence = np.array([[4.0, -1.0]], np.float32)
    fake = tint_of(lay_over(GREY, evidence, Label.FAKE), Label.FAKE).max()
    real = tint_of(lay_over(GREY, evidence, Label.REAL), Label.REAL).max()
    assert real == pytest.approx(fake / 4, abs=0.02)


def test_no_evidence_leaves_the_picture_as_it_is():
    for target in COLOURS:
        shown = lay_over(GREY, np.zeros((2, 2), np.float32), target)
        assert (shown == GREY).all()
        assert shown is not GREY


def test_what_the_map_does_not_cover_is_not_tinted():
    box = evidence_box(Preprocess.center(32), 64, 48)
    assert box == (16, 8, 32, 32)
    tint = tint_of(lay_over(GREY, np.ones((2, 2), np.float32), Label.FAKE, box), Label.FAKE)
    inside = np.zeros((48, 64), bool)
    inside[8:40, 16:48] = True
    assert (tint[inside] > 0.7).all()
    assert (tint[~inside] == 0).all()


@pytest.mark.parametrize("preprocess", [Preprocess.resize(32), Preprocess.exact(32)])
def test_a_map_of_the_whole_covers_the_whole(preprocess):
    assert evidence_box(preprocess, 64, 48) == (0, 0, 64, 48)


def test_there_is_no_overlay_for_unsure():
    with pytest.raises(UsageError, match="fake or real"):
        lay_over(GREY, np.ones((1, 1), np.float32), Label.UNSURE)
