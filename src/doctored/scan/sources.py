"""What a person names, in order, to items: files, folders, patterns, archives, lists, standard input."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from doctored.errors import PictureError, PictureErrorCode, UsageError
from doctored.scan.items import Item, ItemError, shown

ENDINGS = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".gif", ".bmp", ".dib",
    ".avif", ".heic", ".heif",
)  # fmt: skip
ARCHIVE_ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz")
STDIN = "-"

Note = Callable[[str], None]


def find_items(paths: Iterable[str], max_bytes: int, note: Note = lambda text: None) -> Iterator[Item]:
    """The items that `paths` name, in their order; folders and patterns sorted by name.

    A file named outright is always tried; inside folders and archives only names with a picture's ending
    count, and hidden ones do not. What does not exist is an item with an error. `note` hears what a person
    should know and what is no row: a folder without pictures.
    """
    for path in paths:
        if path == STDIN:
            yield Item(STDIN, read=lambda: _read_stdin(max_bytes))
        elif not os.path.lexists(path) and not {"*", "?", "["}.isdisjoint(path):
            yield from _matching(path, max_bytes, note)
        else:
            yield from _named(path, max_bytes, note)


def read_list(source: str) -> Iterator[str]:
    """The paths in a list, one a line (`-`: standard input); empty lines do not count.

    Raises UsageError, at once, where the list cannot be opened.
    """
    try:
        lines = sys.stdin.buffer if source == STDIN else Path(source).open("rb")  # noqa: SIM115
    except OSError as error:
        reason = f"the list {shown(source)} cannot be read ({error.strerror}); check its path"
        raise UsageError(reason) from error
    return _paths(lines)


def _paths(lines: BinaryIO) -> Iterator[str]:
    with lines:
        for line in lines:
            if path := line.rstrip(b"\r\n"):
                yield os.fsdecode(path)


def is_picture_name(name: str) -> bool:
    return name.lower().endswith(ENDINGS)


def _read_stdin(max_bytes: int) -> bytes:
    data = sys.stdin.buffer.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise PictureError(
            PictureErrorCode.TOO_LARGE,
            f"standard input holds more than {max_bytes} bytes; raise --max-bytes to allow it",
        )
    return data


def _matching(pattern: str, max_bytes: int, note: Note) -> Iterator[Item]:
    import glob

    found = sorted(glob.iglob(pattern, recursive=True))  # noqa: PTH207 - keeps the path as typed
    if not found:
        yield _broken(pattern, "nothing matches this pattern; check it, or quote it if the shell changed it")
    for path in found:
        # With ** a pattern names folders and what they hold: each file counts once, by its own name.
        if not ("**" in pattern and os.path.isdir(path)):  # noqa: PTH112
            yield from _named(path, max_bytes, note)


def _named(path: str, max_bytes: int, note: Note) -> Iterator[Item]:
    if os.path.isdir(path):  # noqa: PTH112
        yield from _told_if_empty(path, _walk(path, note), note)
    elif not os.path.lexists(path):
        yield _broken(path, "there is no such file or folder; check the path")
    elif path.lower().endswith(ARCHIVE_ENDINGS):
        from doctored.scan.archives import archive_items  # zipfile and tarfile take their time to import

        yield from _told_if_empty(path, archive_items(path, is_picture_name, max_bytes), note)
    else:
        yield Item(shown(path), file=path)


def _told_if_empty(path: str, items: Iterator[Item], note: Note) -> Iterator[Item]:
    is_empty = True
    for item in items:
        is_empty = False
        yield item
    if is_empty:
        note(f"{shown(path)} holds no pictures")


def _walk(folder: str, note: Note) -> Iterator[Item]:
    """Depth first, sorted by name. Links are followed, but no folder is entered twice."""
    entered: set[tuple[int, int]] = set()
    waiting = [iter([(folder, True)])]
    while waiting:
        for path, is_folder in waiting[-1]:
            if not is_folder:
                yield Item(shown(path), file=path)
                continue
            try:
                status = os.stat(path)  # noqa: PTH116
                if (status.st_dev, status.st_ino) in entered:
                    note(f"{shown(path)} leads back to a folder that was scanned already; it is left out")
                    continue
                entered.add((status.st_dev, status.st_ino))
                inside = _list(path)
            except OSError as error:
                yield _broken(path, f"the folder cannot be read ({error.strerror}); check its permissions")
                continue
            waiting.append(inside)
            break
        else:
            waiting.pop()


def _list(folder: str) -> Iterator[tuple[str, bool]]:
    with os.scandir(folder) as entries:
        names = [
            (entry.name, is_folder)
            for entry in entries
            if not entry.name.startswith(".")
            and ((is_folder := _is_folder(entry)) or is_picture_name(entry.name))
        ]
    return iter([(os.path.join(folder, name), is_folder) for name, is_folder in sorted(names)])  # noqa: PTH118


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads in a circle
        return False


def _broken(path: str, message: str) -> Item:
    return Item(shown(path), error=ItemError(PictureErrorCode.UNREADABLE.value, message))
