"""What a run makes of `weights`: the network's normalisation, and what its card tells of them."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import zoo
from doctored.training import Recipe
from doctored.training.run import describe_command, make_network


@pytest.fixture
def published(tmp_path: Path) -> Path:
    from transformers import AutoConfig, AutoModel

    folder = tmp_path / "tiny-vit"
    AutoModel.from_config(AutoConfig.for_model("vit", **zoo.TOKENS)).save_pretrained(folder)
    stated = {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.2, 0.1]}
    (folder / "preprocessor_config.json").write_text(json.dumps(stated))
    return folder


@pytest.fixture
def examples() -> Any:
    pixels = np.random.default_rng(0).integers(0, 100, (6, 32, 32, 3), dtype=np.uint8)
    return SimpleNamespace(pixels=pixels, train=np.arange(4))


def test_pretrained_weights_keep_their_normalisation(published: Path, examples: Any) -> None:
    net = make_network(Recipe(network=f"hf/{published}", weights="pretrained"), examples)
    torch.testing.assert_close(net.mean, torch.tensor([0.5, 0.4, 0.3]))
    torch.testing.assert_close(net.std, torch.tensor([0.2, 0.2, 0.1]))


def test_random_weights_take_that_of_the_training_pictures(published: Path, examples: Any) -> None:
    net = make_network(Recipe(network=f"hf/{published}"), examples)
    values = torch.from_numpy(examples.pixels[:4]).double() / 255
    torch.testing.assert_close(net.mean.double(), values.mean((0, 1, 2)), rtol=1e-5, atol=0)
    torch.testing.assert_close(net.std.double(), values.std((0, 1, 2), correction=0), rtol=1e-5, atol=0)


def test_the_command_of_a_card_names_no_folder() -> None:
    recipe = Recipe(network="hf//somebody/tiny-vit", weights="/somebody/weights")
    said = describe_command("data.zip", "mine", "mine", recipe)
    assert "--set network=hf/tiny-vit --set weights=weights" in said
    assert "somebody" not in said
