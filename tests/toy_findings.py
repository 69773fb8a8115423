"""One finding of each sort that the policy tells apart, and all ways to combine them."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

from doctored.records import Finding, Kind, Says, Strength


def detector(
    name: str, says: Says, *, kind: Kind | None = None, covers: tuple[str, ...] = (), probability=0.5
):
    details = {"probability": probability} | ({"covers": list(covers)} if says is Says.REAL else {})
    return Finding(
        check=f"detector:{name}",
        code=f"detector_says_{says.value}",
        says=says,
        strength=Strength.STRONG,
        text=f"{name} says {says.value}.",
        kind=kind,
        details=details,
    )


def neutral(check: str, code: str, **details: float) -> Finding:
    return Finding(check, code, Says.NEUTRAL, Strength.NONE, f"{code} of {check}.", details=details)


def unstable(finding: Finding) -> Finding:
    """A detector's strong finding as it is where a mild copy changes the answer."""
    return replace(
        finding,
        code="detector_unstable",
        says=Says.NEUTRAL,
        strength=Strength.NONE,
        text=f"{finding.check} is unstable.",
        details={**finding.details, "said": finding.says.value},
    )


def sign(check: str, code: str, says: Says, strength: Strength, kind: Kind | None = None) -> Finding:
    return Finding(check, code, says, strength, f"{code} of {check}.", kind)


FAKE_GENERATED = detector("g", Says.FAKE, kind=Kind.GENERATED, probability=0.99)
FAKE_TAMPERED = detector("t", Says.FAKE, kind=Kind.TAMPERED, probability=0.98)
FAKE_OF_NO_KIND = detector("e", Says.FAKE, probability=0.97)
REAL_OF_BOTH = detector("lab", Says.REAL, covers=("generated", "tampered"), probability=0.01)
NOT_GENERATED = detector("g2", Says.REAL, covers=("generated",), probability=0.02)
NOT_TAMPERED = detector("t2", Says.REAL, covers=("tampered",), probability=0.03)
REAL_OF_NOTHING = sign("jpeg", "history_plain", Says.REAL, Strength.STRONG)
SIGNED_FAKE = sign("content_credentials", "signed_generated", Says.FAKE, Strength.DECISIVE, Kind.GENERATED)
SIGNED_REAL = sign("content_credentials", "signed_capture", Says.REAL, Strength.DECISIVE)
DECLARED = sign("metadata", "declares_generator", Says.FAKE, Strength.WEAK, Kind.GENERATED)
WEAK_FAKE = sign("metadata", "thumbnail_differs", Says.FAKE, Strength.WEAK)
WEAK_REAL = sign("metadata", "camera_named", Says.REAL, Strength.WEAK)
UNDECIDED = neutral("detector:u", "detector_undecided", probability=0.4)
UNSTABLE_FAKE = unstable(detector("s", Says.FAKE, kind=Kind.TAMPERED, probability=0.96))
OUTSIDE = neutral("detector:o", "outside_domain")
FAILED = neutral("jpeg", "could_not_check")
NEUTRAL = neutral("container", "trailing_bytes")

DETECTORS = (FAKE_GENERATED, FAKE_TAMPERED, FAKE_OF_NO_KIND, REAL_OF_BOTH, NOT_GENERATED, NOT_TAMPERED)
FEEDING = (
    *DETECTORS, REAL_OF_NOTHING, SIGNED_FAKE, SIGNED_REAL, DECLARED, WEAK_FAKE, WEAK_REAL, UNDECIDED,
    UNSTABLE_FAKE, OUTSIDE,
)  # fmt: skip
ALL = (*FEEDING, FAILED, NEUTRAL)


def every_combination(
    findings: tuple[Finding, ...] = FEEDING, at_most: int | None = None
) -> Iterator[tuple[Finding, ...]]:
    """All sets of these findings, or those of at most so many: 32,768 of those that a policy looks at."""
    for size in range(len(findings) + 1 if at_most is None else at_most + 1):
        yield from combinations(findings, size)
