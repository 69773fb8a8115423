import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doctored.errors import UsageError
from doctored.models import network_names
from doctored.picture import Preprocess
from doctored.training import Recipe
from doctored.training.recipe import FROZEN

ROOT = Path(__file__).resolve().parents[2]


@given(
    epochs=st.integers(1, 10_000),
    learning_rate=st.floats(1e-6, 10),
    flip=st.booleans(),
    optimizer=st.sampled_from(["muon", "adamw"]),
)
def test_toml_round_trip(epochs: int, learning_rate: float, flip: bool, optimizer: str) -> None:
    recipe = Recipe(epochs=epochs, learning_rate=learning_rate, flip=flip, optimizer=optimizer)
    lines = (line.split("  # ")[0].split(" = ", 1) for line in recipe.to_toml().splitlines())
    settings = {key: value.strip('"') for key, value in lines}
    assert Recipe.from_settings(settings) == recipe


def test_every_setting_says_what_it_is() -> None:
    assert all(entry.metadata["says"] for entry in dataclasses.fields(Recipe))


def test_file_and_overrides(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text("epochs = 3\nflip = false\n")
    assert Recipe.from_toml(path, epochs="5") == Recipe(epochs=5, flip=False)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"epoch": 3}, "did you mean 'epochs'"),
        ({"epochs": "many"}, "not a int"),
        ({"seed": "9" * 5000}, "not a int"),
        ({"seed": "9" * 4000}, "seed is between"),
        ({"learning_rate": 10**400}, "out of range"),
        ({"learning_rate": "1e999"}, "learning_rate is between"),
        ({"epochs": 1.5}, "epochs is a int"),
        ({"epochs": True}, "epochs is a int"),
        ({"epochs": 0}, "between 1"),
        ({"flip": "yes"}, "flip"),
        ({"precision": "fp8"}, "auto, fp32, bf16"),
        ({"learning_rate": float("nan")}, "between"),
        ({"preprocess": "tiles"}, "exact, center, resize"),
        ({"network": "frozen", "symmetric": True}, "leave symmetric at false"),
        ({"size": 64, "patch": 65}, "patch is at most size, 64"),
        ({"size": 64, "patch": 16, "crop": 16}, "crop is less than size and patch, 16"),
    ],
)
def test_bad_settings_get_one_clear_line(settings: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        Recipe.from_settings(settings)
    assert "\n" not in str(caught.value)


def test_what_the_network_sees_is_the_preprocess_of_the_settings() -> None:
    views = {
        kind: Recipe(size=64, preprocess=kind, patch=16).views() for kind in ("exact", "center", "resize")
    }
    assert views == {
        "exact": Preprocess.exact(64),
        "center": Preprocess.center(64),
        "resize": Preprocess.resize(64),
    }
    assert (Recipe(size=64).side, Recipe(size=64, patch=16).side) == (64, 16)


def test_the_recipes_that_ship_are_read_and_their_networks_are_there() -> None:
    recipes = {file.stem: Recipe.from_toml(file) for file in (ROOT / "recipes").glob("*.toml")}
    assert "cifake-compact" in recipes
    assert {recipe.network for recipe in recipes.values()} <= {*network_names(), FROZEN}
    for name in recipes:
        assert f"--recipe recipes/{name}.toml" in (ROOT / "recipes" / f"{name}.toml").read_text()


@pytest.mark.parametrize("content", [b"epochs = ", b"\xff\xfe", b"epochs = " + b"9" * 5000, None])
def test_bad_files_get_one_clear_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "recipe.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError):
        Recipe.from_toml(path)
