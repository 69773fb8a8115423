"""From figures to a verdict: `broken`, `suspicious` or `clean`, each with its reasons in plain words."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from doctored.data.audit.leaks import Leaks, Overlap
from doctored.data.audit.rules import PIXEL_MODEL, Judged

BROKEN_AUC = 0.75
SUSPICIOUS_AUC = 0.60
BROKEN_SHARE = 0.05
SUSPICIOUS_SHARE = 0.001


class State(StrEnum):
    BROKEN = "broken"
    SUSPICIOUS = "suspicious"
    CLEAN = "clean"


@dataclass(frozen=True, slots=True)
class Reason:
    """`code` is the rule's name or the leak's, `text` one plain sentence."""

    code: str
    state: State
    text: str

    def to_json(self) -> dict[str, str]:
        return {"code": self.code, "state": self.state.value, "text": self.text}


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """`state` is the worst of the `reasons`, which come worst first; `clean` has none."""

    state: State
    reasons: tuple[Reason, ...]

    def to_json(self) -> dict[str, Any]:
        return {"state": self.state.value, "reasons": [reason.to_json() for reason in self.reasons]}


def decide(rules: Sequence[Judged], leaks: Leaks, overlap: Overlap | None = None) -> AuditVerdict:
    """The verdict of an audit.

    `broken`: a rule about files tells the classes apart with a lower bound of the AUC of at least 0.75, or
    a leak or conflicting labels touch 5 % of the test split. A word for the class in file names, and what
    only pixels tell, are at most `suspicious`. Below an AUC of 0.60, and below one row in a thousand,
    nothing is held against a set.
    """
    reasons = [reason for judged in rules if (reason := _of_rule(judged)) is not None]
    reasons += _of_leaks(leaks)
    if overlap is not None and overlap.equal + overlap.near:
        reasons.append(Reason("overlap", State.SUSPICIOUS, tell_overlap(overlap)))
    order = list(State)
    reasons.sort(key=lambda reason: order.index(reason.state))
    state = reasons[0].state if reasons else State.CLEAN
    return AuditVerdict(state, tuple(reasons))


def state_of(judged: Judged) -> State:
    """What a rule's figures alone amount to."""
    if judged.score is None:
        return State.CLEAN
    if judged.name in (PIXEL_MODEL, "name_class"):
        # A network is meant to learn from pixels, and a name for the class says no more than its folder.
        return State.SUSPICIOUS if judged.score.low >= BROKEN_AUC else State.CLEAN
    if judged.score.low >= BROKEN_AUC:
        return State.BROKEN
    return State.SUSPICIOUS if judged.score.low >= SUSPICIOUS_AUC else State.CLEAN


def tell_rule(judged: Judged) -> str:
    """One plain sentence."""
    subject = judged.about[0].upper() + judged.about[1:]
    score = judged.score
    if score is None:
        return f"{subject}: alike for all pictures."
    figures = f"AUC {score.auc:.3f}, at least {score.low:.3f}; {score.accuracy:.1%} right"
    state = state_of(judged)
    if judged.name == PIXEL_MODEL:
        if state is State.CLEAN:
            return f"{subject} say little about the class ({figures})."
        return f"{subject} tell real from fake ({figures}): a network may learn no more than that."
    if judged.name == "name_class" and state is not State.CLEAN:
        return f"File names spell out the class ({figures}): harmless until a program reads them."
    if state is State.BROKEN:
        return f"{subject}: this alone tells real from fake ({figures})."
    if state is State.SUSPICIOUS:
        return f"{subject}: not the same for both classes ({figures})."
    return f"{subject}: no usable difference ({figures})."


def tell_overlap(overlap: Overlap) -> str:
    places = ", ".join(f"{split} {count:,}" for split, count in sorted(overlap.by_split.items()))
    return (
        f"{overlap.equal + overlap.near:,} pictures are in {overlap.other} too: {overlap.equal:,} with equal "
        f"pixels, {overlap.near:,} nearly so ({places})."
    )


def _of_rule(judged: Judged) -> Reason | None:
    state = state_of(judged)
    return None if state is State.CLEAN else Reason(judged.name, state, tell_rule(judged))


def _of_leaks(leaks: Leaks) -> list[Reason]:
    reasons = []
    if leaks.conflict_rows:
        state = _state_of_share(leaks.conflict_share)
        text = (
            f"{leaks.conflicts:,} pictures are labelled real and fake at once ({leaks.conflict_rows:,} rows, "
            f"{leaks.conflict_share:.1%} of the {'test split' if leaks.test_rows else 'set'})."
        )
        reasons.append(Reason("label_conflict", state, text))
    for name, code, words in (
        ("equal_pixels", "duplicate_leak", "is there again, pixel for pixel,"),
        ("near_duplicates", "near_duplicate_leak", "is there again, nearly the same,"),
        ("groups", "group_leak", "shares its scene or source with a picture"),
    ):
        count = leaks.leaked[name]
        if count:
            share = count / leaks.test_rows
            text = (
                f"{count:,} of {leaks.test_rows:,} test pictures ({share:.1%}): each {words} in train or val."
            )
            reasons.append(Reason(code, _state_of_share(share), text))
    if leaks.leaked_share >= BROKEN_SHARE and all(reason.state is not State.BROKEN for reason in reasons):
        text = f"All leaks together reach {leaks.leaked['any']:,} test pictures ({leaks.leaked_share:.1%})."
        reasons.append(Reason("leak", State.BROKEN, text))
    return [reason for reason in reasons if reason.state is not State.CLEAN]


def _state_of_share(share: float) -> State:
    if share >= BROKEN_SHARE:
        return State.BROKEN
    return State.SUSPICIOUS if share >= SUSPICIOUS_SHARE else State.CLEAN
