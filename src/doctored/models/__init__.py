"""The zoo: one file a family, each network registered beside its definition."""

from doctored.models import compact as _compact  # noqa: F401  (registers itself)
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
