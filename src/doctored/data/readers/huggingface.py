"""Hugging Face `datasets` on disk: Arrow files of `save_to_disk`, or Parquet as it is downloaded."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from doctored.data.manifest import Manifest, Row
from doctored.data.members import MemberStore
from doctored.data.picture_tables import PictureTable
from doctored.data.readers.base import Listing, count, list_readable, make_manifest, register, source_of
from doctored.data.readers.spelling import SPLITS, class_of, spell
from doctored.errors import DataError, MissingExtra

_LABEL_NAMES = ("label", "labels", "class", "target")
_SHARD = re.compile(r"([A-Za-z_]+?)(?:-\d+-of-\d+.*|-[0-9a-f]+|_\d+)?\.(?:parquet|arrow)", re.IGNORECASE)
# What `datasets` computes and keeps beside the data: rows that are already there, once more.
_CACHE = re.compile(r"(?:.*/)?(?:cache-[^/]*|tmp[^/]*)\.arrow")


class LabelColumn(NamedTuple):
    """`told` is, by value, what a row's label column says in fields of `Row`."""

    name: str
    told: dict[Any, dict[str, Any]]


@register
class HuggingFace:
    name = "huggingface"
    title = ""
    layout = """\
├── data                   [or default, or nothing]
│   ├── train-00000-of-00002.parquet, ...    (columns: an image, a label with names)
│   └── test-00000-of-00001.parquet
or, from save_to_disk:
├── dataset_dict.json      [may be missing]
├── train                  data-00000-of-00001.arrow, dataset_info.json, state.json
└── test"""

    def matches(self, listing: Listing) -> float:
        return listing.share(len(listing.tables)) if _tables(listing) else 0.0

    def read(self, store: MemberStore) -> Manifest:
        listing = list_readable(store.members)
        left_out: dict[str, list[str]] = {"outside the tables": list(listing.pictures)}
        notes: list[str] = []
        rows: list[Row] = []
        for member in _tables(listing):
            try:
                rows.extend(_read_table(store, member, left_out))
            except MissingExtra:
                raise
            except DataError as error:
                notes.append(f"left out a table: {error}")
        if not rows:
            told = notes[0].partition(": ")[2] if notes else "its tables hold no rows that are real or fake"
            raise DataError(f"{store.source}: {told}" + ("" if ";" in told else "; name another reader"))
        if notes:
            notes.insert(0, f"{count(len(notes), 'table')} could not be read")
        return make_manifest(self, store, rows, left_out, notes)


def _tables(listing: Listing) -> list[str]:
    return [name for name in listing.tables if not _CACHE.fullmatch(name)]


def _read_table(store: MemberStore, member: str, left_out: dict[str, list[str]]) -> Iterator[Row]:
    table = store.table(member)
    if table.picture_column is None:
        raise DataError(f"{member!r} has no column of pictures; leave it out")
    label = _find_label(table, member)
    generators = table.column("generator") if "generator" in table.names else None
    source, split = source_of(store), _split_of(member)
    for number, value in enumerate(table.column(label.name)):
        name = f"{member}#{number}"
        told = label.told.get(value)
        if told is None:
            left_out.setdefault(f"of a label that is neither real nor fake ({value!r:.40})", []).append(name)
            continue
        found = dict(told)
        if generators is not None and isinstance(generators[number], str) and told["label"] == "fake":
            found["generator"] = generators[number] or None
        yield Row(id=name, source=source, member=name, split=split, **found)


def _find_label(table: PictureTable, member: str) -> LabelColumn:
    """The column whose names or words are classes; DataError where there is none."""
    for name, feature in table.features.items():
        if name in table.names and isinstance(feature, dict) and feature.get("_type") == "ClassLabel":
            names = feature.get("names")
            if not isinstance(names, list) or not all(isinstance(word, str) for word in names):
                continue
            told = {number: found for number, word in enumerate(names) if (found := class_of(word))}
            if told:
                return LabelColumn(name, told)
    for name in table.names:
        if name.lower() in _LABEL_NAMES:
            words = {word for word in table.column(name) if isinstance(word, str)}
            found_words = {word: found for word in words if (found := class_of(word))}
            if found_words:
                return LabelColumn(name, found_words)
    columns = ", ".join(table.names)[:200]
    raise DataError(
        f"{member!r}: no column says what is real and what fake (columns: {columns}); "
        "save it with a ClassLabel whose names say so, or with the words in a column 'label'"
    )


def _split_of(member: str) -> str | None:
    """From the file's name (`train-00000-of-00002.parquet`), else from the nearest folder that is a split."""
    *folders, file = member.split("/")
    shard = _SHARD.fullmatch(file)
    words = [shard[1]] if shard else []
    return next((SPLITS[spell(word)] for word in [*words, *reversed(folders)] if spell(word) in SPLITS), None)
