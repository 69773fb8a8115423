import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from doctored.errors import TrainingError
from doctored.evaluate import evaluate
from doctored.evaluate.attacks import ATTACKS, fgsm, pgd, warn
from doctored.evaluate.weights import load_network, require_same
from doctored.evaluate.white_box import find_run, measure_attacks
from doctored.models import Network, build_network


class Linear(Network):
    """logit = mean over pixels of w · value + b: what an attack can do is known in closed form."""

    def __init__(self, weights):
        super().__init__(3)
        with torch.no_grad():
            self.head.weight.copy_(torch.tensor(weights, dtype=torch.float32).view(1, 3, 1, 1))

    def features(self, x):
        return x


WEIGHTS = np.array([2.0, -1.0, 0.5])


def linear_logit(pixels, network):
    """In float64, from the definition."""
    mean, std = (part.double().numpy() for part in (network.mean, network.std))
    values = (pixels.astype(np.float64) / 255 - mean) / std
    return (values @ WEIGHTS).mean(axis=(1, 2)) + network.head.bias.item()


@pytest.mark.parametrize("epsilon", [1, 4, 8])
@pytest.mark.parametrize("attack", list(ATTACKS))
def test_on_a_linear_network_attacks_reach_the_worst_case(attack, epsilon):
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (10, 8, 8, 3), dtype=np.uint8)
    labels = np.array([0, 1] * 5, np.uint8)
    network = Linear(WEIGHTS).eval()
    away = np.where(labels == 1, -1, 1)[:, np.newaxis, np.newaxis, np.newaxis] * np.sign(WEIGHTS)
    worst = np.clip(pixels + epsilon * away, 0, 255).astype(np.uint8)
    attacked = ATTACKS[attack](network, pixels, labels, epsilon)
    np.testing.assert_array_equal(attacked, worst)
    # without clipping the logit moves by epsilon times the sum of the weights' sizes
    inner = np.full((2, 8, 8, 3), 128, np.uint8)
    moved = linear_logit(ATTACKS[attack](network, inner, labels[:2], epsilon), network)
    reach = epsilon / 255 * np.abs(WEIGHTS / network.std.numpy()).sum()
    assert moved - linear_logit(inner, network) == pytest.approx([reach, -reach], abs=1e-9)


@settings(max_examples=15, deadline=None)
@given(some.integers(1, 8), some.integers(0, 2**16), some.sampled_from(["fgsm", "pgd"]))
def test_attacks_stay_in_the_ball_and_in_range(epsilon, seed, attack):
    random = np.random.default_rng(seed)
    pixels = random.choice([0, 1, 3, 128, 252, 255], (3, 16, 16, 3)).astype(np.uint8)
    labels = random.integers(0, 2, 3).astype(np.uint8)
    torch.manual_seed(0)
    network = build_network("compact").eval()
    attacked = ATTACKS[attack](network, pixels, labels, epsilon, seed)
    assert attacked.dtype == np.uint8
    assert np.abs(attacked.astype(int) - pixels).max() <= epsilon


def test_attacks_leave_the_network_alone_and_pgd_is_stronger():
    torch.manual_seed(1)
    network = build_network("compact").eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    pixels = np.random.default_rng(2).integers(0, 256, (16, 16, 16, 3), dtype=np.uint8)
    labels = np.array([0, 1] * 8, np.uint8)

    def margin(values):
        with torch.inference_mode():
            logit = network(network.normalise(torch.from_numpy(values))).logit.double().numpy()
        return np.where(labels == 1, logit, -logit).mean()

    clean, one, many = (
        margin(values)
        for values in (pixels, fgsm(network, pixels, labels, 4), pgd(network, pixels, labels, 4))
    )
    assert many < one < clean
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(weights.grad is None for weights in network.parameters())


def test_without_weights_the_file_says_so(toy, judged, tmp_path):
    told = measure_attacks(toy, judged, tmp_path, None)
    assert json.loads((tmp_path / "attacks.json").read_text("utf-8")) == told
    assert not told["available"]
    assert "config.toml" in told["reason"]


def test_a_runs_detector_is_attacked_with_its_own_weights(random_run, random_detector, brightness, tmp_path):
    assert find_run(random_run / "detector.onnx") == random_run
    assert find_run(tmp_path / "detector.onnx") is None
    judged = evaluate(random_detector, brightness, "test")
    seen = []
    told = measure_attacks(
        random_detector, judged, tmp_path, random_run, pictures=12, epsilons=(2, 8),
        progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    assert [(row["attack"], row["epsilon"]) for row in told["attacks"]] == [
        ("fgsm", 2), ("fgsm", 8), ("pgd", 2), ("pgd", 8),
    ]  # fmt: skip
    assert seen[-1] == (48, 48)
    assert told["clean"]["accuracy"]["n"] == told["pictures"] == 12
    accuracies = [row["figures"]["accuracy"]["value"] for row in told["attacks"]]
    assert accuracies[3] <= told["clean"]["accuracy"]["value"]
    assert told["warning"] is None or "grey levels" in told["warning"]


def test_weights_of_another_run_are_refused(random_run, random_detector):
    views = np.random.default_rng(0).integers(0, 256, (32, 32, 32, 3), dtype=np.uint8)
    require_same(load_network(random_run), random_detector, views)
    torch.manual_seed(9)
    with pytest.raises(TrainingError, match=r"not what its detector\.onnx was made from"):
        require_same(build_network("compact").eval(), random_detector, views)
    with pytest.raises(TrainingError, match="it takes two pictures"):
        require_same(load_network(random_run), random_detector, views[:1])


def test_a_run_whose_weights_do_not_fit_is_no_reason_to_stop(random_run, toy, judged, tmp_path):
    """The toy is not what the run's checkpoint was exported to."""
    told = measure_attacks(toy, judged, tmp_path, random_run)
    assert not told["available"]
    assert told["reason"].startswith("The run's checkpoint is not what")


def test_broken_folders_are_told_in_one_line(tmp_path, random_run):
    (tmp_path / "config.toml").write_text('[recipe]\nnetwork = "no-such"\ndropout = 0.0\n', "utf-8")
    with pytest.raises(TrainingError, match="no network is called"):
        load_network(tmp_path)
    (tmp_path / "config.toml").write_text('[recipe]\nnetwork = "frozen"\ndropout = 0.0\n', "utf-8")
    with pytest.raises(TrainingError, match="a head on a frozen encoder"):
        load_network(tmp_path)
    (tmp_path / "config.toml").write_bytes((random_run / "config.toml").read_bytes())
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "best.pt").write_bytes(b"nothing")
    with pytest.raises(TrainingError, match="train it again"):
        load_network(tmp_path)


def test_the_warning_names_the_weakest_attack_that_breaks(toy, judged):
    from doctored.evaluate.attacks import Attacked
    from doctored.evaluate.reaction import share
    from doctored.measure.summary import Figure

    def attacked(name, epsilon, accuracy):
        figures = {"accuracy": Figure(accuracy, 100)}
        return Attacked(name, epsilon, figures, share(np.array([True])))

    rows = [attacked("fgsm", 2, 0.6), attacked("fgsm", 4, 0.3), attacked("pgd", 2, 0.1)]
    assert "PGD with changes of at most 2 of 255 grey levels leaves an accuracy of 0.100" in warn(rows, 0.5)
    assert warn(rows[:1], 0.5) is None
    assert "an accuracy of 0.600" in warn(rows[:1], 0.7)
