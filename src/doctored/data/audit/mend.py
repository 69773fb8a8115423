"""Mending a set: copies dropped, splits that nothing leaks across, and files made alike."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from doctored.data.audit.auditing import Audit
from doctored.data.audit.facts import Facts
from doctored.data.audit.rules import PIXEL_MODEL, RULES
from doctored.data.audit.verdict import State, state_of
from doctored.data.equalisation import Equalisation
from doctored.data.manifest import Manifest
from doctored.data.split import settle_splits
from doctored.errors import DataError

_LOWEST_QUALITY, _HIGHEST_QUALITY, _QUALITY_WITHOUT_JPEG = 60, 95, 90
_LARGEST_SIDE = 512
_KEPT_FIRST = {"test": 0, "val": 1, "train": 2}


@dataclass(frozen=True, slots=True)
class Mended:
    """The cleaned manifest, and what was done, in plain sentences."""

    manifest: Manifest
    told: tuple[str, ...]


def mend(audit: Audit, *, seed: int = 0) -> Mended:
    """Drop what cannot be read, has no label or carries both, and all copies but one; draw or keep splits so
    that no copy, near copy or group crosses them; and, where files tell the classes apart, declare an
    equalisation. Raises DataError where nothing is left to train on.
    """
    facts = audit.facts
    if facts.is_equalised:
        raise DataError("the set is equalised already; mend the set that it was made from")
    kept, told = _drop_rows(audit)
    manifest = facts.with_digests().with_columns(group=_name_units(audit)).select(np.flatnonzero(kept))
    settled, report = settle_splits(manifest, seed=seed)
    leaking = sum(report.dropped.values())
    if leaking:
        told.append(f"Dropped {leaking:,} rows that would leak into a published test or val split.")
    if report.drawn:
        told.append(f"Drew {' and '.join(report.drawn)} with seed {seed}; copies and groups stay together.")
    equalisation = _choose_equalisation(facts, _telling_rules(audit), seed)
    if equalisation is None:
        told.append(
            "Files are left as they are: what they say of themselves does not tell the classes apart."
        )
    else:
        told.append(f"Equalised: {equalisation.describe()}.")
    notes = (*settled.metadata.notes, *told)
    value = equalisation and equalisation.to_json()
    return Mended(settled.with_metadata(equalisation=value, notes=notes), tuple(told))


def tell_remains(after: Audit) -> list[str]:
    """What mending could not level, in plain sentences, from the audit of the mended set."""
    told = []
    if after.facts.is_equalised:
        text = "Encoding again cannot undo the first compression: its traces stay in the pixels"
        pixels = next((judged.score for judged in after.rules if judged.name == PIXEL_MODEL), None)
        if pixels is not None:
            text += f", and statistics of the pixels tell the classes apart with an AUC of {pixels.auc:.3f}"
        told.append(f"{text}.")
        told.append(
            "File names and times stay what they were; nothing that trains or evaluates here sees them."
        )
    return told


def write_manifest(manifest: Manifest, path: Path) -> None:
    """CSV or Parquet by the name's end, with sources relative to the file's folder where they can be.

    Raises MissingExtra for Parquet without pyarrow.
    """
    folder = path.absolute().parent
    placed = manifest.with_columns(source=[_relative(source, folder) for source in manifest.column("source")])
    if path.suffix.lower() == ".parquet":
        placed.to_parquet(path)
    else:
        placed.to_csv(path)


def _relative(source: str | None, folder: Path) -> str | None:
    if source is None:
        return None
    try:
        return os.path.relpath(source, folder)
    except ValueError:  # on another drive
        return source


def _drop_rows(audit: Audit) -> tuple[NDArray[np.bool_], list[str]]:
    facts, same = audit.facts, audit.twins.same
    usable = facts.is_usable
    fakes, reals = same[usable & facts.is_fake], same[usable & ~facts.is_fake]
    conflicting = usable & np.isin(same, np.intersect1d(fakes, reals))
    ranks = np.array([_KEPT_FIRST.get(split or "", 3) for split in facts.manifest.column("split")])
    left = np.flatnonzero(usable & ~conflicting)
    order = left[np.lexsort((left, ranks[left]))]
    _, first = np.unique(same[order], return_index=True)
    kept = np.zeros(len(same), bool)
    kept[order[first]] = True
    told = []
    for count, what in (
        (int((~usable).sum()), "rows that cannot be read or have no label"),
        (int(conflicting.sum()), "rows whose pixels carry both labels"),
        (len(left) - int(kept.sum()), "copies, pixel for pixel"),
    ):
        if count:
            told.append(f"Dropped {count:,} {what}.")
    return kept, told


def _name_units(audit: Audit) -> list[str | None]:
    """The group of each row: its own where its unit has no other, else one name for the whole unit."""
    groups, ids = audit.facts.manifest.column("group"), audit.facts.manifest.column("id")
    held: dict[int, set[str | None]] = {}
    sizes: dict[int, int] = {}
    for unit, group in zip(audit.units.tolist(), groups, strict=True):
        held.setdefault(unit, set()).add(group)
        sizes[unit] = sizes.get(unit, 0) + 1
    return [
        group if len(held[unit]) == 1 and (group is not None or sizes[unit] == 1) else f"like {ids[unit]}"
        for unit, group in zip(audit.units.tolist(), groups, strict=True)
    ]


def _telling_rules(audit: Audit) -> set[str]:
    of_pictures = {rule.name for rule in RULES if not rule.is_of_file} | {"extension"}
    return {rule.name for rule in audit.rules if state_of(rule) is not State.CLEAN} & of_pictures


def _choose_equalisation(facts: Facts, telling: set[str], seed: int) -> Equalisation | None:
    if not telling:
        return None
    qualities = facts.records["quality"][facts.is_usable]
    known = qualities[np.isfinite(qualities)]
    chosen: Sequence[Any] = [_QUALITY_WITHOUT_JPEG]
    if known.size:
        deciles = np.quantile(known, np.linspace(0.1, 0.9, 9), method="nearest")
        chosen = np.clip(np.round(deciles), _LOWEST_QUALITY, _HIGHEST_QUALITY).tolist()
    side, fit = _choose_size(facts) if telling & {"size", "aspect"} else (None, "crop")
    return Equalisation(tuple(int(quality) for quality in chosen), side, fit, seed)


def _choose_size(facts: Facts) -> tuple[int, str]:
    """Cutting keeps the pixels as they are; scaling is for sets in which much would be lost by that."""
    table = facts.records[facts.is_usable]
    shorter = np.minimum(table["width"], table["height"])
    smallest, median = int(shorter.min()), float(np.median(shorter))
    if smallest >= median / 2:
        return min(smallest, _LARGEST_SIDE), "crop"
    return min(int(median), _LARGEST_SIDE), "resize"
