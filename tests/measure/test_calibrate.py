"""Calibration against scipy's optimiser and against what it promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special

from doctored.errors import UsageError
from doctored.measure import calibrate, metrics


def noisy(seed, n=400):
    draw = np.random.default_rng(seed)
    labels = np.array([0, 1, *draw.integers(0, 2, n)])
    return labels, 3 * labels - 1 + 2 * draw.normal(size=labels.size)


def platts_loss(weights, logits, labels):
    fakes, reals = (labels == 1).sum(), (labels == 0).sum()
    targets = np.where(labels == 1, (fakes + 1) / (fakes + 2), 1 / (reals + 2))
    z = weights[0] * logits + weights[1]
    return -np.mean(targets * special.log_expit(z) + (1 - targets) * special.log_expit(-z))


@given(st.floats(-800, 800))
def test_sigmoid_is_scipys(logit):
    assert calibrate.sigmoid(logit) == pytest.approx(special.expit(logit), rel=1e-12, abs=1e-300)


@settings(max_examples=20)
@given(st.integers(0, 1000), st.sampled_from([1e-3, 1.0, 1e3]))
def test_the_fit_is_the_minimum_of_platts_loss(seed, scale):
    labels, logits = noisy(seed)
    fitted = calibrate.fit_affine(scale * logits, labels)
    found = optimize.minimize(platts_loss, (1.0, 0.0), (logits, labels), tol=1e-14)
    assert (fitted.slope * scale, fitted.offset) == pytest.approx(tuple(found.x), abs=1e-4)
    ours = platts_loss((fitted.slope * scale, fitted.offset), logits, labels)
    assert ours <= found.fun + 1e-12


@settings(max_examples=20)
@given(st.integers(0, 1000))
def test_a_temperature_is_the_minimum_without_offset(seed):
    labels, logits = noisy(seed)
    fitted = calibrate.fit_temperature(logits, labels)
    found = optimize.minimize_scalar(
        lambda slope: platts_loss((slope, 0), logits, labels), bounds=(0, 20), method="bounded"
    )
    assert fitted.offset == 0
    assert fitted.slope == pytest.approx(found.x, abs=1e-4)


def test_a_known_distortion_is_undone():
    draw = np.random.default_rng(2)
    truth = draw.normal(0, 2, 40_000)
    labels = (draw.random(truth.size) < special.expit(truth)).astype(int)
    slope, offset = calibrate.fit_affine((truth - 0.7) / 0.4, labels)
    assert (slope, offset) == pytest.approx((0.4, 0.7), abs=0.05)


def test_separable_classes_get_a_finite_slope():
    slope, offset = calibrate.fit_affine([-1.0] * 50 + [1.0] * 50, [0] * 50 + [1] * 50)
    assert slope == pytest.approx(special.logit(51 / 52), rel=1e-6)
    assert offset == pytest.approx(0, abs=1e-9)


def test_logits_against_the_labels_are_flattened_not_turned():
    labels, logits = noisy(1)
    slope, offset = calibrate.fit_affine(-logits, labels)
    assert slope * np.abs(logits).max() == pytest.approx(calibrate.MIN_REACH)
    mean = calibrate.sigmoid(slope * -logits + offset).mean()
    assert mean == pytest.approx(labels.mean(), abs=0.01)
    assert calibrate.fit_temperature(-logits, labels) == (slope, 0)


def test_constant_logits_give_the_share_of_fakes():
    slope, offset = calibrate.fit_affine([2.0] * 40, [1] * 10 + [0] * 30)
    assert slope > 0
    assert calibrate.sigmoid(slope * 2 + offset) == pytest.approx(10 / 40, abs=0.02)


@pytest.mark.parametrize("labels", [[], [1, 1]])
def test_one_class_cannot_calibrate(labels):
    with pytest.raises(UsageError, match="both real and fake"):
        calibrate.fit_affine([0.5] * len(labels), labels)


def test_infinite_logits_cannot_calibrate():
    with pytest.raises(UsageError, match="infinite"):
        calibrate.fit_affine([0.5, np.inf], [0, 1])


def test_ece_of_a_hand_made_case():
    # two bars: 0.1 with a quarter fake, 0.9 with all fake
    probabilities = [0.1] * 4 + [0.9] * 4
    labels = [1, 0, 0, 0, 1, 1, 1, 1]
    expected = (4 * abs(0.1 - 0.25) + 4 * abs(0.9 - 1)) / 8
    assert calibrate.expected_calibration_error(labels, probabilities) == pytest.approx(expected)
    assert calibrate.expected_calibration_error([], []) is None


@given(st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1)), min_size=1), st.integers(1, 20))
def test_every_picture_is_in_one_bar(rows, bins):
    labels, probabilities = map(list, zip(*rows, strict=True))
    bars = calibrate.reliability(labels, probabilities, bins)
    assert sum(bar.n for bar in bars) == len(rows)
    assert sum(bar.n * bar.share_fake for bar in bars) == pytest.approx(sum(labels))
    assert all(bar.low - 1e-12 <= bar.mean_probability <= bar.high + 1e-12 for bar in bars)


def test_calibrating_lowers_the_loss_and_keeps_the_ranking():
    labels, logits = noisy(9)
    slope, offset = calibrate.fit_affine(logits, labels)
    before = metrics.log_loss(labels, calibrate.sigmoid(logits))
    after = metrics.log_loss(labels, calibrate.sigmoid(slope * logits + offset))
    assert after < before
    assert metrics.roc_auc(labels, slope * logits + offset) == metrics.roc_auc(labels, logits)


@given(st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1)), min_size=1, max_size=80), st.integers(1, 20))
def test_bars_of_equal_mass_are_scikit_learns(rows, bins):
    from sklearn.calibration import calibration_curve

    labels, probabilities = map(np.array, zip(*rows, strict=True))
    bars = calibrate.reliability(labels, probabilities, bins, equal_mass=True)
    shares, means = calibration_curve(labels, probabilities, pos_label=1, n_bins=bins, strategy="quantile")
    assert [bar.share_fake for bar in bars] == pytest.approx(shares, abs=1e-12)
    assert [bar.mean_probability for bar in bars] == pytest.approx(means, abs=1e-12)
    assert all(bar.low <= bar.mean_probability + 1e-12 <= bar.high + 2e-12 for bar in bars)
    gaps = sum(bar.n * abs(bar.share_fake - bar.mean_probability) for bar in bars) / len(labels)
    found = calibrate.expected_calibration_error(labels, probabilities, bins, equal_mass=True)
    assert found == pytest.approx(gaps, abs=1e-12)


def test_bars_of_equal_mass_hold_equally_many():
    probabilities = np.random.default_rng(0).random(1500) ** 8
    bars = calibrate.reliability(np.zeros(1500, int), probabilities, equal_mass=True)
    assert [bar.n for bar in bars] == [100] * 15
    assert calibrate.reliability([], [], equal_mass=True) == []


def distorted(slope, offset, n=3000, seed=1):
    """Labels, and logits of which slope · logit + offset would be calibrated."""
    draw = np.random.default_rng(seed)
    truth = draw.normal(0, 2, n)
    return (truth - offset) / slope, (draw.random(n) < special.expit(truth)).astype(int)


def test_what_only_a_shift_mends_is_calibrated_by_platt():
    chosen = calibrate.choose_calibration(*distorted(0.5, 2.0))
    assert chosen.kind == "platt"
    assert chosen.affine == calibrate.fit_affine(*distorted(0.5, 2.0))
    assert chosen.losses["platt"] < chosen.losses["temperature"]


def test_the_choice_is_by_log_loss_on_pictures_left_out():
    kinds = set()
    for seed in range(12):
        logits, labels = distorted(0.5, 0.0, n=120, seed=seed)
        chosen = calibrate.choose_calibration(logits, labels)
        assert chosen.kind == min(chosen.losses, key=chosen.losses.get)
        assert chosen.affine == calibrate.FITS[chosen.kind](logits, labels)
        assert chosen == calibrate.choose_calibration(logits, labels)
        inside = metrics.log_loss(
            labels, calibrate.sigmoid(chosen.affine.slope * logits + chosen.affine.offset)
        )
        assert min(chosen.losses.values()) > inside - 0.02
        kinds.add(chosen.kind)
    assert kinds == {"temperature", "platt"}


@pytest.mark.parametrize("kind", ["platt", "temperature"])
def test_balanced_classes_weigh_the_same(kind):
    logits, labels = distorted(0.5, 2.0, seed=3)
    kept = (labels == 0) | (np.arange(labels.size) % 7 == 0)
    logits, labels = logits[kept], labels[kept]
    weigh = labels.size / (2 * np.bincount(labels))[labels]
    fakes, reals = (labels == 1).sum(), (labels == 0).sum()
    targets = np.where(labels == 1, (fakes + 1) / (fakes + 2), 1 / (reals + 2))

    def loss(weights):
        z = weights[0] * logits + (weights[1] if kind == "platt" else 0)
        return -np.mean(weigh * (targets * special.log_expit(z) + (1 - targets) * special.log_expit(-z)))

    fitted = calibrate.FITS[kind](logits, labels, balance=True)
    assert loss(fitted) <= optimize.minimize(loss, (1.0, 0.0), tol=1e-14).fun + 1e-12
    assert fitted != calibrate.FITS[kind](logits, labels)


def test_balancing_moves_the_odds_and_no_more():
    labels, logits = noisy(4, n=20_000)
    rare = (labels == 0) | (np.arange(labels.size) % 9 == 0)
    even, all_of_them = (
        calibrate.choose_calibration(logits[rare], labels[rare], balance=True),
        calibrate.choose_calibration(logits, labels),
    )
    assert even.kind == "platt"
    assert even.affine == pytest.approx(all_of_them.affine, abs=0.12)
    assert even.losses["platt"] == pytest.approx(all_of_them.losses["platt"], abs=0.02)


def test_a_class_of_one_picture_gets_a_temperature():
    chosen = calibrate.choose_calibration([1.0, -1.0, -2.0], [1, 0, 0])
    assert (chosen.kind, chosen.losses) == ("temperature", {})
    with pytest.raises(UsageError, match="both real and fake"):
        calibrate.choose_calibration([1.0], [1])
