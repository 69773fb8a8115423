"""The zoo: one file a family, each network registered beside its definition."""

from doctored.models import compact, residual  # noqa: F401  (they register themselves)
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
