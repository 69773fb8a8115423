"""Splits that nothing leaks across: rows with equal pixels, or of one group, never part."""

from dataclasses import dataclass
from typing import Any

from doctored.data.manifest import Manifest


@dataclass(frozen=True, slots=True)
class SplitReport:
    """What `settle_splits` found and did; `to_json` goes into a run's folder."""

    def to_json(self) -> dict[str, Any]:
        raise NotImplementedError


def settle_splits(
    manifest: Manifest, *, seed: int, val_fraction: float = 0.1, test_fraction: float = 0.2
) -> tuple[Manifest, SplitReport]:
    """Give every row a split (train, val or test), and drop the rows that would leak."""
    raise NotImplementedError
