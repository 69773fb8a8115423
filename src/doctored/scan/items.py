"""The units of work: an item is one picture to be, a batch a few items, a row what became of one."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from doctored.errors import PictureError

BATCH_ITEMS = 64
TINY_SIDE = 128  # a picture no larger than this is shown pixel by pixel
BATCH_BYTES = 8 * 2**20  # of encoded pictures: a few photos, or many thumbnails


class ItemError(NamedTuple):
    """Why an item cannot be examined: the code of a PictureError, and its message."""

    code: str
    message: str


class Item(NamedTuple):
    """One picture to be: a file that the worker opens, or `data`, or an `error` that is known beforehand.

    `path` is what the record shows. `read` fetches the bytes of an archive's member; it is called once, in
    order, when the item's batch is made, so that a resumed scan does not read what it skips.
    """

    path: str
    file: str | None = None
    read: Callable[[], bytes] | None = None
    data: bytes | None = None
    error: ItemError | None = None

    def loaded(self) -> "Item":
        """The item with the bytes that this process has to fetch, or with the error that doing so gave."""
        if self.read is None:
            return self
        try:
            return self._replace(read=None, data=self.read())
        except PictureError as error:
            return self._replace(read=None, error=ItemError(error.code.value, error.message))

    def size(self) -> int:
        """Bytes of the encoded picture, as far as they can be told without opening it."""
        if self.file is not None:
            with suppress(OSError, ValueError):  # the worker meets the same error and makes it a row
                return os.stat(self.file).st_size  # noqa: PTH116 - a tenth of pathlib's time, a million times
        return len(self.data or b"")


class Batch(NamedTuple):
    """Some consecutive items; batches are numbered from 0 in input order."""

    number: int
    items: Sequence[Item]


class Preview(NamedTuple):
    """What a page shows of one picture, as JPEG or PNG files of our own making, at most 320 pixels on a side.

    `picture`: the picture itself; one of at most 128 pixels on a side as it is. `overlays`: where the
    `detector` finds evidence for fake, and for real, where one does.
    """

    picture: bytes
    overlays: tuple[bytes, ...] = ()
    detector: str = ""


class Row(NamedTuple):
    """One record as a line of JSON (no line end), with what a scan needs to know without reading it.

    `preview` only where a page was asked for and the picture could be decoded.
    """

    line: bytes
    label: str
    is_broken: bool
    preview: Preview | None = None


def shown(path: str) -> str:
    """A path as text that any reader can hold: bytes outside UTF-8 become \\xNN."""
    try:
        path.encode()
    except UnicodeEncodeError:
        raw = path.encode("utf-8", "surrogateescape" if os.name == "posix" else "backslashreplace")
        return raw.decode("utf-8", "backslashreplace")
    return path


def make_batches(items: Iterable[Item]) -> Iterator[Batch]:
    """Cut a stream of items into batches of at most 64 items and, beyond the first item, 8 MiB."""
    number, held, held_bytes = 0, list[Item](), 0
    for item in items:
        item = item.loaded()
        size = item.size()
        if held and (len(held) == BATCH_ITEMS or held_bytes + size > BATCH_BYTES):
            yield Batch(number, held)
            number, held, held_bytes = number + 1, [], 0
        held.append(item)
        held_bytes += size
    if held:
        yield Batch(number, held)


def write_item(item: Item, blobs: list[bytes]) -> dict[str, Any]:
    """An item for a frame's header; its bytes are appended to `blobs`."""
    if item.error is not None:
        return {"path": item.path, "error": [item.error.code, item.error.message]}
    if item.file is not None:
        return {"path": item.path, "file": item.file}
    blobs.append(item.data or b"")
    return {"path": item.path, "blob": len(blobs) - 1}


def write_rows(rows: Sequence[Row]) -> tuple[dict[str, Any], list[bytes]]:
    """Rows for a frame: its first blob holds their lines, the others their previews' files."""
    blobs = [b"\n".join(row.line for row in rows)]
    told = []
    for row in rows:
        entry: list[object] = [row.label, row.is_broken]
        if row.preview is not None:
            entry += [row.preview.detector, len(row.preview.overlays)]
            blobs += [row.preview.picture, *row.preview.overlays]
        told.append(entry)
    return {"rows": told}, blobs


def read_rows(header: dict[str, Any], blobs: Sequence[bytes]) -> Iterator[Row]:
    lines = blobs[0].split(b"\n")
    files = iter(blobs[1:])
    for line, (label, is_broken, *shown) in zip(lines, header["rows"], strict=True):
        preview = None
        if shown:
            detector, overlays = shown
            preview = Preview(next(files), tuple(next(files) for _ in range(overlays)), detector)
        yield Row(line, label, is_broken, preview)


def read_item(value: dict[str, Any], blobs: list[bytes]) -> Item:
    error = ItemError(*value["error"]) if "error" in value else None
    data = blobs[value["blob"]] if "blob" in value else None
    return Item(value["path"], file=value.get("file"), data=data, error=error)
