"""Scores of rules, held against scikit-learn, and silence where there is nothing to find."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from doctored.data.audit.boosted import judge_trees
from doctored.data.audit.scoring import assign_folds, bin_values, each_fold, judge_scores, score_codes


def judge(codes, is_fake, units=None, confidence=0.95):
    units = np.arange(len(codes)) if units is None else units
    folds = assign_folds(units, is_fake)
    return judge_scores(*score_codes(codes, is_fake, folds), is_fake, units, confidence)


def test_folds_keep_units_together_and_classes_even():
    random = np.random.default_rng(0)
    units = random.integers(0, 300, 1000)
    is_fake = random.random(300)[units] < 0.3
    folds = assign_folds(units, is_fake)
    assert all(len(set(folds[units == unit])) == 1 for unit in range(300) if (units == unit).any())
    shares = [is_fake[folds == fold].mean() for fold in range(5)]
    assert max(shares) - min(shares) < 0.05
    held = np.concatenate([held for _, held in each_fold(folds)])
    assert sorted(held) == list(range(1000))


def test_the_auc_is_scikit_learns():
    random = np.random.default_rng(1)
    is_fake = random.random(800) < 0.4
    codes = random.integers(0, 6, 800) + 2 * is_fake
    folds = assign_folds(np.arange(800), is_fake)
    scores, calls = score_codes(codes, is_fake, folds)
    score = judge_scores(scores, calls, is_fake, np.arange(800), 0.95)
    assert score.auc == pytest.approx(roc_auc_score(is_fake, scores), abs=1e-12)
    assert score.low < score.auc < score.high
    assert score.accuracy == pytest.approx((calls == is_fake).mean())
    assert score.majority == pytest.approx(max(is_fake.mean(), 1 - is_fake.mean()))


def test_a_rule_that_tells_all_is_sure_and_one_that_is_constant_is_chance():
    is_fake = np.arange(200) % 2 == 1
    assert judge(is_fake.astype(np.int64), is_fake).low > 0.9
    constant = judge(np.zeros(200, np.int64), is_fake)
    assert constant.auc == 0.5
    assert constant.high - constant.low < 1e-6


@pytest.mark.parametrize("seed", range(20))
def test_noise_is_not_accused(seed):
    random = np.random.default_rng(seed)
    is_fake = random.random(300) < 0.5
    for codes in (
        random.integers(0, 300, 300),
        bin_values(random.normal(size=300)),
        random.integers(0, 2, 300),
    ):
        assert judge(codes, is_fake, confidence=0.997).low < 0.6


def test_words_that_are_all_different_say_nothing():
    is_fake = np.arange(400) % 2 == 1
    assert judge(np.arange(400), is_fake).auc == 0.5


def test_a_rule_learned_only_from_copies_says_nothing():
    """Were copies spread over the folds, a name that each unit has for itself would tell the class."""
    units = np.repeat(np.arange(60), 10)
    is_fake = units % 2 == 1
    assert judge(units.astype(np.int64), is_fake, units).low < 0.6
    scattered = judge(units.astype(np.int64), is_fake)
    assert scattered.auc > 0.99


def test_copies_widen_the_interval():
    random = np.random.default_rng(3)
    is_fake = np.repeat(random.random(80) < 0.5, 10)
    codes = np.repeat(random.integers(0, 3, 80), 10) + is_fake
    units = np.repeat(np.arange(80), 10)
    folds = assign_folds(units, is_fake)
    scores, calls = score_codes(codes, is_fake, folds)
    alone = judge_scores(scores, calls, is_fake, np.arange(800), 0.95)
    together = judge_scores(scores, calls, is_fake, units, 0.95)
    assert together.auc == alone.auc
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_numbers_fall_into_bins_in_order_and_unknown_ones_into_their_own():
    values = np.array([3.0, 1.0, np.nan, 2.0, 1.0])
    codes = bin_values(values)
    assert codes[1] == codes[4] < codes[3] < codes[0] < codes[2]


def test_trees_find_a_rule_of_two_columns_and_none_in_noise():
    random = np.random.default_rng(4)
    values = np.stack([random.integers(0, 2, 600), random.normal(size=600), np.ones(600)], axis=1)
    is_fake = (values[:, 0] == 1) ^ (values[:, 1] > 0)
    units = np.arange(600)
    folds = assign_folds(units, is_fake)
    found = judge_trees(values, [True, False, False], is_fake, folds, units, 0.95)
    assert found.low > 0.9
    noise = random.random(600) < 0.5
    folds = assign_folds(units, noise)
    assert judge_trees(values, [True, False, False], noise, folds, units, 0.997).low < 0.6
    assert judge_trees(values[:, 2:], [False], noise, folds, units, 0.95) is None
