"""Figures by part: label, kind of fake, generator, subject, format, size; and without duplicates."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from doctored.data.manifest import Manifest
from doctored.evaluate.judge import Facts, Judgements
from doctored.evaluate.outcome import tally
from doctored.measure.summary import Figure, summarise
from doctored.records import Label

MOST_VALUES = 40
OTHERS = "others"
SIZES = (64, 256, 512, 1024, 2048)
AGAINST_ALL_REAL = ("kind", "generator")

Rows = NDArray[np.int64]
Values = Sequence[str | None]


def describe_slices(
    judgements: Judgements, said: Sequence[Label | None], budget: float
) -> dict[str, list[dict[str, Any]]]:
    """`slices` of `evaluation.json`: of the scored rows, by grouping; `said` are the answers at a budget.

    A grouping that does not part the rows is left out. Of many values the rarest are one, `others`.
    """
    scored = np.flatnonzero(judgements.is_scored)
    return {
        grouping: [_describe(judgements, said, budget, value, rows) for value, rows in parts]
        for grouping, values in _groupings(judgements).items()
        if len(parts := list(_part(grouping, values, scored, judgements.labels))) > 1
    }


def _groupings(judgements: Judgements) -> dict[str, Values]:
    column = judgements.manifest.column
    return {
        "label": column("label"),
        "kind": column("kind"),
        "generator": column("generator"),
        "subject": column("subject"),
        "format": [seen.format for seen in judgements.facts],
        "size": [_size(seen) for seen in judgements.facts],
    }


def _size(seen: Facts) -> str | None:
    """The longer side, in words."""
    if seen.width is None or seen.height is None:
        return None
    side = max(seen.width, seen.height)
    for low, high in zip((0, *SIZES), SIZES, strict=False):
        if side <= high:
            return f"{low + 1} to {high}" if low else f"up to {high}"
    return f"over {SIZES[-1]}"


def _part(
    grouping: str, values: Values, scored: Rows, labels: NDArray[np.uint8]
) -> Iterator[tuple[str, Rows]]:
    """Each value with its rows, the most frequent first; sizes in their own order."""
    is_fake_only = grouping in AGAINST_ALL_REAL
    own = scored[labels[scored] == 1] if is_fake_only else scored
    counts = Counter(value for row in own if (value := values[row]) is not None)
    names = [name for name, _ in counts.most_common(MOST_VALUES)]
    if grouping == "size":
        names.sort(key=lambda name: int(name.split()[-1]) + name.startswith("over"))
    of_value: dict[str, list[int]] = {name: [] for name in names}
    for row in own:
        if (value := values[row]) is not None:
            of_value.setdefault(value if value in of_value else OTHERS, []).append(int(row))
    reals = scored[labels[scored] == 0]
    for name, rows in of_value.items():
        chosen = np.array(rows, np.int64)
        yield name, np.sort(np.concatenate([chosen, reals])) if is_fake_only else chosen


def _describe(
    judgements: Judgements, said: Sequence[Label | None], budget: float, value: str, rows: Rows
) -> dict[str, Any]:
    labels = judgements.labels[rows]
    outcome = tally([said[row] for row in rows], labels, budget)
    return {
        "value": value,
        "real": int((labels == 0).sum()),
        "fake": int((labels == 1).sum()),
        "figures": _speaking(summarise(labels, judgements.logits[rows])),
        "outcome": outcome.rates(),
    }


def _speaking(figures: Mapping[str, Figure]) -> dict[str, Any]:
    """The figures that this part can have."""
    return {name: figure.to_json() for name, figure in figures.items() if figure.value is not None}


@dataclass(frozen=True, slots=True)
class Duplicates:
    """`within`: scored rows that copy an earlier one; `in_training`: scored rows with equal pixels in train
    or val, None where those pixels are not known, and `note` then says what to do; `figures`: of the `n` rows
    that are left without both, None where there is nothing to leave out."""

    within: int
    in_training: int | None
    note: str
    n: int
    figures: dict[str, Figure] | None

    def to_json(self) -> dict[str, Any]:
        figures = None
        if self.figures is not None:
            figures = {name: figure.to_json() for name, figure in self.figures.items()}
        return {
            "within": self.within,
            "in_training": self.in_training,
            "note": self.note,
            "n": self.n,
            "figures": figures,
        }


def find_duplicates(judgements: Judgements, whole: Manifest) -> Duplicates:
    """Equal pixels within what was judged, and shared with the other splits of the `whole` manifest."""
    learnt, note = _learnt_digests(judgements.manifest, whole)
    seen: set[str] = set()
    scored = np.flatnonzero(judgements.is_scored)
    within, shared, kept = 0, 0, []
    for row in scored:
        digest = judgements.facts[row].pixels_sha256
        is_copy, is_learnt = digest is not None and digest in seen, digest is not None and digest in learnt
        within += is_copy
        shared += is_learnt
        if not is_copy and not is_learnt:
            kept.append(row)
        if digest is not None:
            seen.add(digest)
    rows = np.array(kept, np.int64)
    left_out = len(scored) - len(rows)
    figures = summarise(judgements.labels[rows], judgements.logits[rows]) if left_out else None
    return Duplicates(within, None if note else shared, note, len(rows), figures)


def _learnt_digests(judged: Manifest, whole: Manifest) -> tuple[set[str], str]:
    """Digests of the pictures of train and val that were not judged, and why they are not known."""
    own = set(judged.column("id"))
    rows = zip(whole.column("id"), whole.column("split"), whole.column("pixels_sha256"), strict=True)
    digests = [digest for name, split, digest in rows if split in ("train", "val") and name not in own]
    if not digests:
        return set(), "the data has no other train or val pictures to look for copies in"
    if None in digests:
        return set(), (
            "the pixels of the train split are not known: give its pack (doctored data pack) or a run's "
            "manifest.parquet to have copies looked for there, too"
        )
    return set(digests), ""
