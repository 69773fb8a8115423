"""The zoo: one file a family, each network registered beside its definition."""

from doctored.models import (  # noqa: F401  (they register themselves)
    compact,
    efficientnet_lite,
    residual,
    resnet,
    timm_backbone,
    transformers_backbone,
    vgg,
    vit,
)
from doctored.models.base import (
    Evidence,
    Network,
    Pool,
    build_network,
    count_parameters,
    network,
    network_names,
)

__all__ = [
    "Evidence",
    "Network",
    "Pool",
    "build_network",
    "count_parameters",
    "network",
    "network_names",
]
