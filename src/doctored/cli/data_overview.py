"""The lines that `doctored data check` prints."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from doctored.untrusted import clean

if TYPE_CHECKING:
    from doctored.data.inspection import Inspection, Oddity

_SPLITS = ("train", "val", "test", None)
_LABELS = ("real", "fake", None)
_MOST = 12


def draw_overview(found: "Inspection") -> Iterator[str]:
    """What was understood first, what is odd after it."""
    how = f", read as {found.reader}" if found.reader else ""
    title = f" ({found.title})" if found.title else ""
    yield f"{found.path}: {found.rows:,} pictures{how}{title}"
    yield ""
    yield from _draw_table(found.counts)
    yield ""
    for column in ("kind", "generator"):
        yield from _draw_tally(column, _tally(found.counts, column))
    yield from _draw_tally("subject", found.subjects)
    if found.crops:
        yield f"crops: {found.crops:,} rows are boxes in larger pictures"
    if found.masks:
        fakes = sum(entry["count"] for entry in found.counts if entry["label"] == "fake")
        yield f"masks: {found.masks:,}, of {fakes:,} fake"
    if found.groups:
        groups, rows, largest = (found.groups[key] for key in ("groups", "rows", "largest"))
        yield f"groups, which never cross splits: {groups:,} over {rows:,} pictures, the largest {largest:,}"
    for licence in found.licences:
        yield f"licence: {clean(licence)}"
    yield f"formats, by the first bytes of {found.looked_into:,}:"
    for label, formats in found.formats.items():
        yield f"  {label}: " + ", ".join(f"{name} {number:,}" for name, number in formats.items())
    for note in found.notes:
        if not note.startswith("refused"):  # what is odd tells each reason
            yield f"note: {clean(note, 400)}"
    is_told = any(note.startswith("left out") for note in found.notes)
    for oddity in found.odd:
        if oddity.code != "left_out" or not is_told:
            yield _draw_oddity(oddity)


def _draw_table(counts: tuple[Mapping[str, Any], ...]) -> Iterator[str]:
    cells: dict[tuple[Any, Any], int] = {}
    for entry in counts:
        key = (entry["split"], entry["label"])
        cells[key] = cells.get(key, 0) + entry["count"]
    labels = [label for label in _LABELS if any(label == key[1] for key in cells)]
    splits = [split for split in _SPLITS if any(split == key[0] for key in cells)]
    yield f"{'split':<12}" + "".join(f"{label or 'no label':>12}" for label in labels)
    for split in splits:
        yield f"{split or 'none':<12}" + "".join(f"{cells.get((split, label), 0):>12,}" for label in labels)


def _tally(counts: tuple[Mapping[str, Any], ...], column: str) -> dict[str, int]:
    """Of the fakes: a real picture has no kind and no generator."""
    tally: dict[str, int] = {}
    for entry in counts:
        if entry["label"] == "fake":
            name = entry[column] or "not told"
            tally[name] = tally.get(name, 0) + entry["count"]
    return {} if set(tally) == {"not told"} else tally


def _draw_tally(title: str, tally: Mapping[str, int]) -> Iterator[str]:
    if not tally:
        return
    ordered = sorted(tally.items(), key=lambda item: (-item[1], item[0]))
    told = ", ".join(f"{clean(name)} {number:,}" for name, number in ordered[:_MOST])
    rest = len(ordered) - _MOST
    yield f"{title}: {told}" + (f" and {rest:,} more" if rest > 0 else "")


def _draw_oddity(oddity: "Oddity") -> str:
    from doctored.data.inspection import ODDITIES

    reason = f" ({clean(oddity.reason)})" if oddity.reason else ""
    examples = ", ".join(clean(name) for name in oddity.examples)
    more = ", ..." if oddity.count > len(oddity.examples) else ""
    return f"odd: {ODDITIES[oddity.code]}{reason}: {oddity.count:,}: {examples}{more}"
