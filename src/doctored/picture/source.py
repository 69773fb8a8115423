"""Bytes of a picture from a path, a stream or memory, without blocking and never more than allowed."""

import errno
import os
import stat
from collections.abc import Callable
from typing import BinaryIO

from doctored.errors import PictureError, PictureErrorCode, UsageError

# A pipe or terminal swapped in between stat and open must neither block us nor become our terminal.
OPEN_FLAGS = os.O_RDONLY | sum(
    getattr(os, flag, 0) for flag in ("O_BINARY", "O_NOCTTY", "O_NONBLOCK", "O_CLOEXEC")
)
CHUNK_BYTES = 2**20

REASONS = {
    errno.ENOENT: "there is no such file; check its path",
    errno.ENOTDIR: "there is no such file; check its path",
    errno.EACCES: "reading this file is not permitted; change its permissions",
    errno.EPERM: "reading this file is not permitted; change its permissions",
    errno.ELOOP: "its symbolic links lead in a circle; give the file itself",
    errno.ENAMETOOLONG: "this path is too long for the system; check it",
}


def read_bytes(source: str | os.PathLike[str] | bytes | BinaryIO, max_bytes: int) -> bytes:
    """All bytes of `source`: a path of a regular file, the bytes themselves, or a binary stream from where
    it stands.

    Raises `PictureError` (`empty`, `too_large`, `unreadable`), `UsageError` for another kind of source.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source)
        if len(data) > max_bytes:
            raise _too_large(max_bytes)
    elif isinstance(source, str | os.PathLike):
        data = _read_file(os.fspath(source), max_bytes)
    elif callable(getattr(source, "read", None)):
        data = _read_stream(source, max_bytes)
    else:
        raise UsageError(f"cannot decode a {type(source).__name__}; give a path, bytes or a binary stream")
    if not data:
        raise PictureError(PictureErrorCode.EMPTY, "the file is empty; fetch or export it again")
    return data


def _read_file(path: str, max_bytes: int) -> bytes:
    try:
        # Looked at before it is opened, because to open some devices is already to act on them.
        _require_regular(os.stat(path))  # noqa: PTH116 - a Path costs more than the call
        descriptor = os.open(path, OPEN_FLAGS)
        try:
            status = os.fstat(descriptor)
            _require_regular(status)
            if status.st_size > max_bytes:
                raise _too_large(max_bytes)
            return _read_all(lambda size: os.read(descriptor, size), status.st_size + 1, max_bytes)
        finally:
            os.close(descriptor)
    except OSError as error:
        reason = REASONS.get(error.errno or 0, "the system could not read this file; check it and its disk")
        raise PictureError(PictureErrorCode.UNREADABLE, reason) from error
    except ValueError as error:
        raise PictureError(
            PictureErrorCode.UNREADABLE, "this is not a valid path; check it for odd characters"
        ) from error


def _require_regular(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        reason = "this is a folder, not a file; give the pictures in it"
    elif not stat.S_ISREG(status.st_mode):
        reason = "this is a pipe, socket or device, not a file; save its content to a file first"
    else:
        return
    raise PictureError(PictureErrorCode.UNREADABLE, reason)


def _read_stream(stream: BinaryIO, max_bytes: int) -> bytes:
    def read(size: int) -> bytes:
        part = stream.read(size)
        if isinstance(part, str):
            raise UsageError("this stream gives text; open it in binary mode")
        return part

    try:
        return _read_all(read, CHUNK_BYTES, max_bytes)
    except (PictureError, UsageError):
        raise
    # A stream may be an archive's member or a socket, and each fails in its own way.
    except Exception as error:
        raise PictureError(
            PictureErrorCode.UNREADABLE, "reading this stream failed; check where it comes from"
        ) from error


def _read_all(read: Callable[[int], bytes], first: int, max_bytes: int) -> bytes:
    parts: list[bytes] = []
    total = 0
    size = first
    while part := read(min(size, max_bytes + 1 - total)):
        parts.append(part)
        total += len(part)
        if total > max_bytes:
            raise _too_large(max_bytes)
        size = CHUNK_BYTES
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(max_bytes: int) -> PictureError:
    return PictureError(
        PictureErrorCode.TOO_LARGE,
        f"the file is larger than {max_bytes:,} bytes; raise the limit or give a smaller file",
    )
