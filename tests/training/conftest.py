from collections.abc import Callable
from pathlib import Path

import pytest

from doctored.data.toy import make_toy
from doctored.training import Recipe, RunResult, train
from small_training import SMALL


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_toy(tmp_path_factory.mktemp("toy") / "toy.zip", n=240, archive="zip")


@pytest.fixture(scope="session")
def small_recipe() -> Recipe:
    return SMALL


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, toy: Path) -> RunResult:
    """A run on toy pictures, from archive to detector, in seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCTORED_HOME", str(tmp_path_factory.mktemp("home")))
        return train(toy, tmp_path_factory.mktemp("runs") / "toy", SMALL, device="cpu")


@pytest.fixture
def start(toy: Path, tmp_path: Path) -> Callable[[str], RunResult]:
    """Train the same small run again under another folder."""
    return lambda name: train(toy, tmp_path / name, SMALL, device="cpu")
