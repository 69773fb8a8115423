"""Every check that ships: importing this module registers them all."""

from doctored.checks import credentials, detector
from doctored.checks.registry import CheckSettings, build_checks, check_names

__all__ = ["CheckSettings", "build_checks", "check_names", "credentials", "detector"]
