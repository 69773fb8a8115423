"""What a reader of one layout is, and the list of all of them."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from doctored.data.manifest import Manifest, Row, from_rows
from doctored.data.members import MemberStore
from doctored.errors import UsageError
from doctored.spelling import suggest

PICTURE_SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".gif", ".bmp", ".avif", ".heic", ".heif")
)


class Reader(Protocol):
    """Reads data sets of one layout. `layout` is a drawing of it, shown where no layout fits; `title` is
    the data set's own name, empty for a layout that many share."""

    name: str
    title: str
    layout: str

    def matches(self, pictures: Sequence[str]) -> float:
        """The share, 0 to 1, of these members that the reader would make rows (or masks) of."""
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


def pictures_among(members: Iterable[str]) -> list[str]:
    """The members that are pictures by their suffix, without what systems hide beside them."""
    return [
        name
        for name in members
        if os.path.splitext(name)[1].lower() in PICTURE_SUFFIXES  # noqa: PTH122, a Path for each of a million
        and not name.startswith((".", "__MACOSX/"))
        and "/." not in name
    ]


class PathReader:
    """A reader for layouts that say everything in a member's path: subclasses write `parse`."""

    name: str
    title = ""
    layout: str

    def parse(self, parts: Sequence[str]) -> dict[str, Any] | None:
        """What the parts of a picture's path tell, as fields of `Row`; None for one outside the layout."""
        raise NotImplementedError

    def matches(self, pictures: Sequence[str]) -> float:
        understood = sum(self.parse(name.split("/")) is not None for name in pictures)
        return understood / len(pictures) if pictures else 0.0

    def read(self, store: MemberStore) -> Manifest:
        left_out: list[str] = []
        manifest = from_rows(self._rows(store, left_out))
        notes = []
        if left_out:
            notes.append(f"left out {len(left_out)} pictures outside the layout, the first: {left_out[0]}")
        if store.refused:
            name, reason = next(iter(store.refused.items()))
            notes.append(f"refused {len(store.refused)} members, the first: {name!r} {reason}")
        return manifest.with_metadata(reader=self.name, notes=tuple(notes))

    def _rows(self, store: MemberStore, left_out: list[str]) -> Iterator[Row]:
        source = os.path.abspath(store.source)  # noqa: PTH100, links in the way are the user's own
        for name in pictures_among(store.members):
            told = self.parse(name.split("/"))
            if told is None:
                left_out.append(name)
            else:
                yield Row(id=name, source=source, member=name, bytes=store.members[name].size, **told)
