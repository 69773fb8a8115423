"""Near pairs, held against comparing every pair."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doctored.data.audit import near
from doctored.data.audit.near import find_near


def brute_force(hashes, radius):
    return {
        (one, other)
        for one in range(len(hashes))
        for other in range(one + 1, len(hashes))
        if bin(int(hashes[one]) ^ int(hashes[other])).count("1") <= radius
    }


def clustered(random, count):
    """Hashes around few centres, so that many pairs lie just inside and just outside the radius."""
    centres = random.integers(0, 2**64, max(1, count // 8), dtype=np.uint64)
    hashes = centres[random.integers(0, len(centres), count)]
    for _ in range(7):
        flips = np.uint64(1) << random.integers(0, 64, count, dtype=np.uint64)
        hashes = np.where(random.random(count) < 0.8, hashes ^ flips, hashes)
    return hashes


@given(st.integers(0, 2**32 - 1), st.integers(0, 120), st.integers(0, 8))
@settings(max_examples=25, deadline=None)
def test_both_ways_find_what_comparing_all_finds(seed, count, radius):
    hashes = clustered(np.random.default_rng(seed), count)
    wanted = brute_force(hashes, radius)
    assert set(map(tuple, find_near(hashes, radius).pairs.tolist())) == wanted
    if seed % 8 == 0:  # the masks of the index take as long for ten hashes as for thousands
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(near, "_FEW", 0)
            patch.setattr(near, "_PAIRS_AT_ONCE", 50)
            assert set(map(tuple, find_near(hashes, radius).pairs.tolist())) == wanted


def test_the_index_finds_what_comparing_all_finds(monkeypatch):
    hashes = clustered(np.random.default_rng(5), 400)
    wanted = brute_force(hashes, 8)
    assert len(wanted) > 100
    monkeypatch.setattr(near, "_FEW", 0)
    found = find_near(hashes)
    assert list(map(tuple, found.pairs.tolist())) == sorted(wanted)
    distances = [bin(int(hashes[one]) ^ int(hashes[other])).count("1") for one, other in found.pairs]
    assert found.distances.tolist() == distances
    assert found.is_complete


def test_too_many_pairs_are_told(monkeypatch):
    monkeypatch.setattr(near, "_FEW", 0)
    monkeypatch.setattr(near, "MOST_PAIRS", 100)
    assert not find_near(np.zeros(200, np.uint64)).is_complete


def test_a_radius_that_would_miss_pairs_is_refused():
    with pytest.raises(ValueError, match="take 0 to 8"):
        find_near(np.zeros(2, np.uint64), 9)
