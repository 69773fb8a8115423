"""The classic small CNN of the CIFAKE tutorials, with its evidence in the open.

Three blocks of 3×3 convolution, ReLU, batch norm and max pooling (32, 64, 128 channels), then a linear
head. 93,825 parameters. The evidence map is an eighth of the picture a side: 4×4 cells at 32×32.
"""

from torch import Tensor, nn

from doctored.models.base import Network, Pool, network


def block(channels_in: int, channels_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.BatchNorm2d(channels_out),
        nn.MaxPool2d(2),
    )


@network("compact")
class Compact(Network):
    def __init__(self, *, dropout: float = 0.0, pool: Pool | None = None) -> None:
        super().__init__(128, dropout=dropout, pool=pool)
        self.blocks = nn.Sequential(block(3, 32), block(32, 64), block(64, 128))

    def features(self, x: Tensor) -> Tensor:
        return self.blocks(x)  # type: ignore[no-any-return]
