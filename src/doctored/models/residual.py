"""Our own small networks: residual blocks that keep the finest pixels for long.

Traces of generation live in the highest frequencies, so the first stage works at full resolution; each
later one begins with a convolution of stride 2. A block is two 3×3 convolutions with batch norm and SiLU and
a path around them (He et al. 2016); its second norm starts at zero, so that a new block changes nothing
(Goyal et al. 2017). The evidence map is a quarter of the picture a side: 8×8 cells at 32×32.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from doctored.models import texture
from doctored.models.base import Network, Pool, network

FLATTEST = 0.03  # a deviation of the first convolution, that a flat picture has a logarithm


def convolution(channels_in: int, channels_out: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel_size=3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
    )


class Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = convolution(channels, channels)
        self.second = convolution(channels, channels)
        self.act = nn.SiLU()
        nn.init.zeros_(self.second[1].weight)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        return self.act(x + self.second(self.act(self.first(x))))  # type: ignore[no-any-return]


class Residual(Network):
    """Stages of `widths` channels with `blocks` blocks each, each half as large a side as the one before."""

    def __init__(
        self, widths: Sequence[int], blocks: Sequence[int], *, dropout: float, pool: Pool | None
    ) -> None:
        super().__init__(widths[-1], dropout=dropout, pool=pool)
        layers: list[nn.Module] = [convolution(3, widths[0]), nn.SiLU()]
        for stage, (width, count) in enumerate(zip(widths, blocks, strict=True)):
            if stage:
                layers += [convolution(widths[stage - 1], width, stride=2), nn.SiLU()]
            layers += [Block(width) for _ in range(count)]
        self.layers = nn.Sequential(*layers)
        self.place = slice(2 * widths[-1], None)
        self.width = 2 * (widths[-1] + widths[0]) + texture.WIDTH

    def features(self, x: Tensor) -> Tensor:
        return self.layers(x)  # type: ignore[no-any-return]

    def embed(self, x: Tensor, features: Tensor) -> Tensor:
        """Of each channel of the features the mean over the cells and the deviation; then, where the distance
        is measured, of each channel of the first convolution the mean and the logarithm of the deviation, and
        the texture of the pixels."""
        cells, first = (of.float().flatten(2) for of in (features, self.layers[:2](x)))
        deviation = (first.std(2, correction=0) + FLATTEST).log()
        grey = x.float() * (255 * self.std).reshape(1, 3, 1, 1)
        parts = (cells.mean(2), cells.std(2, correction=0), first.mean(2), deviation, texture.texture(grey))
        return torch.cat(parts, 1)

    def embedding_width(self) -> int:
        return self.width


@network("residual-small")
def residual_small(*, dropout: float = 0.0, pool: Pool | None = None) -> Residual:
    """Under 95,000 parameters."""
    return Residual((16, 32, 48), (2, 1, 1), dropout=dropout, pool=pool)


@network("residual")
def residual(*, dropout: float = 0.0, pool: Pool | None = None) -> Residual:
    """851,000 parameters."""
    return Residual((32, 64, 128), (1, 2, 2), dropout=dropout, pool=pool)
