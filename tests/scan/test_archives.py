import io
import os
import tarfile
import warnings
import zipfile
from pathlib import Path

import pytest

from doctored.errors import PictureError
from doctored.scan.archives import archive_items
from doctored.scan.sources import is_picture_name

MAX = 1000
MEMBERS = {
    "b.jpg": b"first",
    "x/a.png": b"second",
    "x/notes.txt": b"-",
    "x/.hidden.jpg": b"-",
    "__MACOSX/._b.jpg": b"-",
}


def make_zip(path, members=MEMBERS, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.mkdir("folder.jpg")
        for name, data in members.items():
            archive.writestr(name, data)
    return str(path)


def make_tar(path, members=MEMBERS, mode="w"):
    with tarfile.open(path, mode) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("link.jpg")
        link.type = tarfile.SYMTYPE
        link.linkname = "b.jpg"
        archive.addfile(link)
    return str(path)


def read_all(path):
    """(path, bytes or code of the error) of each item, each loaded before the next as a batch does."""
    found = []
    for item in archive_items(path, is_picture_name, MAX):
        item = item.loaded()
        found.append(
            (os.path.relpath(item.path, Path(path).parent), item.error.code if item.error else item.data)
        )
    return found


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("p.zip", make_zip),
        ("P.ZIP", lambda path: make_zip(path, method=zipfile.ZIP_STORED)),
        ("p.tar", make_tar),
        ("p.tar.gz", lambda path: make_tar(path, mode="w:gz")),
        ("p.tgz", lambda path: make_tar(path, mode="w:gz")),
    ],
)
def test_pictures_are_read_in_place_in_stored_order(tmp_path, name, make):
    path = make(tmp_path / name)
    assert read_all(path) == [(f"{name}!/b.jpg", b"first"), (f"{name}!/x/a.png", b"second")]
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(("name", "make"), [("p.zip", make_zip), ("p.tar", make_tar)])
def test_a_member_above_the_limit_is_a_row_and_the_next_goes_on(tmp_path, name, make):
    path = make(tmp_path / name, {"large.jpg": bytes(MAX + 1), "small.jpg": bytes(MAX)})
    assert read_all(path) == [(f"{name}!/large.jpg", "too_large"), (f"{name}!/small.jpg", bytes(MAX))]


def test_a_zip_that_lies_about_a_size_is_not_believed(tmp_path):
    path = make_zip(tmp_path / "bomb.zip", {"bomb.jpg": bytes(50 * MAX)})
    raw = (tmp_path / "bomb.zip").read_bytes()
    (tmp_path / "bomb.zip").write_bytes(
        raw.replace((50 * MAX).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    )
    ((_, got),) = read_all(path)
    assert got in ("unreadable", "too_large")


def test_encrypted_and_unusual_members_are_rows(tmp_path):
    path = tmp_path / "p.zip"
    make_zip(path, {"a.jpg": b"1"}, method=zipfile.ZIP_STORED)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_LZMA) as archive:
        archive.writestr("b.jpg", b"2")
    raw = bytearray(path.read_bytes())
    first = raw.index(b"PK\x01\x02", raw.index(b"a.jpg"))
    entry = raw.index(b"a.jpg", first) - 46
    raw[entry + 8] |= 1  # the central directory's flag for encryption
    path.write_bytes(raw)
    assert read_all(str(path)) == [("p.zip!/a.jpg", "unsupported"), ("p.zip!/b.jpg", "unsupported")]


def test_a_damaged_member_costs_its_own_row(tmp_path):
    path = tmp_path / "p.zip"
    make_zip(path, {"a.jpg": b"hello hello", "b.jpg": b"fine"}, method=zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"hello hello", b"hellO hello"))
    assert read_all(str(path)) == [("p.zip!/a.jpg", "unreadable"), ("p.zip!/b.jpg", b"fine")]


@pytest.mark.parametrize("name", ["p.zip", "p.tar", "p.tar.gz"])
@pytest.mark.parametrize("content", [b"", b"no archive at all", bytes(3000)])
def test_what_is_no_archive_is_one_row_at_most(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    found = read_all(str(path))
    assert found in ([(name, "unreadable")], [])
    assert found or name == "p.tar"  # zeros are an empty tar


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_tar_cut_short_keeps_what_came_before(tmp_path, mode):
    path = tmp_path / ("p.tar.gz" if mode == "w:gz" else "p.tar")
    noise = [os.urandom(900) for _ in range(3)]
    make_tar(path, dict(zip(("a.jpg", "b.jpg", "c.jpg"), noise, strict=True)), mode)
    raw = path.read_bytes()
    path.write_bytes(raw[:1800])
    found = read_all(str(path))
    assert found[0] == (f"{path.name}!/a.jpg", noise[0])
    assert found[-1][1] == "unreadable"
    assert noise[2] not in [got for _, got in found]


def test_a_read_fails_only_with_a_picture_error(tmp_path):
    path = make_zip(tmp_path / "p.zip", {"a.jpg": b"1"})
    (item,) = list(archive_items(path, is_picture_name, MAX))  # the archive is closed by now
    with pytest.raises(PictureError):
        item.read()


def test_two_members_of_one_name_are_two_rows(tmp_path):
    path = tmp_path / "p.zip"
    with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr("a.jpg", b"1")
        archive.writestr("a.jpg", b"2")
    assert read_all(str(path)) == [("p.zip!/a.jpg", b"1"), ("p.zip!/a.jpg", b"2")]


def test_names_that_leave_the_archive_are_only_names(tmp_path):
    path = make_zip(tmp_path / "p.zip", {"../../up.jpg": b"1"})
    assert read_all(path)[0][1] == b"1"
    assert [entry.name for entry in tmp_path.iterdir()] == ["p.zip"]
