"""The files of a folder, a .zip, a .tar or a .tar.gz, read in place and never unpacked.

An archive comes from a stranger: names that leave it, links, devices, encrypted or oversized members and
those that share their bytes are refused one by one, and nothing is followed. Formats: PKWARE APPNOTE 6.3
(zip; overlapping members: D. Fifield, "A better zip bomb", WOOT 2019), POSIX.1-2001 (tar).
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
from doctored.data.picture_tables import TABLE_SUFFIXES, PictureTable, is_table, split_row_name
from doctored.errors import DataError

MAX_MEMBER_BYTES = 256 << 20
# No picture inflates so far, an empty bitmap aside; deflate itself reaches 1,032.
MAX_INFLATION = 200
_INFLATES_FREELY_BYTES = 4 << 20
_MAX_GZIP_SURPLUS_BYTES = 1 << 30
_MAX_TAR_HEADER_BYTES = 1 << 20
_LOCAL_HEADER = struct.Struct("<4s2xHH16xHH")  # signature, flags, method; lengths of name and extra field
_FORMS = {".zip": "zip", ".tar": "tar", ".tar.gz": "tar.gz", ".tgz": "tar.gz"} | dict.fromkeys(
    TABLE_SUFFIXES, "table"
)
_LEADS_OUT = re.compile(r"[/\\]|[A-Za-z]:|(.*[/\\])?\.\.([/\\]|$)", re.DOTALL)
_ESCAPED_BYTE = re.compile(rb"\\x([89a-f][0-9a-f])")


class Member(NamedTuple):
    """Where one file's bytes lie: enough to read it without listing the archive again.

    `stamp` changes when the file does: its CRC-32 in a zip, its time of modification elsewhere. `modified`
    is the time that an archive gives, in seconds from some point on; 0 in a folder, where it would tell
    when the copy was made.
    """

    name: str
    size: int
    stamp: int = 0
    offset: int = 0
    stored_size: int = 0
    method: int = 0
    modified: int = 0


class MemberStore:
    """Reads members of `source` by name, alike for a folder and each kind of archive.

    Names are relative, with `/` between parts, and bytes outside UTF-8 as `\\xNN`. A picture in a table is
    named by its row, `train.parquet#17`; a table that is itself the source is its one member. What is
    refused is in `refused`, name to reason. A store can be pickled and opens its archive again where it
    arrives; it is not for several threads at once. A .tar.gz can only be read from its start:
    `is_sequential` says so, and members are best read in order of their `offset`.
    Raises DataError for a source that is missing or is neither a folder nor such an archive.
    """

    def __init__(self, source: str | os.PathLike[str], max_member_bytes: int = MAX_MEMBER_BYTES) -> None:
        self._file: Any = None
        self._table: tuple[str, PictureTable] | None = None
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
        if self._table is not None:
            self._table[1].close()
            self._table = None

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
        """The bytes of one member, or of the picture in one row of a table; DataError where there is no such
        member or it is damaged."""
        name = member if isinstance(member, str) else member.name
        if row_name := split_row_name(name):
            place = row_name.table if isinstance(member, str) else member._replace(name=row_name.table)
            return self.table(place).read(row_name.row)
        if self._form in ("folder", "table"):
            return self._read_file(name)
        place = self.member(member) if isinstance(member, str) else member
        with told_plainly(self._path):
            try:
                return self._read_zipped(place) if self._form == "zip" else self._read_tarred(place)
            except (zlib.error, EOFError, gzip.BadGzipFile) as error:
                raise self._damaged(place.name) from error

    def table(self, member: str | Member) -> PictureTable:
        """A table among the members; the last is kept open, and in memory where it lies in an archive."""
        name = member if isinstance(member, str) else member.name
        if self._table is None or self._table[0] != name:
            in_place = self._form in ("folder", "table")
            source = self._locate_file(name) if in_place else self.read(member)
            self._table = (name, PictureTable(source, name))
        return self._table[1]

    def member(self, name: str) -> Member:
        """Where a member, or the table that a row is in, lies; DataError where there is none of that name, or
        it is refused."""
        if row_name := split_row_name(name):
            return self.member(row_name.table)._replace(name=name)
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
        lists: dict[str, Callable[[], list[tuple[Member, str]]]] = {
            "folder": self._list_folder,
            "table": self._list_table,
            "zip": self._list_zip,
            "tar": self._list_tar,
        }
        members: dict[str, Member] = {}
        refused: dict[str, str] = {}
        with told_plainly(self._path):
            for member, reason in lists[self._form.removesuffix(".gz")]():
                reason = reason or self._why_refused(member)
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

    def _list_table(self) -> list[tuple[Member, str]]:
        status = self._path.stat()
        return [(Member(escape_name(self._path.name), status.st_size, status.st_mtime_ns), "")]

    def _why_refused(self, member: Member) -> str:
        is_open_table = self._form in ("folder", "table") and is_table(member.name)
        if max(member.size, member.stored_size) > self.max_member_bytes and not is_open_table:
            return f"is larger than {self.max_member_bytes >> 20} MiB"
        if split_row_name(member.name):
            return "has a name that stands for a row of a table"
        return _why_unsafe(member.name)

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
            modified = _count_seconds(*entry.date_time)
            member = Member(_plain(entry.filename), entry.file_size, entry.CRC, *place, modified)
            reason = ""
            if stat.S_ISLNK(entry.external_attr >> 16):
                reason = "is a link"
            elif entry.flag_bits & 0x1:
                reason = "is encrypted"
            elif entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                reason = "is compressed in a way that is not read here"
            elif member.size > max(_INFLATES_FREELY_BYTES, MAX_INFLATION * member.stored_size):
                reason = f"inflates to more than {MAX_INFLATION} times its size, as bombs do"
            found.append((member, reason))
        return _refuse_overlapping(found)

    def _list_tar(self) -> list[tuple[Member, str]]:
        found = []
        try:
            surplus = _MAX_GZIP_SURPLUS_BYTES + MAX_INFLATION * self._path.stat().st_size
            reads: Any = _BoundedReads(self._archive(), surplus)
            archive: Any
            with tarfile.open(fileobj=reads, mode="r:", encoding="utf-8") as archive:
                for entry in archive:
                    archive.members.clear()  # tarfile keeps every header it saw; a million are not small
                    if entry.isdir():
                        continue
                    stamp = int(entry.mtime)
                    place = (entry.offset_data, entry.size, 0, stamp)
                    member = Member(_plain(entry.name), entry.size, stamp, *place)
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

    def _locate_file(self, name: str) -> Path:
        """The plain file that a name stands for; DataError where it leads elsewhere."""
        if self._form == "table":
            self.member(name)
            return self._path
        if reason := _why_unsafe(name):
            raise DataError(f"{self.source}: {name!r} is not read, it {reason}; leave it out")
        path = Path(os.path.realpath(find_escaped(str(self._path.joinpath(*name.split("/"))))))
        if not path.is_relative_to(os.path.realpath(self._path)):
            raise DataError(f"{self.source}: {name!r} is a link that leads out of the folder; leave it out")
        with told_plainly(path):
            if not stat.S_ISREG(path.stat().st_mode):
                raise DataError(f"{self.source}: {name!r} is not a plain file; leave it out")
        return path

    def _read_file(self, name: str) -> bytes:
        path = self._locate_file(name)
        with told_plainly(path):
            if path.stat().st_size > self.max_member_bytes:
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
    """tarfile reads an extended header at once, whatever size it claims; a stranger's may claim gigabytes.

    Nor does it go on where a small file has inflated past `end`: that stream is a bomb.
    """

    def __init__(self, file: Any, end: int) -> None:
        self._file = file
        self._end = end
        self.tell = file.tell

    def seek(self, position: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_SET and position > self._end:
            raise tarfile.ReadError(f"it inflates to more than {MAX_INFLATION} times its size, as bombs do")
        return int(self._file.seek(position, whence))

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


def _count_seconds(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int:
    """A zip may hold days that no calendar has, such as 1980-00-00."""
    return ((((year * 12 + month) * 31 + day) * 24 + hour) * 60 + minute) * 60 + second


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


def _refuse_overlapping(found: list[tuple[Member, str]]) -> list[tuple[Member, str]]:
    """Members that share their bytes are a bomb: a few kilobytes that inflate as often as they are listed."""
    order = sorted(range(len(found)), key=lambda index: found[index][0].offset)
    end = -1
    for index in order:
        member, reason = found[index]
        if member.offset < end:
            found[index] = (member, reason or "shares its bytes with another member, as in bombs")
        end = max(end, member.offset + _LOCAL_HEADER.size + member.stored_size)
    return found


def _why_unsafe(name: str) -> str:
    if not name or "\0" in name:
        return "has no proper name"
    if _LEADS_OUT.match(name):
        return "has a name that leads out of its folder"
    return ""
