"""The page that a detector has on a hub: its own card, in Markdown.

The card of a file may come from anybody, and whatever shows the page renders Markdown and HTML. So each
text of the card is escaped: CommonMark lets any ASCII punctuation stand for itself behind a backslash, and a
card's texts are one line each, so that none can open a block of its own (spec.commonmark.org, "Backslash
escapes"). What is to be copied stands in fences longer than any run of backticks in it.
"""

import re
import string
from collections.abc import Iterable

from doctored.detector.card import Card, Threshold

QUESTIONS = {
    "generated": "was this picture made by a generator?",
    "tampered": "was this picture edited?",
    "either": "was this picture made by a generator, or edited?",
}
_PUNCTUATION = re.compile(f"[{re.escape(string.punctuation)}]")
_FRONT_MATTER = """\
---
library_name: doctored
pipeline_tag: image-classification
tags:
- doctored
- image-forensics
- onnx
---
"""


def write_model_card(card: Card, file: bytes, sha256: str, name: str) -> str:
    """The Markdown page of a detector `file` with this `card`, to be known as `name` (`hf://owner/name`)."""
    domain, notes = card.domain, card.card
    sides = " to ".join(str(side) for side in sorted({domain.min_side, domain.max_side}))
    counts = ", ".join(f"{part} {count:,}" for part, count in notes.counts.items())
    facts = (
        ("Question", QUESTIONS[card.asks.value]),
        ("Knows", f"{domain.text} ({domain.kind.value}; sides of {sides} pixels)"),
        ("Limits", notes.limits),
        ("Trained on", f"{notes.data} ({counts})" if counts else notes.data),
        ("Licence, as its maker states it", notes.licence),
        ("Network", notes.text),
        ("Digest of the training manifest", card.digest),
        ("sha256 of detector.onnx", f"{sha256} ({len(file):,} bytes)"),
        ("Commit", notes.commit),
    )
    parts = [
        f"{_FRONT_MATTER}# {plain(card.name)} {plain(card.version)}",
        "A detector for Doctored: one ONNX file with its normalisation, "
        "calibration, evidence map, thresholds and limits inside. It answers `real`, `fake` or `unsure`; "
        "outside what it knows it abstains.",
        "\n".join(f"- **{what}**: {plain(says)}" for what, says in facts),
        "## Use it",
        fenced(
            "pip install 'doctored[hub]'",
            f"doctored pull {name}",
            f"doctored scan PICTURES --detector {name}",
        ),
        f"Write `{name}@COMMIT` with a commit of this repository, and the file is pinned: another one under "
        "the same commit is refused.",
        "## Figures",
        _table(
            ("figure", "value", "95 % interval", "n"),
            (
                (plain(key), f"{row.value:.4f}", f"{row.low:.4f} to {row.high:.4f}", f"{row.n:,}")
                for key, row in notes.metrics.items()
            ),
        ),
        "## Thresholds",
        _table(
            ("says", "at a logit of", "budget", "95 % bound", "n"),
            (
                _threshold_row(side, sign, row)
                for side, sign in (("fake", "≥"), ("real", "≤"))
                for row in card.thresholds[side]
            ),
        ),
        "The budget of `fake` is the share of real pictures that may be called fake, that of `real` the "
        "share of fakes that may be called real; bought on pictures that were not trained on.",
        "## Made by",
        fenced(notes.command),
    ]
    return "\n\n".join(parts) + "\n"


def plain(text: str) -> str:
    """A text of one line as Markdown that shows just this text."""
    return _PUNCTUATION.sub(r"\\\g<0>", " ".join(text.split()))


def fenced(*lines: str) -> str:
    """A block of code, whatever stands in it."""
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join((fence, *(" ".join(line.split()) for line in lines), fence))


def _threshold_row(side: str, sign: str, row: Threshold) -> tuple[str, ...]:
    return f"`{side}`", f"{sign} {row.logit:.4f}", f"{row.budget:.1%}", f"{row.bound:.2%}", f"{row.n:,}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
