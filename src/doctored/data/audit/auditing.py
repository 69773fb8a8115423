"""The audit: one pass over the pictures, then rules, leaks and a verdict."""

from dataclasses import dataclass
from typing import Any

from doctored.data.audit.channels import ChannelStatistics, measure_channels
from doctored.data.audit.exploring import count_labels
from doctored.data.audit.facts import Facts, collect_facts
from doctored.data.audit.leaks import Leaks, Overlap, find_leaks, find_overlap
from doctored.data.audit.rules import CORRECTED, Judged, judge_models, judge_rules
from doctored.data.audit.twins import Codes, Twins, find_twins, join_units
from doctored.data.audit.verdict import AuditVerdict, decide, state_of, tell_rule
from doctored.data.manifest import Manifest
from doctored.data.pack import Progress
from doctored.errors import MissingExtra
from doctored.version import __version__

SCHEMA = 1


@dataclass(frozen=True, slots=True, eq=False)
class Audit:
    """`rules` come ranked, the most telling first; `units` joins rows that must not be parted (int64 [N]);
    `notes` say in plain words what could not be looked at."""

    facts: Facts
    twins: Twins
    units: Codes
    rules: tuple[Judged, ...]
    leaks: Leaks
    channels: ChannelStatistics
    overlap: Overlap | None
    verdict: AuditVerdict
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """What `audit.json` holds. Figures are rounded to six decimals."""
        manifest = self.facts.manifest
        metadata = manifest.metadata
        return {
            "schema": SCHEMA,
            "doctored": __version__,
            "data": {
                "reader": metadata.reader,
                "digest": manifest.digest(),
                "equalisation": metadata.to_json()["equalisation"],
                "rows": len(manifest),
                "unread": len(self.facts.problems),
                "counts": count_labels(self.facts),
            },
            "verdict": self.verdict.to_json(),
            "confidence": round(CORRECTED, 6),
            "rules": [_rule_to_json(judged) for judged in self.rules],
            "leaks": self.leaks.to_json(),
            "overlap": self.overlap and self.overlap.to_json(),
            "channels": self.channels.to_json(),
            "notes": list(self.notes),
        }


def audit(
    manifest: Manifest,
    *,
    against: Manifest | None = None,
    against_name: str = "the other set",
    with_models: bool = True,
    seed: int = 0,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Audit:
    """Look at a data set before anyone trains on it.

    `against` is another set to find the same pictures in. `with_models` grows boosted trees, which needs
    scikit-learn; without it a note says that they are missing. `progress(done, total)` counts pictures read.
    Raises DataError where the set, or not one picture of it, can be read.
    """
    facts = collect_facts(manifest, workers=workers, progress=progress)
    other = collect_facts(against, workers=workers) if against is not None else None
    return judge_facts(facts, against=other, against_name=against_name, with_models=with_models, seed=seed)


def judge_facts(
    facts: Facts,
    *,
    against: Facts | None = None,
    against_name: str = "the other set",
    with_models: bool = True,
    seed: int = 0,
) -> Audit:
    """As `audit`, on what was already collected."""
    notes = _note_problems(facts)
    twins = find_twins(facts.records)
    units = join_units(twins, facts.manifest.column("group"))
    rules = judge_rules(facts, units, seed)
    if not rules:
        notes.append("There are fewer than ten labelled pictures of a class: no rule was tried.")
    elif with_models:
        try:
            rules += judge_models(facts, units, seed)
        except MissingExtra as error:
            notes.append(f"{error}.")
    rules.sort(key=lambda judged: -judged.score.low if judged.score else 0.0)
    leaks = find_leaks(facts, twins, units, seed)
    if not leaks.near_is_complete:
        notes.append("There are more than ten million pairs alike; not all were looked at.")
    overlap = find_overlap(facts, against, against_name) if against is not None else None
    channels = measure_channels(facts)
    verdict = decide(rules, leaks, overlap)
    return Audit(facts, twins, units, tuple(rules), leaks, channels, overlap, verdict, tuple(notes))


def _note_problems(facts: Facts) -> list[str]:
    if not facts.problems:
        return []
    row, problem = min(facts.problems.items())
    name = facts.manifest.column("id")[row]
    count = len(facts.problems)
    what = "picture" if count == 1 else "pictures"
    return [f"{count:,} {what} could not be read, the first: {name}: {problem['message']}."]


def _rule_to_json(judged: Judged) -> dict[str, Any]:
    return {
        "name": judged.name,
        "about": judged.about,
        "state": state_of(judged).value,
        "text": tell_rule(judged),
        "score": judged.score and judged.score.to_json(),
        "values": list(judged.values),
    }
