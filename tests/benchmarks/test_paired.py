import itertools
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.paired import Paired, interleave, median_interval, seconds


def test_the_two_sides_take_turns_in_leading():
    calls = []

    def side(name):
        def measure():
            calls.append(name)
            return float(len(calls))

        return measure

    paired = interleave(side("a"), side("b"), rounds=6, warm_up=1)
    assert calls[:2] == ["a", "b"]
    assert "".join(calls[2:]) == "abba" * 3
    assert len(paired.ours) == len(paired.theirs) == 6


def test_drift_that_both_sides_share_leaves_the_ratio_alone():
    clock = itertools.count(1)
    drift = {}

    def at(turn_of, factor):
        def measure():
            turn = drift.setdefault(turn_of, []) or drift[turn_of]
            turn.append(next(clock))
            return factor * 1.5 ** len(turn)

        return measure

    figures = interleave(at("a", 3.0), at("b", 2.0), rounds=7).figures("x.ratio", "s", "a", "b")
    assert figures["x.ratio"].value == pytest.approx(1.5)
    assert figures["x.ratio"].low == pytest.approx(1.5)
    assert set(figures) == {"x.ratio", "x.ratio.a", "x.ratio.b"}
    assert figures["x.ratio.a"].unit == "s"


@given(st.lists(st.floats(0.1, 10), min_size=6, max_size=60))
def test_the_interval_holds_the_median_and_its_coverage_is_enough(values):
    low, high = median_interval(values)
    assert min(values) <= low <= sorted(values)[len(values) // 2] <= high <= max(values)
    # Coverage by the definition: the chance that between `rank` and n - rank values fall below the median.
    n = len(values)
    rank = max(i for i in range(n // 2) if sum(comb(n, j) for j in range(i + 1)) / 2**n <= 0.025) + 1
    assert (low, high) == (sorted(values)[rank - 1], sorted(values)[n - rank])


def test_too_few_rounds_are_refused():
    with pytest.raises(ValueError, match="95 % interval"):
        interleave(seconds(lambda: None), seconds(lambda: None), rounds=5)
    with pytest.raises(ValueError, match="95 % interval"):
        Paired((1.0,), (1.0,)).figures("x.y", "s", "a", "b")
