"""What a scan is told, as a value that crosses process borders. Light: the scanning parent imports this."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from doctored.verdict import Policy

# `picture.Limits` holds the defaults, but importing it brings numpy and Pillow, which the parent does
# without. A test holds these two equal to it.
MAX_BYTES = 256 * 2**20
TIME_S = 20.0
POLICY = "careful"  # the default of `verdict.load_policy`, for the same reason


class Settings(NamedTuple):
    """`detectors` by name or path (None: the shelf's defaults); `limits` holds what differs from `Limits()`.

    `policy` is a policy's name, `policy_table` its canonical JSON (None: the one that ships under this name).
    `stability`: judge mild copies too. `gps`: findings may show where a picture was taken. `previews`: rows
    carry what a page shows.
    """

    detectors: tuple[str, ...] | None = None
    budget: float = 0.01
    policy: str = POLICY
    limits: Mapping[str, float] = MappingProxyType({})
    policy_table: str | None = None
    stability: bool = False
    gps: bool = False
    previews: bool = False

    def with_policy(self, name_or_path: str) -> "Settings":
        """The same with another policy, read here and now: no worker reads a file that may change meanwhile.

        Raises UsageError as `load_policy` does.
        """
        if name_or_path == POLICY:
            return self._replace(policy=POLICY, policy_table=None)
        from doctored.verdict import load_policy

        policy = load_policy(name_or_path)
        return self._replace(policy=policy.name, policy_table=policy.table)

    def read_policy(self) -> "Policy":
        from doctored.verdict import load_policy, restore_policy

        return load_policy(self.policy) if self.policy_table is None else restore_policy(self.policy_table)

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
