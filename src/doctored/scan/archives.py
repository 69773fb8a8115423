"""Pictures inside .zip and .tar files, read in place: nothing is ever unpacked to disk."""

import contextlib
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import IO, Any

from doctored.errors import PictureError, PictureErrorCode
from doctored.scan.items import Item, ItemError, shown

# Others (LZMA above all) let a file ask for gigabytes of memory before the first byte comes out.
_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_FOREIGN = (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile,
            tarfile.TarError, zlib.error)  # fmt: skip


def archive_items(path: str, is_picture_name: Callable[[str], bool], max_bytes: int) -> Iterator[Item]:
    """The pictures of an archive, as stored; their path is `photos.zip!/folder/name.jpg`.

    A member that is encrypted, larger than `max_bytes` or broken is an item that carries its error, and so
    is an archive that cannot be read, or not to its end. An item must be read before the next is asked for.
    """
    walk = _zip_items if path.lower().endswith(".zip") else _tar_items

    def wanted(name: str) -> bool:
        parts = PurePosixPath(name).parts
        return is_picture_name(name) and not any(part.startswith(".") and part != ".." for part in parts)

    try:
        yield from walk(path, wanted, max_bytes)
    except _FOREIGN as error:
        message = f"the archive cannot be read ({_reason(error)}); check that the file is whole"
        yield Item(shown(path), error=ItemError(PictureErrorCode.UNREADABLE.value, message))


def _zip_items(path: str, wanted: Callable[[str], bool], max_bytes: int) -> Iterator[Item]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if not member.is_dir() and wanted(member.filename):
                yield Item(shown(f"{path}!/{member.filename}"), read=_zip_reader(archive, member, max_bytes))


def _zip_reader(archive: zipfile.ZipFile, member: zipfile.ZipInfo, max_bytes: int) -> Callable[[], bytes]:
    def read() -> bytes:
        if member.flag_bits & 0x1:
            raise PictureError(
                PictureErrorCode.UNSUPPORTED,
                "this member of the archive is encrypted; unpack it with its password",
            )
        if member.compress_type not in _ZIP_METHODS:
            raise PictureError(
                PictureErrorCode.UNSUPPORTED,
                "this member's compression is not read; pack the archive anew with the usual one (deflate)",
            )
        with _as_picture_error(), archive.open(member) as stream:
            return _read_at_most(stream, member.file_size, max_bytes)

    return read


def _tar_items(path: str, wanted: Callable[[str], bool], max_bytes: int) -> Iterator[Item]:
    is_packed = path.lower().endswith("gz")
    with tarfile.open(path, "r:gz" if is_packed else "r:") as archive:
        for member in archive:
            if member.isfile() and wanted(member.name):
                yield Item(shown(f"{path}!/{member.name}"), read=_tar_reader(archive, member, max_bytes))
            archive.members = []  # type: ignore[attr-defined]  # it would remember every member it saw
        if not is_packed:  # a packed stream that is cut short has failed by now
            _require_tar_end(archive)


def _require_tar_end(archive: tarfile.TarFile) -> None:
    """tarfile takes a header that is damaged or cut for the end; the real end is a block of zeros."""
    stream: Any = archive.fileobj
    stream.seek(archive.offset)
    if stream.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError("it is damaged or cut short")


def _tar_reader(archive: tarfile.TarFile, member: tarfile.TarInfo, max_bytes: int) -> Callable[[], bytes]:
    def read() -> bytes:
        with _as_picture_error():
            stream = archive.extractfile(member)
            if stream is None:
                raise OSError("it is no plain file")
            with stream:
                return _read_at_most(stream, member.size, max_bytes)

    return read


@contextlib.contextmanager
def _as_picture_error() -> Iterator[None]:
    try:
        yield
    except _FOREIGN as error:
        raise PictureError(
            PictureErrorCode.UNREADABLE,
            f"this member of the archive cannot be read ({_reason(error)}); check that the archive is whole",
        ) from error


def _read_at_most(stream: IO[bytes], declared: int, max_bytes: int) -> bytes:
    data = stream.read(max_bytes + 1) if declared <= max_bytes else b""
    if declared > max_bytes or len(data) > max_bytes:
        raise PictureError(
            PictureErrorCode.TOO_LARGE,
            f"this member of the archive holds more than {max_bytes} bytes; raise --max-bytes to allow it",
        )
    return data


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
