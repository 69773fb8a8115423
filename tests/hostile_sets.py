"""Hostile data sets, made on the spot: what strangers pack into folders and archives, and what
`doctored data check` must say of each. None is unpacked, followed or fatal."""

import gzip
import io
import json
import os
import struct
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hostile import mutate, save, scene

MIB = 1 << 20


@dataclass(frozen=True)
class Case:
    """`rows` and `odd` (code → count) are what the record must hold; `rows` None: one line, exit code 4."""

    name: str
    path: Path
    rows: int | None
    odd: dict[str, int] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        if self.rows is None:
            return 4
        return 3 if {"refused", "unreadable", "not_a_picture", "missing_masks"} & set(self.odd) else 0


def judge(case: Case, code: int, out: str, err: str) -> str:
    """What is wrong with the answer of `data check --full --json`; empty where it is right."""
    if code != case.exit_code or "Traceback" in err:
        return f"exit code {code}, not {case.exit_code}: {err[-300:]}"
    if case.rows is None:
        lines = err.strip().splitlines()
        return "" if len(lines) == 1 and not out else f"not one line: {err[:300]} {out[:300]}"
    record = json.loads(out)
    counted: dict[str, int] = {}
    for oddity in record["odd"]:
        counted[oddity["code"]] = counted.get(oddity["code"], 0) + oddity["count"]
    if record["rows"] != case.rows or counted != case.odd:
        return f"{record['rows']} rows, not {case.rows}; {counted}, not {case.odd}"
    return ""


def picture() -> bytes:
    return save(scene(), "JPEG", quality=90)


def good_members() -> dict[str, bytes]:
    """Forty pictures: one odd thing among them leaves the layout known."""
    return {f"{label}/{number:02d}.jpg": picture() for label in ("real", "fake") for number in range(20)}


def make_cases(folder: Path, members: int) -> Iterator[Case]:
    """Every case, written under `folder`; the largest archive has `members` members."""
    for number, make in enumerate(MAKERS):
        place = folder / f"{number:02d}"
        place.mkdir()
        yield from make(place)
    yield many_members(folder, members)


def write_zip(path: Path, extra: Callable[[zipfile.ZipFile], None] | None = None) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in good_members().items():
            archive.writestr(name, data)
        if extra:
            extra(archive)
    return path


def write_tar(path: Path, *entries: tarfile.TarInfo, mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, data in good_members().items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
        for entry in entries:
            archive.addfile(entry, io.BytesIO(bytes(entry.size)))
    return path


def write_folder(path: Path) -> Path:
    for name, data in good_members().items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def broken_files(folder: Path) -> Iterator[Case]:
    root = write_folder(folder / "set")
    (root / "real" / "empty.jpg").write_bytes(b"")
    (root / "fake" / "text.jpg").write_bytes(b"this is no picture")
    (root / "fake" / "noise.png").write_bytes(np.random.default_rng(0).bytes(4096))
    (root / "fake" / "named.png").write_bytes(picture())
    yield Case("files that are no pictures", root, 44, {"not_a_picture": 3, "suffix": 1})
    cut = write_folder(folder / "cut")
    random = np.random.default_rng(1)
    for file in sorted(cut.rglob("*.jpg")):
        file.write_bytes(picture()[:2] + b"\xff" + mutate(picture(), random)[3:])
    yield Case("damaged pictures, which decoding will tell", cut, 40)


def hostile_zips(folder: Path) -> Iterator[Case]:
    def slip(archive: zipfile.ZipFile) -> None:
        for name in ("../up.jpg", "/root.jpg", "C:\\drive.jpg", "real/../../up.jpg", "..\\up.jpg"):
            archive.writestr(name, picture())

    def link(archive: zipfile.ZipFile) -> None:
        entry = zipfile.ZipInfo("real/link.jpg")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/hosts")

    def bombs(archive: zipfile.ZipFile) -> None:
        archive.writestr("real/300 MiB.bmp", bytes(300 * MIB), zipfile.ZIP_DEFLATED)
        archive.writestr("real/16 MiB.bmp", bytes(16 * MIB), zipfile.ZIP_DEFLATED)
        archive.writestr("nested.zip", b"PK\x05\x06" + bytes(18))

    def odd_names(archive: zipfile.ZipFile) -> None:
        archive.writestr("real/\x1b[2Jclear\nname\u202egpj.jpg", picture())
        archive.writestr("REAL/00.JPG", picture())
        archive.writestr("fake/" + "n" * 60_000 + ".JpEg", picture())

    def lzma(archive: zipfile.ZipFile) -> None:
        archive.writestr("real/lzma.jpg", picture(), zipfile.ZIP_LZMA)

    yield Case("zip slip", write_zip(folder / "slip.zip", slip), 40, {"refused": 5})
    yield Case("a link in a zip", write_zip(folder / "link.zip", link), 40, {"refused": 1})
    odd = {"refused": 2, "other_files": 1}
    yield Case("bombs in a zip", write_zip(folder / "bombs.zip", bombs), 40, odd)
    yield Case("odd names in a zip", write_zip(folder / "names.zip", odd_names), 43, {"names_by_case": 1})
    yield Case("a method that is not read", write_zip(folder / "lzma.zip", lzma), 40, {"refused": 1})


def patched_zips(folder: Path) -> Iterator[Case]:
    def patched(name: str, change: Callable[[bytearray, int, int], None]) -> Path:
        path = write_zip(folder / name, lambda archive: archive.writestr("real/bad.jpg", picture()))
        with zipfile.ZipFile(path) as archive:
            local, directory = archive.getinfo("real/bad.jpg").header_offset, archive.start_dir
        data = bytearray(path.read_bytes())
        change(data, local, data.index(b"real/bad.jpg", directory) - 46)
        path.write_bytes(data)
        return path

    def spoil(data: bytearray, local: int, central: int) -> None:
        data[local + 60] ^= 0xFF

    def encrypt(data: bytearray, local: int, central: int) -> None:
        data[central + 8] |= 1

    def point_elsewhere(data: bytearray, local: int, central: int) -> None:
        data[central + 42 : central + 46] = struct.pack("<I", 5)

    def overstate(data: bytearray, local: int, central: int) -> None:
        data[central + 20 : central + 28] = struct.pack("<II", 200 * MIB, 200 * MIB)

    yield Case("a damaged member", patched("spoilt.zip", spoil), 41, {"unreadable": 1})
    yield Case("an encrypted member", patched("secret.zip", encrypt), 40, {"refused": 1})
    yield Case("a member inside another", patched("inside.zip", point_elsewhere), 40, {"refused": 1})
    yield Case("a member that claims more", patched("claims.zip", overstate), 41, {"unreadable": 1})


def bombs_of_shared_bytes(folder: Path) -> Iterator[Case]:
    """Four megabytes that a thousand names stand for, and a member that inflates further than it says."""
    path = folder / "shared.zip"
    path.write_bytes(deflated_zip([f"real/{number}.bmp" for number in range(1000)], bytes(4 * MIB)))
    yield Case("a thousand members, one content", path, 1, {"refused": 999, "not_a_picture": 1})
    path = folder / "lies.zip"
    path.write_bytes(deflated_zip(["real/lies.bmp"], bytes(64 * MIB), claimed_bytes=1000))
    yield Case("a member that inflates further than it says", path, 1, {"unreadable": 1})


def deflated_zip(names: list[str], content: bytes, claimed_bytes: int | None = None) -> bytes:
    """A zip that holds `content` once, under every name."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(content) + packer.flush()
    size = len(content) if claimed_bytes is None else claimed_bytes
    fields = struct.pack("<HHHHHIII", 20, 0, 8, 0, 33, zlib.crc32(content), len(packed), size)
    first = names[0].encode()
    out = b"PK\x03\x04" + fields + struct.pack("<HH", len(first), 0) + first + packed
    directory = b"".join(
        b"PK\x01\x02\x14\x00" + fields + struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, 0) + name.encode()
        for name in names
    )
    count = len(names)
    return (
        out
        + directory
        + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, count, count, len(directory), len(out), 0)
    )


def hostile_tars(folder: Path) -> Iterator[Case]:
    specials = []
    for number, kind in enumerate((tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE)):
        entry = tarfile.TarInfo(f"real/special{number}.jpg")
        entry.type, entry.linkname = kind, "/etc/hosts"
        specials.append(entry)
    outside = [tarfile.TarInfo(name) for name in ("../up.jpg", "/root.jpg")]
    path = write_tar(folder / "specials.tar", *specials, *outside)
    yield Case("links, devices and slips in a tar", path, 40, {"refused": 6})
    odd = tarfile.TarInfo("real/caf\udce9.jpg")
    yield Case(
        "a name in a tar that is not UTF-8",
        write_tar(folder / "latin.tar", odd),
        41,
        {"names_outside_utf8": 1, "not_a_picture": 1},
    )
    data = write_tar(folder / "whole.tar").read_bytes()
    (folder / "cut.tar").write_bytes(data[: len(data) // 2 - 100])
    yield Case("a tar that was cut", folder / "cut.tar", None)
    # Gigabytes of zeros: the same compressed megabytes, again and again.
    entry = tarfile.TarInfo("real/zeros.bmp")
    entry.size = 25 * 64 * MIB
    zeros = gzip.compress(bytes(64 * MIB), 9)
    bomb = gzip.compress(entry.tobuf()) + 25 * zeros + gzip.compress(bytes(1024))
    (folder / "bomb.tar.gz").write_bytes(bomb)
    yield Case("a bomb of a tar.gz", folder / "bomb.tar.gz", None)


def damaged_archives(folder: Path) -> Iterator[Case]:
    data = write_zip(folder / "whole.zip").read_bytes()
    (folder / "cut.zip").write_bytes(data[:-40])
    yield Case("a zip that was cut", folder / "cut.zip", None)
    noise = np.random.default_rng(2).bytes(5000)
    for suffix in (".zip", ".tar", ".tar.gz", ".parquet", ".arrow", ".csv", ".rar"):
        (folder / f"noise{suffix}").write_bytes(noise)
        yield Case(f"noise named {suffix}", folder / f"noise{suffix}", None)
    (folder / "empty.zip").write_bytes(b"")
    yield Case("an empty zip", folder / "empty.zip", None)
    yield Case("nothing at all", folder / "nothing.zip", None)


def odd_folders(folder: Path) -> Iterator[Case]:
    if sys.platform == "win32":
        return
    root = write_folder(folder / "set")
    (folder / "secret.jpg").write_bytes(picture())
    (root / "real" / "out.jpg").symlink_to(folder / "secret.jpg")
    (root / "real" / "up").symlink_to(folder)
    (root / "fake" / "loop").symlink_to(root)
    os.mkfifo(root / "fake" / "fifo.jpg")
    yield Case("links out of a folder, in circles, and a FIFO", root, 40, {"refused": 4})
    if sys.platform != "linux":  # others take case and encoding into their own hands
        return
    root = write_folder(folder / "names")
    (root / "Real").mkdir(exist_ok=True)
    (root / "Real" / "00.JPG").write_bytes(picture())
    (root / "real" / os.fsdecode(b"caf\xe9.jpeg")).write_bytes(picture())
    (root / "real" / "\x1b]0;title\x07\n.jpg").write_bytes(picture())
    odd = {"names_outside_utf8": 1, "names_by_case": 1}
    yield Case("mixed case, bytes and escapes in names", root, 43, odd)


def hostile_listings(folder: Path) -> Iterator[Case]:
    """Manifests and annotations that point elsewhere, or are made to hurt whoever parses them."""
    root = write_folder(folder / "set")
    (folder / "secret.jpg").write_bytes(picture())
    rows = ["id,source,member,label", "a,set,real/00.jpg,real", "b,set,../secret.jpg,fake"]
    rows += [
        "c,set,/etc/hosts,fake",
        "d,set,fake/gone.jpg,fake",
        "e,elsewhere.zip,a.jpg,fake",
        "f,,a.jpg,fake",
    ]
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    yield Case("a manifest that points out of its set", folder / "manifest.csv", 6, {"unreadable": 5})
    nested = folder / "nested"
    nested.mkdir()
    (nested / "Train_poly.json").write_bytes(b"[" * 1_000_000)
    (nested / "Train").mkdir()
    (nested / "Train" / "a.jpg").write_bytes(picture())
    yield Case("annotations nested a million deep", nested, None)
    annotations = {"images": [{"id": 1, "file_name": "../secret.jpg", "width": 9, "height": 9}]}
    annotations |= {"categories": [{"id": 0, "name": "Real"}]}
    annotations |= {"annotations": [{"id": 1, "image_id": 1, "category_id": 0, "bbox": [0, 0, 5, 5]}]}
    pointing = folder / "pointing"
    (pointing / "Train").mkdir(parents=True)
    (pointing / "Train" / "a.jpg").write_bytes(picture())
    (pointing / "Train_poly.json").write_text(json.dumps(annotations), encoding="utf-8")
    yield Case("annotations that point out of their set", pointing, None)
    assert root.exists()


MAKERS = (
    broken_files,
    hostile_zips,
    patched_zips,
    bombs_of_shared_bytes,
    hostile_tars,
    damaged_archives,
    odd_folders,
    hostile_listings,
)


def many_members(folder: Path, count: int) -> Case:
    """A zip of `count` members (zip64 where it must be), none of them a picture."""
    path = folder / "many.zip"
    content, directory = b"x" * 16, bytearray()
    fields = struct.pack("<HHHHHIII", 20, 0, 0, 0, 33, zlib.crc32(content), len(content), len(content))
    offset = 0
    with path.open("wb") as file:
        for number in range(count):
            name = b"%s/%07d.jpg" % (b"real" if number % 2 else b"fake", number)
            head = b"PK\x03\x04" + fields + struct.pack("<HH", len(name), 0) + name + content
            file.write(head)
            directory += b"PK\x01\x02\x14\x00" + fields
            directory += struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, offset) + name
            offset += len(head)
        sizes = struct.pack("<QQQQ", count, count, len(directory), offset)
        file.write(directory + struct.pack("<4sQHHII", b"PK\x06\x06", 44, 45, 45, 0, 0) + sizes)
        file.write(struct.pack("<4sIQI", b"PK\x06\x07", 0, offset + len(directory), 1))
        file.write(struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 65535, 65535, 2**32 - 1, 2**32 - 1, 0))
    return Case(f"{count:,} members", path, count, {"not_a_picture": count})
