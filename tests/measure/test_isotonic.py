import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from doctored.errors import UsageError
from doctored.measure.isotonic import fit_isotonic

SCORES = st.integers(-4, 4).map(lambda step: step / 4) | st.floats(-5, 5).map(lambda score: round(score, 6))
ROWS = st.lists(st.tuples(st.integers(0, 1), SCORES), min_size=1, max_size=80)


@given(ROWS, st.lists(st.floats(-6, 6, allow_nan=False), max_size=10))
def test_the_fit_is_scikit_learns(rows, others):
    labels, scores = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    expected = IsotonicRegression(out_of_bounds="clip").fit(scores, labels)
    fitted = fit_isotonic(labels, scores)
    assert fitted.apply(scores) == pytest.approx(expected.predict(scores), abs=1e-12)
    assert (np.diff(fitted.probabilities) >= 0).all()
    beyond = np.array([scores.min() - 1, scores.max() + 1])
    assert fitted.apply(beyond) == pytest.approx(expected.predict(beyond), abs=1e-12)
    between = fitted.apply(others)
    assert ((between >= 0) & (between <= 1)).all()


def test_no_picture_no_curve():
    assert fit_isotonic([], []) is None
    with pytest.raises(UsageError, match="NaN"):
        fit_isotonic([0, 1], [0.5, float("nan")])
