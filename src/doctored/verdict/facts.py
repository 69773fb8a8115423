"""What the policy's rows may ask about a picture: facts, each with the findings that make it so."""

from collections.abc import Sequence

from doctored.records import Finding, Kind, Says, Strength

FACTS = {
    "unexamined": "every check failed, or the picture could not be opened",
    "decisive_fake": "a decisive finding says fake",
    "decisive_real": "a decisive finding says real",
    "strong_fake": "a strong or decisive finding says fake",
    "contradiction": (
        "strong or decisive findings answer the same question differently; what a detector said before mild "
        "copies made it unstable counts"
    ),
    "declared_fake": (
        "the file says that it was made or edited with AI, and nobody vouches for that (codes declares_...)"
    ),
    "no_generation": "a strong or decisive finding says real and covers generated pictures",
    "no_tampering": "a strong or decisive finding says real and covers tampered pictures",
    "undecided": "a detector in its domain is between its thresholds",
    "unstable": "a detector's answer would change on a mild copy of the picture (only where that was asked)",
    "outside_domain": "a detector is outside its domain",
    "weak_sign": "a finding leans to one side, and is not strong enough to decide",
}

# What a fact always brings with it, so that a row behind one that asks for less is never reached.
IMPLIED = {
    "decisive_fake": ("strong_fake",),
    "decisive_real": ("no_generation", "no_tampering"),
    "declared_fake": ("weak_sign",),
}

_COVERED_BY = {"generated": "no_generation", "tampered": "no_tampering"}
# An AI edit of a photo is generated in part and tampered as a whole: either detector would see it.
_QUESTIONS = {
    Kind.GENERATED: frozenset({"generated"}),
    Kind.TAMPERED: frozenset({"tampered"}),
    Kind.EDITED_WITH_AI: frozenset({"generated", "tampered"}),
}
_BOTH = frozenset(_COVERED_BY)
UNSTABLE = "detector_unstable"
_ABSTENTIONS = {
    "detector_undecided": "undecided",
    UNSTABLE: "unstable",
    "outside_domain": "outside_domain",
}

Facts = dict[str, list[Finding]]


def find_facts(findings: Sequence[Finding]) -> Facts:
    """The facts that hold, each with the findings that it rests on, in their order."""
    facts: Facts = {}
    for finding in findings:
        for fact in _facts_of_one(finding):
            facts.setdefault(fact, []).append(finding)
    if findings and all(finding.code == "could_not_check" for finding in findings):
        facts["unexamined"] = list(findings)
    if disputed := _contradicting(findings):
        facts["contradiction"] = disputed
    return facts


def facts(findings: Sequence[Finding]) -> frozenset[str]:
    """The names of the facts that hold."""
    return frozenset(find_facts(findings))


def _facts_of_one(finding: Finding) -> list[str]:
    if finding.says is Says.NEUTRAL:
        return [_ABSTENTIONS[finding.code]] if finding.code in _ABSTENTIONS else []
    held = []
    if finding.strength is Strength.DECISIVE:
        held.append(f"decisive_{finding.says.value}")
    if not _is_strong(finding):
        held.append("weak_sign")
        if finding.says is Says.FAKE and finding.code.startswith("declares_"):
            held.append("declared_fake")
    elif finding.says is Says.FAKE:
        held.append("strong_fake")
    else:
        held += [_COVERED_BY[question] for question in sorted(_covers(finding))] or ["weak_sign"]
    return held


def _contradicting(findings: Sequence[Finding]) -> list[Finding]:
    """Strong findings that answer one question differently.

    A detector of tampering that says real does not contradict one of generation that says fake: they were
    asked different questions. An unstable detector counts with what it said of the picture itself, so that
    no picture which was contradictory becomes anything better because copies of it were judged too.
    """
    strong = [finding for finding in findings if _is_strong(finding) or finding.code == UNSTABLE]
    if len(strong) < 2:
        return []
    fakes = [finding for finding in strong if _said(finding) == "fake"]
    reals = [finding for finding in strong if _said(finding) == "real"]
    if not fakes or not reals:
        return []
    pairs = [(fake, real) for fake in fakes for real in reals if _question(fake) & (_covers(real) or _BOTH)]
    disputed = [finding for pair in pairs for finding in pair]
    return [finding for finding in strong if any(finding is other for other in disputed)]


def _is_strong(finding: Finding) -> bool:
    return finding.strength in (Strength.STRONG, Strength.DECISIVE)


def _said(finding: Finding) -> str:
    """Its side; of an unstable detector's finding, the side that it had taken."""
    return str(finding.details["said"]) if finding.code == UNSTABLE else finding.says.value


def _question(finding: Finding) -> frozenset[str]:
    return _QUESTIONS[finding.kind] if finding.kind else _BOTH


def _covers(finding: Finding) -> frozenset[str]:
    """The kinds of forgery that a finding which says real speaks against."""
    if finding.strength is Strength.DECISIVE:
        return _BOTH
    return _BOTH.intersection(finding.details.get("covers", ()))
