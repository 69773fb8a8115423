"""Oracle: scikit-learn's logistic regression, in float64."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from doctored.training.logistic import L2, cross_entropy, fit_heads

Split = tuple[np.ndarray, np.ndarray]


def draw(count: int, seed: int, share: float = 0.5) -> Split:
    """Overlapping classes in 12 features of very different scales, in float16."""
    random = np.random.default_rng(seed)
    labels = (random.random(count) < share).astype(np.uint8)
    features = random.normal(size=(count, 12)) + 0.4 * labels[:, None] * np.arange(12)[None] / 6
    return (features * np.logspace(-2, 2, 12) + 3).astype(np.float16), labels


@pytest.mark.parametrize("balance", [False, True])
def test_heads_are_those_of_scikit_learn(balance: bool) -> None:
    train, val = draw(600, 0, 0.3), draw(300, 1, 0.3)
    exact = train[0].astype(np.float64)
    mean, scale = exact.mean(0), exact.std(0, ddof=1)
    for attempt in fit_heads(train, val, balance=balance):
        if attempt.l2 > 0.1 or attempt.l2 < 1e-5:
            continue
        weight = "balanced" if balance else None
        oracle = LogisticRegression(C=1 / (600 * attempt.l2), class_weight=weight, tol=1e-9, max_iter=5000)
        oracle.fit((exact - mean) / scale, train[1])
        expected = oracle.decision_function((val[0].astype(np.float64) - mean) / scale)
        np.testing.assert_allclose(attempt.head.logits(val[0]), expected, atol=2e-3)


def test_penalties_fall_and_so_does_the_training_loss() -> None:
    attempts = fit_heads(draw(400, 2), draw(200, 3))
    assert [attempt.l2 for attempt in attempts] == sorted(L2, reverse=True)
    losses = [attempt.train_loss for attempt in attempts]
    assert all(later <= earlier + 1e-6 for earlier, later in itertools.pairwise(losses))
    for attempt in attempts:
        assert attempt.val_loss == pytest.approx(
            cross_entropy(attempt.head.logits(draw(200, 3)[0]), draw(200, 3)[1])
        )


def test_features_that_do_not_vary_are_borne() -> None:
    features, labels = draw(100, 4)
    features[:, 3] = 7.0
    for attempt in fit_heads((features, labels), (features, labels)):
        assert np.isfinite(attempt.head.weights).all()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_more_freedom_never_fits_worse_than_no_features_at_all(seed: int) -> None:
    train = draw(200, seed)
    share = train[1].mean()
    constant = -(share * np.log(share) + (1 - share) * np.log(1 - share))
    assert fit_heads(train, train)[-1].train_loss <= constant + 1e-6
