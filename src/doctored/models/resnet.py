"""ResNet-18 and ResNet-50 (He et al. 2016), as they were published, up to their last block.

The evidence map is a 32nd of the picture a side: 7×7 cells at 224×224. The body is that of transformers.
"""

from collections.abc import Sequence

from doctored.models.base import Pool, network
from doctored.models.transformers_backbone import Backbone, import_transformers, make_backbone
from doctored.models.weights import PRETRAINED


def resnet(
    block: str,
    widths: Sequence[int],
    depths: Sequence[int],
    *,
    weights: str = "",
    dropout: float = 0.0,
    pool: Pool | None = None,
) -> Backbone:
    """Stages of `depths` blocks, `basic` or `bottleneck`, that end with `widths` channels."""
    configuration = import_transformers().ResNetConfig(
        embedding_size=64, hidden_sizes=list(widths), depths=list(depths), layer_type=block
    )
    return make_backbone(configuration, weights, dropout=dropout, pool=pool)


@network("resnet18", size=224)
def resnet18(*, dropout: float = 0.0, pool: Pool | None = None, weights: str = "") -> Backbone:
    published = "microsoft/resnet-18" if weights == PRETRAINED else weights
    return resnet("basic", (64, 128, 256, 512), (2, 2, 2, 2), weights=published, dropout=dropout, pool=pool)


@network("resnet50", size=224)
def resnet50(*, dropout: float = 0.0, pool: Pool | None = None, weights: str = "") -> Backbone:
    published = "microsoft/resnet-50" if weights == PRETRAINED else weights
    return resnet(
        "bottleneck", (256, 512, 1024, 2048), (3, 4, 6, 3), weights=published, dropout=dropout, pool=pool
    )
