"""The learning-rate finder on losses whose answer is known, and on a network."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from doctored.errors import TrainingError, UsageError
from doctored.training import Recipe, find_rate
from doctored.training.finder import HIGHEST, LOWEST, STEPS, judge, slopes_and_means
from small_training import SMALL

RATES = np.geomspace(LOWEST, HIGHEST, STEPS)


def valley(fastest: float, seed: int = 0, noise: float = 0.02) -> NDArray[np.float64]:
    """A loss that falls from 0.7 to 0.3 around the rate `fastest` and flies apart far above it."""
    decades = np.log10(RATES / fastest)
    falls = 0.4 / (1 + np.exp(6 * decades))
    flies = np.exp(np.clip(8 * (decades - 1.5), -50, 4))
    return 0.3 + falls + flies + np.random.default_rng(seed).normal(0, noise, STEPS)


@pytest.mark.parametrize("fastest", [1e-4, 1e-3, 1e-2])
@pytest.mark.parametrize("seed", range(5))
def test_the_rate_is_where_the_loss_falls_fastest(fastest: float, seed: int) -> None:
    search = judge(RATES.tolist(), valley(fastest, seed).tolist(), STEPS, Recipe())
    assert abs(math.log10(search.learning_rate / fastest)) < 0.25


def test_a_fall_after_the_loss_flew_apart_is_not_taken() -> None:
    losses = valley(1e-3, noise=0.0)
    losses[120:] = np.linspace(losses[119], 1.0, STEPS - 120)
    assert losses[119] > 5
    search = judge(RATES.tolist(), losses.tolist(), STEPS, Recipe())
    assert abs(math.log10(search.learning_rate / 1e-3)) < 0.25


def test_muon_follows_in_proportion() -> None:
    recipe = Recipe(learning_rate=0.01, muon_rate=0.05)
    search = judge(RATES.tolist(), valley(1e-3).tolist(), STEPS, recipe)
    assert search.muon_rate == pytest.approx(5 * search.learning_rate, rel=0.06)
    assert set(search.settings()) == {"learning_rate", "muon_rate"}
    alone = judge(RATES.tolist(), valley(1e-3).tolist(), STEPS, Recipe(optimizer="adamw"))
    assert alone.muon_rate is None
    assert set(alone.settings()) == {"learning_rate"}


def test_a_loss_that_never_falls_suggests_nothing() -> None:
    with pytest.raises(TrainingError, match="falls at no rate"):
        judge(RATES.tolist(), np.linspace(0.7, 0.9, STEPS).tolist(), STEPS, Recipe())
    with pytest.raises(TrainingError, match="flew apart"):
        judge(RATES[:5].tolist(), [0.7, 0.7, 0.7, 9.0, math.nan], STEPS, Recipe())


def test_slopes_of_a_line_are_its_own_and_means_do_not_lag() -> None:
    x = np.linspace(-3, 2, 60)
    slopes, means = slopes_and_means(x, 3 * x + 1)
    np.testing.assert_allclose(slopes, 3, atol=1e-9)
    np.testing.assert_allclose(means[9:-9], (3 * x + 1)[9:-9], atol=1e-9)


def test_a_search_on_a_network_starts_no_run(toy: Path, tmp_path: Path) -> None:
    found = find_rate(toy, tmp_path / "run", SMALL, device="cpu")
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"learning_rate.json"}
    kept = json.loads((tmp_path / "run" / "learning_rate.json").read_text())
    assert kept == found.to_json()
    assert LOWEST < found.learning_rate < HIGHEST
    assert [point["rate"] for point in kept["points"]] == pytest.approx(RATES[: len(kept["points"])])
    again = find_rate(toy, tmp_path / "again", SMALL, device="cpu")
    assert again == found


def test_one_process_searches(toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="without torchrun"):
        find_rate(toy, tmp_path, SMALL)
