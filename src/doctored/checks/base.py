"""What a check is, and how checks are run so that none can break a scan or fall silent."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

from doctored.checks.texts import sentence
from doctored.errors import DoctoredError
from doctored.records import Finding, Says, Strength

if TYPE_CHECKING:
    from doctored.picture import Picture


class Check(Protocol):
    """One way of looking at a picture. `name` is stable: `jpeg`, `metadata`, `detector:cifake-compact`."""

    @property
    def name(self) -> str: ...

    def run(self, picture: "Picture") -> list[Finding]: ...


class BatchCheck(Check, Protocol):
    """A check that gains from many pictures at once; `run_many` answers in their order."""

    def run_many(self, pictures: "Sequence[Picture]") -> list[list[Finding]]: ...


def run_checks(checks: "Sequence[Check]", pictures: "Sequence[Picture]") -> list[list[Finding]]:
    """Every picture's findings, in the order of `checks`.

    A check that fails on a picture leaves the finding `could_not_check` there, whatever it raised.
    """
    findings: list[list[Finding]] = [[] for _ in pictures]
    for check in checks:
        for own, found in zip(findings, _run_one_check(check, pictures), strict=True):
            own.extend(found)
    return findings


def _run_one_check(check: Check, pictures: "Sequence[Picture]") -> list[list[Finding]]:
    if hasattr(check, "run_many") and len(pictures) > 1:
        try:
            found = cast(BatchCheck, check).run_many(pictures)
            if len(found) == len(pictures):
                return found
        except Exception:  # noqa: S110 - one bad picture must not cost the others: each is tried alone
            pass
    return [_run_alone(check, picture) for picture in pictures]


def _run_alone(check: Check, picture: "Picture") -> list[Finding]:
    try:
        return check.run(picture)
    except Exception as error:
        return [could_not_check(check.name, error)]


def neutral(
    check: str,
    limits: str,
    code: str,
    text: str,
    details: Mapping[str, Any],
    score: float | None = None,
) -> Finding:
    """A finding that speaks for neither side."""
    return Finding(
        check=check,
        code=code,
        says=Says.NEUTRAL,
        strength=Strength.NONE,
        text=text,
        score=score,
        details=details,
        limits=limits,
    )


def could_not_check(check: str, error: Exception) -> Finding:
    """The finding of a check that failed: neutral, with the reason in words and in `details["error"]`."""
    reason = error_in_words(error)
    text = sentence("could_not_check", check=check, reason=reason)
    return neutral(check, "", "could_not_check", text, {"error": reason})


def error_in_words(error: Exception) -> str:
    """What went wrong, on one line of at most 300 characters, without a full stop."""
    reason = str(error) if isinstance(error, DoctoredError) else f"{type(error).__name__}: {error}"
    return " ".join(reason.split())[:300].rstrip(".: ")
