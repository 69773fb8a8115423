import numpy as np
import pytest
from scipy.stats import spearmanr

from doctored.evaluate.sanity import SEED, evidence_of, randomise_weights, rank_correlations
from doctored.evaluate.weights import load_network, new_network


def test_rank_correlations_are_spearmans():
    random = np.random.default_rng(0)
    first = random.normal(size=(6, 16)).round(1)
    second = (first + random.normal(size=first.shape)).round(1)
    expected = [spearmanr(*rows).statistic for rows in zip(first, second, strict=True)]
    assert rank_correlations(first, second) == pytest.approx(expected, abs=1e-12)
    assert rank_correlations(np.ones((1, 4)), np.arange(4.0)[np.newaxis]).tolist() == [0.0]


def test_weights_are_replaced_from_the_head_down(random_run):
    views = np.random.default_rng(1).integers(0, 256, (10, 32, 32, 3), dtype=np.uint8)
    network, fresh = load_network(random_run), new_network(random_run, SEED)
    told = randomise_weights(load_network(random_run), fresh, views)
    assert len(told["steps"]) == 1 + len(network.stages())
    shares = [step["share"] for step in told["steps"]]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert told["steps"][0]["randomised"] == "the head"
    network.head.load_state_dict(fresh.head.state_dict())
    trained = evidence_of(load_network(random_run), views)
    for step, other in ((0, network), (-1, fresh)):
        expected = rank_correlations(trained, evidence_of(other, views)).mean()
        assert told["steps"][step]["correlation"]["value"] == pytest.approx(expected, abs=1e-6)
    last = told["steps"][-1]["correlation"]
    assert told["passes"] == (last["low"] > -0.5 and last["high"] < 0.5)


def test_the_same_seed_gives_the_same_random_network(random_run):
    views = np.random.default_rng(1).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    one, two = (evidence_of(new_network(random_run, 4), views) for _ in range(2))
    np.testing.assert_array_equal(one, two)
