"""What checks report, what the policy decides, and the record that every entrance returns.

A `Finding` comes from one check. A `Verdict` is what the policy makes of all findings. A `Record` is
one picture's row in JSON, JSON lines, CSV, REST and Python alike. All are frozen, validate themselves
when made, and know nothing of how they were computed.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

SCHEMA = 1
DECIMALS = 6


class Label(StrEnum):
    REAL = "real"
    FAKE = "fake"
    UNSURE = "unsure"


class Says(StrEnum):
    FAKE = "fake"
    REAL = "real"
    NEUTRAL = "neutral"


class Kind(StrEnum):
    GENERATED = "generated"
    EDITED_WITH_AI = "edited_with_ai"
    TAMPERED = "tampered"


class Strength(StrEnum):
    DECISIVE = "decisive"
    STRONG = "strong"
    WEAK = "weak"
    NONE = "none"


def rounded(value: Any) -> Any:
    """Round every float inside a JSON value to six decimals; refuse NaN and infinities."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"a record cannot hold {value}")
        return round(value, DECIMALS)
    if isinstance(value, Mapping):
        return {str(key): rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return value


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that one check saw, or could not see.

    `check` is the check's name (`detector:cifake-compact`), `code` a stable snake_case word, `text` one
    plain sentence, `score` what the check measured, `region` a box (x, y, width, height) in pixels of
    the upright picture, `details` a JSON object, `limits` what this check cannot see.
    `details["covers"]`, on a finding that says real, lists the kinds of forgery it speaks against.
    """

    check: str
    code: str
    says: Says
    strength: Strength
    text: str
    kind: Kind | None = None
    score: float | None = None
    region: tuple[int, int, int, int] | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    limits: str = ""

    def __post_init__(self) -> None:
        if not self.code.isidentifier() or self.code != self.code.lower():
            raise ValueError(f"a finding's code is snake_case, not {self.code!r}")
        if (self.says is Says.NEUTRAL) != (self.strength is Strength.NONE):
            raise ValueError(f"{self.code}: a neutral finding, and only that, has no strength")
        if self.score is not None and not math.isfinite(self.score):
            raise ValueError(f"{self.code}: the score is {self.score}")

    def to_json(self) -> dict[str, Any]:
        return {
            "check": self.check,
            "code": self.code,
            "says": self.says.value,
            "kind": self.kind.value if self.kind else None,
            "strength": self.strength.value,
            "text": self.text,
            "score": rounded(self.score),
            "region": list(self.region) if self.region else None,
            "details": rounded(self.details),
            "limits": self.limits,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer: `why` holds the codes that decided, then the policy's `rule`; `text` is for people.

    `probability` (of `fake`, 0 to 1) is there only where exactly one in-domain detector decided.
    """

    label: Label
    rule: str
    text: str
    kind: Kind | None = None
    codes: tuple[str, ...] = ()
    probability: float | None = None

    def __post_init__(self) -> None:
        if self.probability is not None and not 0.0 <= self.probability <= 1.0:
            raise ValueError(f"a probability lies between 0 and 1, not at {self.probability}")
        if self.kind is not None and self.label is not Label.FAKE:
            raise ValueError("only a fake is of a kind")

    @property
    def why(self) -> tuple[str, ...]:
        return (*self.codes, self.rule)


@dataclass(frozen=True, slots=True)
class RecordError:
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class UsedDetector:
    name: str
    version: str
    budget: float


@dataclass(frozen=True, slots=True)
class UsedPolicy:
    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Record:
    """One picture's row. `error` is set exactly when the picture could not be examined."""

    doctored: str
    path: str
    verdict: Verdict
    policy: UsedPolicy
    sha256: str | None = None
    format: str | None = None
    width: int | None = None
    height: int | None = None
    findings: tuple[Finding, ...] = ()
    detectors: tuple[UsedDetector, ...] = ()
    trust_list: Mapping[str, Any] | None = None
    error: RecordError | None = None
    ms: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """The record as a JSON object; its keys and their order are the published schema's."""
        verdict = self.verdict
        return {
            "schema": SCHEMA,
            "doctored": self.doctored,
            "path": self.path,
            "sha256": self.sha256,
            "format": self.format,
            "width": self.width,
            "height": self.height,
            "verdict": verdict.label.value,
            "kind": verdict.kind.value if verdict.kind else None,
            "probability": rounded(verdict.probability),
            "text": verdict.text,
            "why": list(verdict.why),
            "findings": [finding.to_json() for finding in self.findings],
            "detectors": [
                {"name": used.name, "version": used.version, "budget": used.budget} for used in self.detectors
            ],
            "policy": {"name": self.policy.name, "digest": self.policy.digest, "rule": verdict.rule},
            "trust_list": self.trust_list,
            "error": {"code": self.error.code, "message": self.error.message} if self.error else None,
            "ms": round(self.ms, 3),
        }
