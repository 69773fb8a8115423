"""What a scan came to: counts for people, and the exit code."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from doctored.errors import UsageError
from doctored.scan.items import Row
from doctored.spelling import suggest

if TYPE_CHECKING:
    from doctored.verdict import Policy

LABELS = ("real", "fake", "unsure")
DONE, MATCHED, UNREADABLE = 0, 1, 3


class Summary:
    """Counts rows as they pass. `fail_on`: labels, codes of findings or errors, and rules to look for."""

    def __init__(self, fail_on: Sequence[str] = ()) -> None:
        self.labels: Counter[str] = Counter()
        self.broken = 0
        self.matched = 0
        self._fail_on = frozenset(fail_on)

    @property
    def total(self) -> int:
        return self.labels.total()

    @property
    def exit_code(self) -> int:
        if self.matched:
            return MATCHED
        return UNREADABLE if self.broken else DONE

    def count(self, row: Row) -> None:
        self.labels[row.label] += 1
        self.broken += row.is_broken
        if self._fail_on and not self._fail_on.isdisjoint(_words(json.loads(row.line))):
            self.matched += 1

    def __str__(self) -> str:
        counts = ", ".join(f"{self.labels[label]:,} {label}" for label in LABELS)
        pictures = "1 picture" if self.total == 1 else f"{self.total:,} pictures"
        unread = f"; {self.broken:,} could not be examined" if self.broken else ""
        return f"{pictures}: {counts}{unread}"


def check_fail_on(words: Iterable[str], policy: "Policy") -> None:
    """UsageError for a word that no record of this scan can match."""

    from doctored.checks.texts import codes
    from doctored.errors import PictureErrorCode

    known = {*LABELS, *codes(), *(row.rule for row in policy.rows)}
    known |= {code.value for code in PictureErrorCode}
    for word in words:
        if word not in known:
            hint = suggest(word, known, "use a label, a finding's code or a rule")
            raise UsageError(f"--fail-on {word}: no record can say that; {hint}")


def _words(record: dict[str, Any]) -> set[str]:
    """All that `--fail-on` can match in a record."""
    return {record["verdict"], *record["why"], *(finding["code"] for finding in record["findings"])}
