import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doctored.errors import UsageError
from doctored.measure.selective import cut_for_coverage, risk_coverage

LOGITS = st.integers(-4, 4).map(float) | st.floats(-9, 9, allow_nan=False)
ROWS = st.lists(st.tuples(st.integers(0, 1), LOGITS), min_size=1, max_size=60)


def columns(rows):
    labels, logits = zip(*rows, strict=True)
    return np.array(labels), np.array(logits)


@given(ROWS)
def test_every_point_is_what_its_cut_gives(rows):
    labels, logits = columns(rows)
    curve = risk_coverage(labels, logits)
    assert (np.diff(curve.cut) < 0).all()
    for coverage, risk, cut in zip(*curve, strict=True):
        answered = np.abs(logits) >= cut
        assert coverage == pytest.approx(answered.mean(), abs=1e-12)
        assert risk == pytest.approx(((logits >= 0) != labels)[answered].mean(), abs=1e-12)
    assert curve.coverage[-1] == 1


@given(ROWS)
def test_the_area_is_the_mean_risk_over_pictures(rows):
    labels, logits = columns(rows)
    curve = risk_coverage(labels, logits)
    risk_of = dict(zip(curve.cut.tolist(), curve.risk.tolist(), strict=True))
    expected = np.mean([risk_of[abs(logit)] for logit in logits.tolist()])
    assert curve.area == pytest.approx(expected, abs=1e-12)


@given(ROWS, st.floats(0.01, 1))
def test_a_cut_answers_enough_and_no_larger_one_does(rows, coverage):
    _, logits = columns(rows)
    cut = cut_for_coverage(logits, coverage)
    assert (np.abs(logits) >= cut).mean() >= coverage - 1e-9
    above = np.abs(logits)[np.abs(logits) > cut]
    if above.size:
        assert (np.abs(logits) >= above.min()).mean() < coverage


def test_nothing_has_no_risk():
    curve = risk_coverage([], [])
    assert curve.area is None
    assert curve.coverage.size == 0
    for logits, coverage in (([], 0.5), ([1.0], 0.0), ([1.0], 1.1)):
        with pytest.raises(UsageError, match=r"try 0\.95"):
            cut_for_coverage(logits, coverage)
