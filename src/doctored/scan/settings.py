"""What a scan is told, as a value that crosses process borders. Light: the scanning parent imports this."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# `picture.Limits` holds the defaults, but importing it brings numpy and Pillow, which the parent does
# without. A test holds these two equal to it.
MAX_BYTES = 256 * 2**20
TIME_S = 20.0


@dataclass(frozen=True, slots=True)
class Settings:
    """`detectors` by name or path (None: the whole shelf); `limits` holds what differs from `Limits()`."""

    detectors: tuple[str, ...] | None = None
    budget: float = 0.01
    policy: str = "careful"
    limits: Mapping[str, float] = field(default_factory=dict)

    @property
    def max_bytes(self) -> int:
        return int(self.limits.get("max_bytes", MAX_BYTES))

    @property
    def time_s(self) -> float:
        return self.limits.get("time_s", TIME_S)

    def to_json(self) -> dict[str, Any]:
        return {
            "detectors": None if self.detectors is None else list(self.detectors),
            "budget": self.budget,
            "policy": self.policy,
            "limits": dict(self.limits),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Settings":
        names = value["detectors"]
        return cls(**{**value, "detectors": None if names is None else tuple(names)})
