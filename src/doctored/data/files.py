"""Files that appear under their name only when they are whole."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from doctored.errors import DataError


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; what is written there takes `path`'s place at the end.

    Where the body raises, `path` stays as it was. Raises DataError where the disk is full or the folder
    cannot be written.
    """
    aside = path.with_name(path.name + ".partial")
    with told_plainly(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        yield aside
        with aside.open("rb+") as file:
            os.fsync(file.fileno())
        aside.replace(path)


@contextmanager
def told_plainly(path: Path) -> Iterator[None]:
    """Turn what the operating system says about `path` into a DataError."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DataError(f"{path}: the disk is full; free some space and run this again") from error
        reason = error.strerror or str(error)
        raise DataError(f"{path}: {reason}; check the path and who may use it") from error
