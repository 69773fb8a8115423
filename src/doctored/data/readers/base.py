"""What a reader of one layout is, and the list of all of them."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Protocol, TypeVar

from doctored.data.manifest import Manifest, Row, from_rows
from doctored.data.members import MemberStore
from doctored.data.picture_tables import TABLE_SUFFIXES
from doctored.errors import UsageError
from doctored.spelling import suggest

PICTURE_SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".gif", ".bmp", ".avif", ".heic", ".heif")
)
OUTSIDE = "outside the layout"


class Listing(NamedTuple):
    """The members of a set that readers look at, by their suffixes: pictures, tables that may hold pictures
    (Parquet, Arrow), and JSON."""

    pictures: Sequence[str]
    tables: Sequence[str] = ()
    annotations: Sequence[str] = ()

    def __bool__(self) -> bool:
        return bool(self.pictures or self.tables)

    def share(self, understood: int) -> float:
        return understood / (len(self.pictures) + len(self.tables)) if self else 0.0


class Reader(Protocol):
    """Reads data sets of one layout. `layout` is a drawing of it, shown where no layout fits; `title` is
    the data set's own name, empty for a layout that many share."""

    name: str
    title: str
    layout: str

    def matches(self, listing: Listing) -> float:
        """The share, 0 to 1, of these pictures and tables that the reader would make rows (or masks) of."""
        ...

    def read(self, store: MemberStore) -> Manifest:
        """Every picture of the set, without opening one."""
        ...


AnyReader = TypeVar("AnyReader", bound=type[Any])
_readers: dict[str, Reader] = {}


def register(reader: AnyReader) -> AnyReader:
    """Class decorator: add one reader of this class to the list, after those already there."""
    made = reader()
    if made.name in _readers:
        raise ValueError(f"two readers are named {made.name!r}")
    _readers[made.name] = made
    return reader


def registered_readers() -> Mapping[str, Reader]:
    """All readers by name; those of special layouts come before those of general ones."""
    return _readers


def reader_named(name: str) -> Reader:
    """Raises UsageError for a name that is not on the list."""
    if name in _readers:
        return _readers[name]
    raise UsageError(f"there is no reader {name!r}; {suggest(name, _readers)}")


def list_readable(members: Iterable[str]) -> Listing:
    """Members sorted by their suffixes, without what systems hide beside them."""
    listing: tuple[list[str], list[str], list[str]] = ([], [], [])
    for name in members:
        index = _sort_of(name[name.rfind(".") :])
        if index is not None and not name.startswith((".", "__MACOSX/")) and "/." not in name:
            listing[index].append(name)
    return Listing(*listing)


@lru_cache(maxsize=256)
def _sort_of(suffix: str) -> int | None:
    lower = suffix.lower()
    if lower in PICTURE_SUFFIXES:
        return 0
    return 1 if lower in TABLE_SUFFIXES else 2 if lower == ".json" else None


def pictures_among(members: Iterable[str]) -> Sequence[str]:
    """The members that are pictures by their suffix, without what systems hide beside them."""
    return list_readable(members).pictures


def make_manifest(
    reader: Reader,
    store: MemberStore,
    rows: Iterable[Row],
    left_out: Mapping[str, Sequence[str]],
    notes: Sequence[str] = (),
) -> Manifest:
    """The manifest of `rows`; its notes tell what was left out (reason → names) and what was refused."""
    manifest = from_rows(rows)
    told = list(notes)
    for reason, names in left_out.items():
        if names:
            told.append(f"left out {count(len(names), 'picture')}: {reason}; the first: {names[0]}")
    if store.refused:
        name, why = next(iter(store.refused.items()))
        told.append(f"refused {count(len(store.refused), 'member')}; the first: {name!r} {why}")
    return manifest.with_metadata(reader=reader.name, notes=tuple(told))


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def source_of(store: MemberStore) -> str:
    return os.path.abspath(store.source)  # noqa: PTH100, links in the way are the user's own


class PathReader:
    """A reader for layouts that say everything in a member's path: subclasses write `parse`."""

    name: str
    title = ""
    layout: str

    def parse(self, parts: Sequence[str]) -> dict[str, Any] | None:
        """What the parts of a picture's path tell, as fields of `Row`; None for one outside the layout."""
        raise NotImplementedError

    def matches(self, listing: Listing) -> float:
        return listing.share(sum(self.parse(name.split("/")) is not None for name in listing.pictures))

    def read(self, store: MemberStore) -> Manifest:
        left_out: dict[str, list[str]] = {OUTSIDE: []}
        rows = list(self._rows(store, left_out[OUTSIDE]))
        return make_manifest(self, store, rows, left_out)

    def _rows(self, store: MemberStore, left_out: list[str]) -> Iterator[Row]:
        source = source_of(store)
        for name in pictures_among(store.members):
            told = self.parse(name.split("/"))
            if told is None:
                left_out.append(name)
            else:
                yield Row(id=name, source=source, member=name, bytes=store.members[name].size, **told)
