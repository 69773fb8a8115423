"""Where architectures and weights come from: a folder or file at hand, or the hub, for what was named.

The one file of this room that reads files, and the one that speaks to the hub.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from doctored.errors import UsageError
from doctored.models.base import Statistics

PRETRAINED = "pretrained"  # the value of `weights` that means: those published for this network
ARCHITECTURE = ("config.json", "preprocessor_config.json")
WEIGHTS = ("model.safetensors", "model-*.safetensors", "model.safetensors.index.json")
IMAGENET: Statistics = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")


def find_folder(name: str, files: Sequence[str]) -> Path:
    """A folder at hand, or that of the hub's network of this name, with those of `files` that it has.

    UsageError where there is neither.
    """
    if Path(name).is_dir():
        return Path(name)
    if Path(name).is_absolute() or not HUB_NAME.fullmatch(name):
        raise UsageError(f"there is no folder {name}; give one with config.json, or a name on the hub")
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=list(files)))
    except Exception as error:  # no such name, no access, no network: errors of several libraries
        raise UsageError(
            f"there is no folder {name}, and the hub gave nothing of that name ({type(error).__name__}); "
            "give a folder with config.json, or check the name and the network"
        ) from error


def find_file(name: str) -> Path:
    """A file of weights at hand, or `model.safetensors` of a folder or of the hub's network of this name."""
    if Path(name).is_file():
        return Path(name)
    folder = find_folder(name, WEIGHTS[:1])
    if not (folder / WEIGHTS[0]).is_file():
        raise UsageError(f"{name} holds no {WEIGHTS[0]}; give a folder or a file of weights")
    return folder / WEIGHTS[0]


def read_state(file: Path) -> dict[str, Tensor]:
    """Tensors by name, of a .safetensors file or of one that torch.save wrote; no code in it is run."""
    try:
        if file.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(file))
        state = torch.load(file, map_location="cpu", weights_only=True)
        return {str(key): value for key, value in state.items() if isinstance(value, Tensor)}
    except Exception as error:  # a file from outside: zip, unpickler and header errors of many kinds
        raise UsageError(f"{file} is no file of weights; give a .safetensors or a .pth") from error


def read_normalisation(folder: Path) -> Statistics:
    """The mean and deviation that `preprocessor_config.json` states, else ImageNet's."""
    file = folder / "preprocessor_config.json"
    try:
        stated = json.loads(file.read_text(encoding="utf-8"))
        mean, std = (tuple(map(float, stated[key])) for key in ("image_mean", "image_std"))
    except (OSError, ValueError, KeyError, TypeError):
        return IMAGENET
    return (mean, std) if len(mean) == len(std) == 3 and min(std) > 0 else IMAGENET


def without_folders(name: str) -> str:
    """A network's or weights' name as a card may show it: of a path on this machine only its last part.

    `hf//somewhere/tiny-vit` becomes `hf/tiny-vit`; `hf/facebook/dinov2-small` stays.
    """
    family, _, rest = name.partition("/")
    if family in ("hf", "timm") and rest:
        return f"{family}/{without_folders(rest)}"
    is_hub_name = HUB_NAME.fullmatch(name) is not None and not Path(name).exists()
    return name if is_hub_name else Path(name).name
