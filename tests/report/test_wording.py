import pytest

from doctored.measure.summary import Figure
from doctored.report.wording import (
    are_apart,
    between,
    number,
    pictures,
    read_figures,
    sentence,
    share,
    value_of,
)


@pytest.mark.parametrize(
    ("value", "decimals", "shown"),
    [
        (0.975, 1, "97.5 %"),
        (0.5, 1, "50 %"),
        (1.0, 1, "100 %"),
        (0.0, 2, "0 %"),
        (0.99999, 1, "over 99.9 %"),
        (0.00001, 1, "under 0.1 %"),
        (0.99999, 2, "over 99.99 %"),
        (0.012345, 2, "1.23 %"),
    ],
)
def test_a_share_never_claims_all_or_nothing_that_it_is_not(value, decimals, shown):
    assert share(value, decimals) == shown


def test_intervals_that_touch_are_not_apart():
    one = Figure(0.9, 10, 0.88, 0.92)
    assert are_apart(one, Figure(0.8, 10, 0.78, 0.879))
    assert not are_apart(one, Figure(0.8, 10, 0.78, 0.88))
    assert not are_apart(one, Figure(0.1, 10)), "an interval that is not known settles nothing"


def test_figures_without_a_value_are_left_out():
    found = read_figures(
        {"a": None, "b": {"value": None, "n": 0}, "c": {"value": 0.5, "n": 3, "low": None, "high": None}}
    )
    assert found == {"c": Figure(0.5, 3)}
    assert between(found["c"]) == "50 %"
    assert value_of("roc_auc", found["c"]) == "0.5000"
    assert value_of("accuracy", found["c"]) == "50 %"


def test_numbers_and_nouns():
    assert [number(count) for count in (0, 1, 10, 11, 12345)] == ["0", "one", "ten", "11", "12,345"]
    assert pictures(1) == "1 picture"
    assert pictures(2000, "real") == "2,000 real pictures"
    assert sentence(" one\n line ") == "One line."
