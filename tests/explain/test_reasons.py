import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from doctored.explain.reasons import PLACES, describe, ninths

PARTS = arrays.arrays(
    np.float32,
    arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9),
    elements=st.floats(0, 100, width=32),
)


@given(PARTS)
def test_nothing_is_lost_between_the_ninths(part):
    expected = 1 if part.sum() else 0
    assert ninths(part).sum() == pytest.approx(expected)
    assert (ninths(part) >= 0).all()


@given(PARTS, st.integers(1, 4))
def test_finer_cells_of_the_same_picture_change_nothing(part, factor):
    finer = np.kron(part, np.ones((factor, factor), np.float32))
    assert ninths(finer) == pytest.approx(ninths(part), abs=1e-6)


def test_an_even_map_has_a_ninth_everywhere():
    assert ninths(np.ones((4, 4), np.float32)) == pytest.approx(np.full((3, 3), 1 / 9))


@pytest.mark.parametrize(("row", "column"), [(row, column) for row in range(3) for column in range(3)])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_place_of_the_strongest_evidence_is_named(row, column, sign):
    evidence = np.zeros((6, 6), np.float32)
    evidence[2 * row, 2 * column] = sign * 3.0
    side = "fake" if sign > 0 else "real"
    first, *rest = describe(evidence, sign * 0.1)
    place = PLACES[row][column]
    assert first == f"The strongest evidence for {side} lies {place}; it makes up 100% of the sum."
    assert rest == [f"Nothing in the picture speaks for {'real' if sign > 0 else 'fake'}."]


def test_the_winning_side_comes_first_and_the_balance_is_told():
    evidence = np.array([[3.0, 0.0, -1.0]], np.float32)
    for_fake, for_real, balance = describe(evidence, 0.7)
    assert "for fake lies at the left" in for_fake or "for fake lies at the upper left" in for_fake
    assert "for real" in for_real
    assert balance == "Of all the evidence, 75% speaks for fake and 25% for real."
    assert describe(-evidence, -0.7)[0] == for_fake.replace("fake", "real")


def test_evidence_that_is_everywhere_is_said_to_be_so():
    (spread, _) = describe(np.ones((4, 4), np.float32), 1.0)
    assert spread == (
        "The evidence for fake is spread over the whole picture: "
        "no ninth of it holds more than 11% of its sum."
    )


def test_an_empty_map_says_so():
    assert describe(np.zeros((4, 4), np.float32), 0.0) == (
        "The map of evidence is zero everywhere: nothing speaks for either side.",
    )
