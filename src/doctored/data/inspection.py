"""What a data set was understood to be, and what about it is odd, before anything is decoded."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from doctored.data.manifest import Manifest
from doctored.data.masks import split_polygon_name
from doctored.data.members import MemberStore
from doctored.data.picture_tables import file_of, split_row_name
from doctored.data.readers import is_manifest_file, read_dataset, read_store, registered_readers
from doctored.data.readers.base import list_readable, source_of
from doctored.errors import DataError
from doctored.picture.formats import recognize_format

SCHEMA = 1
LOOKED_INTO = 1000
_EXAMPLES = 3
_USUAL_SUFFIXES = {
    "JPEG": {".jpg", ".jpeg", ".jpe"},
    "PNG": {".png"},
    "WEBP": {".webp"},
    "TIFF": {".tif", ".tiff"},
    "GIF": {".gif"},
    "BMP": {".bmp"},
    "AVIF": {".avif"},
    "HEIF": {".heic", ".heif"},
}
ODDITIES = {
    "refused": "members that are not read and not followed",
    "unreadable": "pictures that are damaged or gone",
    "not_a_picture": "files that are no pictures by their first bytes",
    "suffix": "pictures of another format than their suffix says",
    "left_out": "pictures that are in no row",
    "other_files": "other files",
    "names_outside_utf8": "names that are not UTF-8; each such byte is written \\xNN",
    "names_by_case": "names that differ from another by case alone",
    "missing_masks": "masks that are named and not there",
}
# What costs pictures, or masks.
_UNREAD = ("refused", "unreadable", "not_a_picture", "missing_masks")


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something to look at: `code` is one of `ODDITIES`, `reason` says more where there is more."""

    code: str
    reason: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Inspection:
    """`counts` is one entry for each split, label, kind and generator; `formats` is by label, of the
    `looked_into` pictures whose first bytes were read; `groups` is None where no row has one."""

    path: str
    reader: str | None
    title: str
    rows: int
    counts: tuple[Mapping[str, Any], ...]
    subjects: Mapping[str, int]
    crops: int
    masks: int
    groups: Mapping[str, int] | None
    looked_into: int
    formats: Mapping[str, Mapping[str, int]]
    odd: tuple[Oddity, ...]
    notes: tuple[str, ...]
    licences: tuple[str, ...]

    @property
    def has_unread(self) -> bool:
        return any(oddity.code in _UNREAD for oddity in self.odd)

    def to_json(self) -> dict[str, Any]:
        return {"schema": SCHEMA, **asdict(self)}


def inspect(
    path: str | os.PathLike[str], reader: str | None = None, look_into: int | None = LOOKED_INTO
) -> Inspection:
    """Read the listing, and the first bytes of `look_into` pictures spread evenly (None: of all).

    Raises DataError for a set that cannot be read at all, UsageError for an unknown reader.
    """
    path = Path(path)
    odd: list[Oddity] = []
    with ExitStack() as stack:
        stores: dict[str, MemberStore | DataError] = {}
        if path.is_file() and is_manifest_file(path):
            manifest = read_dataset(path)
        else:
            store = stack.enter_context(MemberStore(path))
            manifest = read_store(store, reader)
            odd = list(_odd_members(store, manifest))
            stores[source_of(store)] = store  # listed once: it may hold a million
        looked_into, formats, more = _look_into(manifest, look_into, stores, stack)
    name = manifest.metadata.reader
    known = registered_readers()
    return Inspection(
        path=os.fspath(path),
        reader=name,
        title=known[name].title if name is not None and name in known else "",
        rows=len(manifest),
        counts=tuple(_count(manifest)),
        subjects={subject: n for subject, n in manifest.counts("subject").items() if subject},
        crops=_given(manifest, "box"),
        masks=_given(manifest, "mask"),
        groups=_count_groups(manifest),
        looked_into=looked_into,
        formats=formats,
        odd=(*odd, *more),
        notes=manifest.metadata.notes,
        licences=tuple(filter(None, manifest.counts("licence"))),
    )


def _count(manifest: Manifest) -> Iterator[dict[str, Any]]:
    columns = ("split", "label", "kind", "generator")
    tally = Counter(zip(*map(manifest.column, columns), strict=True))
    for key, number in sorted(tally.items(), key=lambda item: tuple(map(str, item[0]))):
        yield dict(zip(columns, key, strict=True)) | {"count": number}


def _given(manifest: Manifest, column: str) -> int:
    return sum(value is not None for value in manifest.column(column))


def _count_groups(manifest: Manifest) -> dict[str, int] | None:
    sizes = [n for group, n in manifest.counts("group").items() if group is not None]
    if not sizes:
        return None
    return {"groups": len(sizes), "rows": sum(sizes), "largest": sizes[0]}


def _odd_members(store: MemberStore, manifest: Manifest) -> Iterator[Oddity]:
    by_reason: dict[str, list[str]] = defaultdict(list)
    for name, reason in store.refused.items():
        by_reason[reason].append(name)
    for reason, names in by_reason.items():
        yield _oddity("refused", names, reason)
    used = set(map(_file_of, (*manifest.column("member"), *manifest.column("mask"))))
    listing = list_readable(store.members)
    yield from _some("left_out", [name for name in (*listing.pictures, *listing.tables) if name not in used])
    readable = {*listing.pictures, *listing.tables, *used}
    others = [name for name in store.members if name not in readable]
    if others:
        suffixes = Counter(os.path.splitext(name)[1].lower() or "no suffix" for name in others)  # noqa: PTH122
        told = ", ".join(f"{suffix} {number}" for suffix, number in suffixes.most_common(5))
        yield _oddity("other_files", others, told)
    escaped = [name for name in store.members if "\\x" in name]
    yield from _some("names_outside_utf8", escaped)
    yield from _some("names_by_case", list(_differ_by_case(store.members)))


def _file_of(name: str | None) -> str | None:
    """The member that holds a row's picture or mask."""
    if name is None:
        return None
    polygon = split_polygon_name(name)
    return polygon.annotations if polygon else file_of(name)


def _differ_by_case(names: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        folded = name if name.islower() else name.casefold()
        if folded in seen:
            yield name
        seen.add(folded)


def _look_into(
    manifest: Manifest, look_into: int | None, stores: dict[str, MemberStore | DataError], stack: ExitStack
) -> tuple[int, dict[str, dict[str, int]], Sequence[Oddity]]:
    """Pictures are read in the order in which they lie."""
    number = len(manifest) if look_into is None else min(look_into, len(manifest))
    chosen = manifest.select(np.unique(np.linspace(0, len(manifest) - 1, number).astype(int)))
    formats: dict[str, Counter[str]] = defaultdict(Counter)
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    places = []
    for row in chosen.rows():
        source, member = row.source or "", row.member or ""
        if source not in stores:
            stores[source] = _open_store(source, stack)
        store = stores[source]
        try:
            if isinstance(store, DataError):
                raise store
            places.append((source, store.member(member).offset, member, row.label or "no label"))
            mask = _file_of(row.mask)
            if mask and mask not in store.members:
                found["missing_masks", ""].append(mask)
        except DataError as error:
            found["unreadable", _plain_reason(error, store, member)].append(member or row.id)
    for source, _, member, label in sorted(places):
        store = stores[source]
        assert isinstance(store, MemberStore)
        try:
            data = store.read(member)
        except DataError as error:
            found["unreadable", _plain_reason(error, store, member)].append(member)
            continue
        if image_format := recognize_format(data):
            formats[label][image_format] += 1
        if problem := _sniff(member, data, image_format):
            found[problem].append(member)
    odd = [_oddity(code, names, reason) for (code, reason), names in found.items()]
    return len(chosen), {label: dict(tally.most_common()) for label, tally in sorted(formats.items())}, odd


def _sniff(member: str, data: bytes, image_format: str | None) -> tuple[str, str] | None:
    """A code and a reason where a file's first bytes are not what its name says."""
    if image_format is None:
        return "not_a_picture", "empty" if not data else ""
    suffix = os.path.splitext(member)[1].lower()  # noqa: PTH122, as in the readers
    if split_row_name(member) or suffix in _USUAL_SUFFIXES[image_format]:
        return None
    return "suffix", f"{image_format} named {suffix or 'without one'}"


def _open_store(source: str, stack: ExitStack) -> MemberStore | DataError:
    if not source:
        return DataError("no source is named; tell where the picture lies")
    try:
        store = stack.enter_context(MemberStore(source))
        _ = store.members
    except DataError as error:
        return error
    return store


def _plain_reason(error: DataError, store: MemberStore | DataError, member: str) -> str:
    """Why, without which: errors of one sort are counted together."""
    reason = str(error)
    if isinstance(store, MemberStore):
        reason = reason.removeprefix(f"{store.source}: ").removeprefix(f"{store.source} ")
        reason = reason.replace(repr(member), "").replace(member, "").strip(" :")
    return reason.partition(";")[0]


def _some(code: str, names: Sequence[str]) -> Iterator[Oddity]:
    if names:
        yield _oddity(code, names)


def _oddity(code: str, names: Sequence[str], reason: str = "") -> Oddity:
    return Oddity(code, reason, len(names), tuple(names[:_EXAMPLES]))
