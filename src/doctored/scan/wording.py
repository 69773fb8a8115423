"""A record in words: what a terminal and a page say of it, each sentence once."""

from collections.abc import Mapping, Sequence
from typing import Any

STRENGTHS = ("decisive", "strong", "weak", "none")


def lead(record: Mapping[str, Any]) -> str:
    """The verdict in words without the findings' sentences at its end, which are told one a line below it."""
    text = str(record["text"])
    endings = [ending for finding in record["findings"] if (ending := finding["text"].rstrip())]
    while ending := next((ending for ending in endings if text.endswith(ending)), ""):
        text = text[: -len(ending)].rstrip()
    return text


def strongest_first(findings: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The findings as people read them; among equals the order of the checks stays."""
    return sorted(findings, key=lambda finding: STRENGTHS.index(finding["strength"]))


def mark(finding: Mapping[str, Any]) -> str:
    """What a finding says and how strongly: `decisive fake`, `weak real`, or `neutral`."""
    says = str(finding["says"])
    return says if says == "neutral" else f"{finding['strength']} {says}"


def is_neutral(record: Mapping[str, Any]) -> bool:
    """Whether no finding speaks for either side."""
    return all(finding["says"] == "neutral" for finding in record["findings"])
