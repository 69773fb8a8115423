import gzip
import io
import os
import pickle
import struct
import sys
import tarfile
import zipfile

import pytest

from doctored.data.members import MemberStore
from doctored.errors import DataError

FILES = {
    "train/REAL/0000 (2).jpg": b"first" * 300,
    "a.txt": b"",
    "größe/文.png": bytes(range(256)) * 9,
    "z": b"z",
}


def write_folder(path, files):
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def write_zip(path, files, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def write_tar(path, files, prefix="", mode="w"):
    with tarfile.open(path, mode) as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(prefix + name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


@pytest.fixture(params=["folder", "zip", "zip deflated", "tar", "tar ./", "tar.gz", "tgz"])
def store(request, tmp_path):
    writers = {
        "folder": lambda: write_folder(tmp_path / "set", FILES),
        "zip": lambda: write_zip(tmp_path / "set.zip", FILES),
        "zip deflated": lambda: write_zip(tmp_path / "SET.ZIP", FILES, zipfile.ZIP_DEFLATED),
        "tar": lambda: write_tar(tmp_path / "set.tar", FILES),
        "tar ./": lambda: write_tar(tmp_path / "set.tar", FILES, "./"),
        "tar.gz": lambda: write_tar(tmp_path / "set.tar.gz", FILES, mode="w:gz"),
        "tgz": lambda: write_tar(tmp_path / "set.tgz", FILES, mode="w:gz"),
    }
    with MemberStore(writers[request.param]()) as opened:
        yield opened


def test_every_form_reads_the_same(store):
    assert list(store.members) == sorted(FILES)
    assert {name: store.read(name) for name in FILES} == FILES
    assert {name: member.size for name, member in store.members.items()} == {
        n: len(d) for n, d in FILES.items()
    }
    assert store.refused == {}
    assert store.is_sequential == store.source.endswith(("tar.gz", "tgz"))


def test_a_store_travels_and_reads_places_without_listing(store):
    places = store.members
    travelled = pickle.loads(pickle.dumps(store))
    assert {name: travelled.read(place) for name, place in places.items()} == FILES
    assert "_listing" not in vars(travelled)
    travelled.close()
    assert travelled.read(places["z"]) == b"z"
    travelled.close()


def test_a_member_that_is_not_there(store):
    with pytest.raises(DataError):
        store.read("train/REAL/9999.jpg")


@pytest.mark.parametrize("name", ["../z", "/etc/hosts", "a/../../z", "..", "C:/z", "\\z", "", "a\0b"])
def test_names_that_lead_out_are_never_read(store, name):
    with pytest.raises(DataError):
        store.read(name)


def test_the_digest_is_of_names_and_contents(tmp_path):
    first = MemberStore(write_zip(tmp_path / "1.zip", FILES)).digest()
    assert MemberStore(write_zip(tmp_path / "2.zip", dict(reversed(FILES.items())))).digest() == first
    assert MemberStore(write_zip(tmp_path / "3.zip", FILES | {"z": b"y"})).digest() != first
    assert MemberStore(write_zip(tmp_path / "4.zip", FILES | {"y": b"z"})).digest() != first


@pytest.mark.parametrize("name", ["none", "none.zip", "file.rar", "fifo.zip"])
def test_a_source_that_cannot_be_read(tmp_path, name):
    (tmp_path / "file.rar").write_bytes(b"Rar!")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "fifo.zip")
    with pytest.raises(DataError, match=name):
        MemberStore(tmp_path / name)


# ------------------------------------------------------------------------------------------------ archives


def zip_entry(name, data=b"x", **fields):
    entry = zipfile.ZipInfo(name)
    for field, value in fields.items():
        setattr(entry, field, value)
    return entry, data


def test_hostile_zip_entries_are_refused_one_by_one(tmp_path):
    path = tmp_path / "hostile.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("good", b"good")
        for name in ("../up", "/root", "C:\\drive", "a/../../up", "..\\up"):
            archive.writestr(name, b"x")
        archive.writestr(*zip_entry("link", b"/etc/hosts", external_attr=0o120777 << 16))
        archive.writestr("lzma", b"x", zipfile.ZIP_LZMA)
        archive.writestr("folder/", b"")
        archive.writestr("large", bytes(3 << 20), zipfile.ZIP_DEFLATED)
    store = MemberStore(path, max_member_bytes=2 << 20)
    assert list(store.members) == ["good"]
    assert store.read("good") == b"good"
    expected = {"../up", "/root", "C:\\drive", "a/../../up", "..\\up", "link", "lzma", "large"}
    assert set(store.refused) == expected
    assert store.refused["large"] == "is larger than 2 MiB"
    for name in expected:
        with pytest.raises(DataError, match="leave it out"):
            store.read(name)


def patched_zip(tmp_path, patch, method=zipfile.ZIP_STORED):
    """A zip with the members `good` and `bad`, after `patch(bytes, name → ZipInfo)`."""
    path = write_zip(tmp_path / "patched.zip", {"bad": b"bad " * 40, "good": b"good"}, method)
    with zipfile.ZipFile(path) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        start = archive.start_dir
    data = bytearray(path.read_bytes())
    patch(data, entries, start)
    path.write_bytes(data)
    return MemberStore(path)


def encrypt(data, entries, start):
    data[start + 8] |= 1


def spoil_content(data, entries, start):
    data[entries["bad"].header_offset + 40] ^= 0xFF


def spoil_header(data, entries, start):
    data[entries["bad"].header_offset] = 0


def understate_size(data, entries, start):
    data[start + 24 : start + 28] = struct.pack("<I", 5)


def overstate_size(data, entries, start):
    data[start + 24 : start + 28] = struct.pack("<I", 100_000_000)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("patch", [encrypt, spoil_content, spoil_header, understate_size, overstate_size])
def test_a_spoilt_zip_member_costs_only_itself(tmp_path, patch, method):
    store = patched_zip(tmp_path, patch, method)
    assert store.read("good") == b"good"
    with pytest.raises(DataError, match="bad"):
        store.read("bad")


@pytest.mark.parametrize("kept", [0, 10, 100])
def test_a_cut_zip_is_damaged(tmp_path, kept):
    path = write_zip(tmp_path / "cut.zip", FILES)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match=r"cut\.zip is a damaged zip"):
        _ = MemberStore(path).members


def test_hostile_tar_entries_are_refused_one_by_one(tmp_path):
    path = tmp_path / "hostile.tar"
    with tarfile.open(path, "w") as archive:
        for name in ("good", "../up", "/root", "./../up"):
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            entry = tarfile.TarInfo(f"special{kind.decode()}")
            entry.type, entry.linkname = kind, "good"
            archive.addfile(entry)
    store = MemberStore(path)
    assert list(store.members) == ["good"]
    assert set(store.refused) == {"../up", "/root", "special1", "special2", "special3", "special6"}
    store.close()


@pytest.mark.parametrize("suffix", ["tar", "tar.gz"])
@pytest.mark.parametrize("kept", [10, 700, 2000])
def test_a_cut_tar_is_damaged(tmp_path, suffix, kept):
    path = write_tar(tmp_path / "cut.tar", FILES)
    data = path.read_bytes()[:kept]
    cut = tmp_path / f"short.{suffix}"
    cut.write_bytes(gzip.compress(data) if suffix == "tar.gz" else data)
    with pytest.raises(DataError, match="is a damaged tar"), MemberStore(cut) as store:
        _ = store.members


def test_a_cut_gzip_is_damaged(tmp_path):
    path = write_tar(tmp_path / "set.tar.gz", FILES, mode="w:gz")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match="is a damaged tar"), MemberStore(path) as store:
        _ = store.members


def test_a_broken_header_is_not_taken_for_the_end(tmp_path):
    path = write_tar(tmp_path / "set.tar", {"a": b"a", "b": b"b", "c": b"c"})
    data = bytearray(path.read_bytes())
    data[1024 + 150] ^= 0xFF  # in the checksum of b
    path.write_bytes(data)
    with pytest.raises(DataError, match="a header is broken"), MemberStore(path) as store:
        _ = store.members


def test_a_header_that_claims_gigabytes_is_not_read(tmp_path):
    entry = tarfile.TarInfo("long")
    entry.type, entry.size = tarfile.XHDTYPE, 1 << 32
    path = tmp_path / "claims.tar"
    path.write_bytes(entry.tobuf(tarfile.USTAR_FORMAT) + bytes(4096))
    with pytest.raises(DataError, match="a header of"), MemberStore(path) as store:
        _ = store.members


def test_of_equal_names_the_last_is_kept(tmp_path):
    path = tmp_path / "twice.tar"
    with tarfile.open(path, "w") as archive:
        for data in (b"first", b"second"):
            entry = tarfile.TarInfo("a")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    with MemberStore(path) as store:
        assert store.read("a") == b"second"


# ------------------------------------------------------------------------------------------------- folders


@pytest.mark.skipif(sys.platform == "win32", reason="needs links, FIFOs and byte names")
def test_odd_things_in_a_folder(tmp_path):
    root = tmp_path / "set"
    root.mkdir()
    (tmp_path / "secret").write_bytes(b"secret")
    (root / "good").write_bytes(b"good")
    (root / "out").symlink_to(tmp_path / "secret")
    (root / "loop").symlink_to(root)
    os.mkfifo(root / "fifo")
    (root / os.fsdecode(b"caf\xe9.jpg")).write_bytes(b"latin")
    store = MemberStore(root)
    assert {name: store.read(name) for name in store.members} == {"good": b"good", "caf\\xe9.jpg": b"latin"}
    assert set(store.refused) == {"out", "loop", "fifo"}
    for name in ("out", "fifo", "loop/../../secret"):
        with pytest.raises(DataError):
            store.read(name)


@pytest.mark.skipif(sys.platform == "win32", reason="needs byte names")
def test_a_source_whose_name_is_not_utf8(tmp_path):
    source = os.fsdecode(os.fsencode(tmp_path) + b"/s\xe9t.zip")
    write_zip(source, FILES)
    store = MemberStore(source)
    assert store.source.endswith("s\\xe9t.zip")
    assert MemberStore(store.source).read("z") == b"z"


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_may_not_be_listed(tmp_path):
    write_folder(tmp_path / "set", {"closed/a": b"a", "b": b"b"})
    (tmp_path / "set" / "closed").chmod(0)
    store = MemberStore(tmp_path / "set")
    assert list(store.members) == ["b"]
    assert "cannot be listed" in store.refused["closed/"]
    (tmp_path / "set" / "closed").chmod(0o755)


def test_a_file_that_grew_too_large(tmp_path):
    write_folder(tmp_path / "set", {"a": b"1234"})
    with pytest.raises(DataError, match="larger than"):
        MemberStore(tmp_path / "set", max_member_bytes=3).read("a")
