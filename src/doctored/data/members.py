"""The files of a folder, a .zip, a .tar or a .tar.gz, read in place and never unpacked.

An archive comes from a stranger: names that leave it, links, devices and encrypted or oversized members
are refused one by one, and nothing is followed. Formats: PKWARE APPNOTE 6.3 (zip), POSIX.1-2001 (tar).
"""

import gzip
import hashlib
import io
import os
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from doctored.data.files import told_plainly
from doctored.errors import DataError

MAX_MEMBER_BYTES = 256 << 20
_MAX_TAR_HEADER_BYTES = 1 << 20
_LOCAL_HEADER = struct.Struct("<4s2xHH16xHH")  # signature, flags, method; lengths of name and extra field
_FORMS = {".zip": "zip", ".tar": "tar", ".tar.gz": "tar.gz", ".tgz": "tar.gz"}
_LEADS_OUT = re.compile(r"[/\\]|[A-Za-z]:|(.*[/\\])?\.\.([/\\]|$)", re.DOTALL)
_ESCAPED_BYTE = re.compile(rb"\\x([89a-f][0-9a-f])")


class Member(NamedTuple):
    """Where one file's bytes lie: enough to read it without listing the archive again.

    `stamp` changes when the file does: its CRC-32 in a zip, its time of modification elsewhere.
    """

    name: str
    size: int
    stamp: int = 0
    offset: int = 0
    stored_size: int = 0
    method: int = 0


class MemberStore:
    """Reads members of `source` by name, alike for a folder and each kind of archive.

    Names are relative, with `/` between parts, and bytes outside UTF-8 as `\\xNN`. What is refused is in
    `refused`, name to reason. A store can be pickled and opens its archive again where it arrives; it is
    not for several threads at once. A .tar.gz can only be read from its start: `is_sequential` says so,
    and members are best read in order of their `offset`.
    Raises DataError for a source that is missing or is neither a folder nor such an archive.
    """

    def __init__(self, source: str | os.PathLike[str], max_member_bytes: int = MAX_MEMBER_BYTES) -> None:
        self._file: Any = None
        self.source = escape_name(os.fspath(source))
        self.max_member_bytes = max_member_bytes
        self._path = Path(find_escaped(self.source))
        self._form = _form_of(self._path)

    def __reduce__(self) -> tuple[type["MemberStore"], tuple[str, int]]:
        return (MemberStore, (self.source, self.max_member_bytes))

    def __enter__(self) -> "MemberStore":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the archive; the next `read` opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None

    @property
    def is_sequential(self) -> bool:
        return self._form == "tar.gz"

    @property
    def members(self) -> dict[str, Member]:
        """All members that can be read, by name, sorted; listed once, at the first call."""
        return self._listing[0]

    @property
    def refused(self) -> dict[str, str]:
        """The members that are not read, by name, and why."""
        return self._listing[1]

    def read(self, member: str | Member) -> bytes:
        """The bytes of one member; DataError where there is no such member or it is damaged."""
        if self._form == "folder":
            return self._read_file(member if isinstance(member, str) else member.name)
        place = self.member(member) if isinstance(member, str) else member
        with told_plainly(self._path):
            try:
                return self._read_zipped(place) if self._form == "zip" else self._read_tarred(place)
            except (zlib.error, EOFError, gzip.BadGzipFile) as error:
                raise self._damaged(place.name) from error

    def member(self, name: str) -> Member:
        """Where a member lies; DataError where there is none of that name, or it is refused."""
        if name in self.members:
            return self.members[name]
        reason = self.refused.get(name)
        if reason:
            raise DataError(f"{self.source}: {name!r} is not read, it {reason}; leave it out")
        raise DataError(f"{self.source} has no member {name!r}; check the manifest against the archive")

    def digest(self) -> str:
        """SHA-256 of the listing (names, sizes, stamps): changes when a member does, at no reading cost."""
        digest = hashlib.sha256()
        for member in self.members.values():
            digest.update(f"{member.name}\0{member.size}\0{member.stamp}\n".encode())
        return digest.hexdigest()

    @cached_property
    def _listing(self) -> tuple[dict[str, Member], dict[str, str]]:
        lists = {"folder": self._list_folder, "zip": self._list_zip, "tar": self._list_tar}
        members: dict[str, Member] = {}
        refused: dict[str, str] = {}
        with told_plainly(self._path):
            for member, reason in lists[self._form.removesuffix(".gz")]():
                reason = reason or _why_refused(member, self.max_member_bytes)
                if reason:
                    refused[member.name] = reason
                else:
                    # Of two members with one name an unpacked archive would keep the last.
                    members[member.name] = member
        return dict(sorted(members.items())), refused

    def _list_folder(self) -> list[tuple[Member, str]]:
        found: list[tuple[Member, str]] = []
        waiting = [(os.fspath(self._path), "")]
        while waiting:
            folder, prefix = waiting.pop()
            try:
                entries = list(os.scandir(folder))
            except OSError as error:
                if not prefix:
                    raise
                found.append((Member(prefix, 0), f"cannot be listed ({error.strerror})"))
                continue
            for entry in entries:
                name = prefix + escape_name(entry.name)
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    waiting.append((entry.path, name + "/"))
                else:
                    member = Member(name, status.st_size, status.st_mtime_ns)
                    found.append((member, "" if stat.S_ISREG(status.st_mode) else "is a link or no file"))
        return found

    def _list_zip(self) -> list[tuple[Member, str]]:
        found = []
        try:
            with zipfile.ZipFile(self._path) as archive:
                entries = archive.infolist()
        except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as error:
            raise DataError(f"{self.source} is a damaged zip ({error}); fetch it again") from error
        for entry in entries:
            if entry.is_dir():
                continue
            place = (entry.header_offset, entry.compress_size, entry.compress_type)
            member = Member(_plain(entry.filename), entry.file_size, entry.CRC, *place)
            reason = ""
            if stat.S_ISLNK(entry.external_attr >> 16):
                reason = "is a link"
            elif entry.flag_bits & 0x1:
                reason = "is encrypted"
            elif entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                reason = "is compressed in a way that is not read here"
            found.append((member, reason))
        return found

    def _list_tar(self) -> list[tuple[Member, str]]:
        found = []
        try:
            reads: Any = _BoundedReads(self._archive())
            archive: Any
            with tarfile.open(fileobj=reads, mode="r:", encoding="utf-8") as archive:
                for entry in archive:
                    archive.members.clear()  # tarfile keeps every header it saw; a million are not small
                    if entry.isdir():
                        continue
                    stamp = int(entry.mtime)
                    member = Member(_plain(entry.name), entry.size, stamp, entry.offset_data, entry.size)
                    is_file = entry.isreg() and not entry.issparse()
                    found.append((member, "" if is_file else "is a link or no file"))
                reads.seek(archive.offset)
                if reads.read(tarfile.BLOCKSIZE).strip(b"\0"):  # tarfile takes a broken header for the end
                    raise tarfile.ReadError("a header is broken")
        except (tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile, ValueError) as error:
            raise DataError(f"{self.source} is a damaged tar ({error}); fetch it again") from error
        return found

    def _archive(self) -> Any:
        if self._file is None:
            opener: Callable[[Path, str], Any] = gzip.open if self.is_sequential else Path.open
            self._file = opener(self._path, "rb")
        return self._file

    def _read_file(self, name: str) -> bytes:
        if reason := _why_unsafe(name):
            raise DataError(f"{self.source}: {name!r} is not read, it {reason}; leave it out")
        path = Path(os.path.realpath(find_escaped(str(self._path.joinpath(*name.split("/"))))))
        if not path.is_relative_to(os.path.realpath(self._path)):
            raise DataError(f"{self.source}: {name!r} is a link that leads out of the folder; leave it out")
        with told_plainly(path):
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                raise DataError(f"{self.source}: {name!r} is not a plain file; leave it out")
            if status.st_size > self.max_member_bytes:
                size = f"{self.max_member_bytes >> 20} MiB"
                raise DataError(f"{self.source}: {name!r} is larger than {size}; leave it out")
            return path.read_bytes()

    def _read_zipped(self, member: Member) -> bytes:
        file = self._archive()
        file.seek(member.offset)
        header = file.read(_LOCAL_HEADER.size)
        if len(header) < _LOCAL_HEADER.size or not header.startswith(b"PK\x03\x04"):
            raise self._damaged(member.name)
        *_, name_length, extra_length = _LOCAL_HEADER.unpack(header)
        file.seek(name_length + extra_length, io.SEEK_CUR)
        stored: bytes = file.read(member.stored_size)
        if member.method == zipfile.ZIP_DEFLATED:
            stored = zlib.decompressobj(-zlib.MAX_WBITS).decompress(stored, member.size + 1)
        if len(stored) != member.size or zlib.crc32(stored) != member.stamp:
            raise self._damaged(member.name)
        return stored

    def _read_tarred(self, member: Member) -> bytes:
        file = self._archive()
        file.seek(member.offset)
        data: bytes = file.read(member.size)
        if len(data) != member.size:
            raise self._damaged(member.name)
        return data

    def _damaged(self, name: str) -> DataError:
        return DataError(f"{self.source}: {name!r} is damaged; fetch the archive again")


class _BoundedReads:
    """tarfile reads an extended header at once, whatever size it claims; a stranger's may claim gigabytes."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int) -> bytes:
        if size > _MAX_TAR_HEADER_BYTES:
            raise tarfile.ReadError(f"a header of {size} bytes")
        data: bytes = self._file.read(size)
        return data


def escape_name(name: str) -> str:
    """A file's name as text: bytes that are not UTF-8 become `\\xNN`."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def find_escaped(path: str) -> str:
    """The path that `escape_name` was given; where a file of that very name exists, that one."""
    raw = os.fsencode(path)
    if not _ESCAPED_BYTE.search(raw) or os.path.lexists(path):
        return path
    return os.fsdecode(_ESCAPED_BYTE.sub(lambda match: bytes([int(match[1], 16)]), raw))


def _form_of(path: Path) -> str:
    if path.is_dir():
        return "folder"
    if not path.exists():
        raise DataError(f"{path}: no such folder or archive; check the path")
    for suffix, form in _FORMS.items():
        if path.name.lower().endswith(suffix) and path.is_file():
            return form
    known = ", ".join(_FORMS)
    raise DataError(f"{path} is neither a folder nor an archive ({known}); unpack it, or pack it as one")


def _plain(name: str) -> str:
    name = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    while name.startswith("./"):
        name = name[2:].lstrip("/")
    return name


def _why_refused(member: Member, max_bytes: int) -> str:
    if max(member.size, member.stored_size) > max_bytes:
        return f"is larger than {max_bytes >> 20} MiB"
    return _why_unsafe(member.name)


def _why_unsafe(name: str) -> str:
    if not name or "\0" in name:
        return "has no proper name"
    if _LEADS_OUT.match(name):
        return "has a name that leads out of its folder"
    return ""
