"""The policy: rows in order, the first that fits decides. One pure function; `table` reads the rows."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from doctored.records import Finding, Kind, Label, RecordError, Says, UsedPolicy, Verdict
from doctored.verdict.facts import find_facts

_DETECTOR = "detector:"


class Row(NamedTuple):
    """One rule: it fits where every fact of `when` holds and none of `unless` does."""

    rule: str
    when: tuple[str, ...]
    unless: tuple[str, ...]
    label: Label
    text: str

    def fits(self, facts: frozenset[str]) -> bool:
        return facts.issuperset(self.when) and facts.isdisjoint(self.unless)


class Policy(NamedTuple):
    """A validated table; `table` is its canonical JSON, `digest` the sha256 of that."""

    name: str
    text: str
    rows: tuple[Row, ...]
    table: str
    digest: str

    @property
    def used(self) -> UsedPolicy:
        return UsedPolicy(self.name, self.digest)

    def row_for(self, facts: frozenset[str]) -> Row:
        """The first row that fits; the last one always does."""
        return next(row for row in self.rows if row.fits(facts))


def decide(findings: Sequence[Finding], policy: Policy) -> Verdict:
    """What the policy makes of one picture's findings. Pure: the same findings give the same verdict."""
    facts = find_facts(findings)
    row = policy.row_for(frozenset(facts))
    deciding = _deciding(row, facts)
    return Verdict(
        label=row.label,
        rule=row.rule,
        text=_fill(row, " ".join(dict.fromkeys(finding.text for finding in deciding))),
        kind=_kind(deciding) if row.label is Label.FAKE else None,
        codes=tuple(dict.fromkeys(finding.code for finding in deciding)),
        probability=_probability(deciding),
    )


def not_examined(error: RecordError, policy: Policy) -> Verdict:
    """The verdict on a picture that could not be opened: never real."""
    row = policy.row_for(frozenset({"unexamined"}))
    return Verdict(
        label=row.label,
        rule=row.rule,
        text=_fill(row, _as_sentence(error.message)),
        codes=(error.code,),
    )


def _fill(row: Row, because: str) -> str:
    return row.text.replace("{because}", because).rstrip()


def _as_sentence(message: str) -> str:
    """An error's message begins small and has no full stop, for it may stand behind a path."""
    return f"{message[:1].upper()}{message[1:].rstrip('.')}."


def _deciding(row: Row, facts: Mapping[str, list[Finding]]) -> list[Finding]:
    if len(row.when) == 1:
        return facts[row.when[0]]
    found: list[Finding] = []
    for fact in row.when:
        found += [finding for finding in facts[fact] if not any(finding is other for other in found)]
    return found


def _kind(deciding: Sequence[Finding]) -> Kind | None:
    """The kind that the findings which say fake agree on; None where they name none, or more than one."""
    kinds = {finding.kind for finding in deciding if finding.says is Says.FAKE and finding.kind}
    return kinds.pop() if len(kinds) == 1 else None


def _probability(deciding: Sequence[Finding]) -> float | None:
    """The probability of the one detector that decided, inside its domain; None for any other number."""
    probabilities = [
        finding.details.get("probability")
        for finding in deciding
        if finding.check.startswith(_DETECTOR) and finding.code != "outside_domain"
    ]
    if len(probabilities) != 1 or not isinstance(probabilities[0], float):
        return None
    return probabilities[0]
