"""VGG-19 (Simonyan & Zisserman 2015) without its hidden classifier.

The classifier's two hidden layers saw all places at once, so they go, and with them the last halving, which
only made the map smaller for them. The evidence map is a 16th of the picture a side: 14×14 cells at 224×224.
Weights are read by torchvision's names (`features.0.weight`, ...), which timm shares.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from doctored.errors import UsageError
from doctored.models.base import Network, Pool, network
from doctored.models.weights import IMAGENET, PRETRAINED, find_file, read_state

VGG19 = ((64, 64), (128, 128), (256,) * 4, (512,) * 4, (512,) * 4)  # channels of each convolution, by stage


class VGG(Network):
    """Stages of 3×3 convolutions with ReLU, max pooling between them."""

    def __init__(
        self,
        stages: Sequence[Sequence[int]],
        *,
        dropout: float = 0.0,
        pool: Pool | None = None,
        weights: str = "",
    ) -> None:
        super().__init__(stages[-1][-1], dropout=dropout, pool=pool)
        layers: list[nn.Module] = []
        channels = 3
        for number, widths in enumerate(stages):
            if number:
                layers.append(nn.MaxPool2d(2))
            for width in widths:
                layers += [convolution(channels, width), nn.ReLU()]
                channels = width
        self.layers = nn.Sequential(*layers)
        if weights:
            self.load(weights)

    def features(self, x: Tensor) -> Tensor:
        return self.layers(x)  # type: ignore[no-any-return]

    def stages(self) -> list[nn.Module]:
        """The convolutions: what lies between them learns nothing."""
        return [layer for layer in self.layers if isinstance(layer, nn.Conv2d)]

    def load(self, name: str) -> None:
        """Take the convolutions of a file, a folder or a hub's network; UsageError where they do not fit."""
        published = read_state(find_file(name))
        layers = {
            key.removeprefix("features."): value
            for key, value in published.items()
            if key.startswith("features.")
        }
        try:
            self.layers.load_state_dict(layers)
        except RuntimeError as error:
            raise UsageError(f"{name} holds no weights of this VGG; give torchvision's or timm's") from error
        self.normalisation = IMAGENET


def convolution(channels_in: int, channels_out: int) -> nn.Conv2d:
    """Scaled for a ReLU (He et al. 2015): nineteen layers without batch norm do not learn otherwise."""
    made = nn.Conv2d(channels_in, channels_out, kernel_size=3, padding=1)
    nn.init.kaiming_normal_(made.weight, mode="fan_out", nonlinearity="relu")
    nn.init.zeros_(made.bias)  # type: ignore[arg-type]
    return made


@network("vgg19", size=224)
def vgg19(*, dropout: float = 0.0, pool: Pool | None = None, weights: str = "") -> VGG:
    published = "timm/vgg19.tv_in1k" if weights == PRETRAINED else weights
    return VGG(VGG19, dropout=dropout, pool=pool, weights=published)
