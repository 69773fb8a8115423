"""Every check that ships: importing this module registers them all."""

from doctored.checks import credentials, metadata, container, jpeg, detector  # noqa: I001 - the order of findings
from doctored.checks.registry import CheckSettings, build_checks, check_names

__all__ = [
    "CheckSettings",
    "build_checks",
    "check_names",
    "container",
    "credentials",
    "detector",
    "jpeg",
    "metadata",
]
