"""What a scan is told, as a value that crosses process borders. Light: the scanning parent imports this."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

# `picture.Limits` holds the defaults, but importing it brings numpy and Pillow, which the parent does
# without. A test holds these two equal to it.
MAX_BYTES = 256 * 2**20
TIME_S = 20.0


class Settings(NamedTuple):
    """`detectors` by name or path (None: the whole shelf); `limits` holds what differs from `Limits()`."""

    detectors: tuple[str, ...] | None = None
    budget: float = 0.01
    policy: str = "careful"
    limits: Mapping[str, float] = MappingProxyType({})

    @property
    def max_bytes(self) -> int:
        return int(self.limits.get("max_bytes", MAX_BYTES))

    @property
    def time_s(self) -> float:
        return self.limits.get("time_s", TIME_S)

    def to_json(self) -> dict[str, Any]:
        names = None if self.detectors is None else list(self.detectors)
        return {**self._asdict(), "detectors": names, "limits": dict(self.limits)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Settings":
        names = value["detectors"]
        return cls(**{**value, "detectors": None if names is None else tuple(names)})
