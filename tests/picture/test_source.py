"""What is read, and what is not: odd files must neither block nor fill the memory."""

import io
import os
import sys

import pytest

import hostile
from doctored.errors import PictureError, UsageError
from doctored.picture import Limits, decode

JPEG = hostile.seeds()["jpeg"]


def refused(source, limits=None):
    with pytest.raises(PictureError) as caught:
        decode(source, limits or Limits())
    assert caught.value.message.isprintable()
    assert "; " in caught.value.message
    return caught.value.code.value


def test_path_bytes_and_stream_give_the_same_picture(tmp_path):
    file = tmp_path / "picture.gif"
    file.write_bytes(JPEG)
    stream = io.BytesIO(b"before" + JPEG)
    stream.seek(6)
    sources = [JPEG, bytearray(JPEG), memoryview(JPEG), stream, file, str(file), file.open("rb")]
    pictures = [decode(source) for source in sources]
    sources[-1].close()
    assert {picture.sha256 for picture in pictures} == {pictures[0].sha256}
    assert all((picture.pixels == pictures[0].pixels).all() for picture in pictures)


@pytest.mark.parametrize("source", [7, None, ["a.jpg"], io.StringIO("text")])
def test_a_mistake_of_the_caller_is_not_the_pictures(source):
    with pytest.raises(UsageError, match="; "):
        decode(source)


@pytest.mark.timeout(60)
def test_special_files_are_read_or_refused(tmp_path):
    expected = {
        "empty.jpg": "empty",
        "truncated.jpg": "truncated",
        "random.png": "not_a_picture",
        "wrong_extension.png": "picture",
        "zero_by_zero.png": "unreadable",
        "one_by_one.png": "picture",
        "huge_header.png": "too_many_pixels",
        "bomb.png": "too_many_pixels",
        "text_bomb.png": "too_large",
        "bomb.gif": "too_many_pixels",
        "fifo.jpg": "unreadable",
        "loop.jpg": "unreadable",
        "directory_loop": "unreadable",
        "non_utf8.jpg": "picture",
    }
    cases = hostile.special_cases(tmp_path)
    cases.pop("unreadable.jpg")
    if sys.platform == "linux":
        assert set(cases) == set(expected)
    for name, path in cases.items():
        if expected[name] == "picture":
            assert decode(path).width > 0
        else:
            assert refused(path) == expected[name], name


def test_what_may_not_be_read_is_unreadable(tmp_path, monkeypatch):
    file = tmp_path / "secret.jpg"
    file.write_bytes(JPEG)

    def refuse(path, flags):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "open", refuse)
    assert refused(file) == "unreadable"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_permissions_are_the_systems(tmp_path):
    assert refused(hostile.special_cases(tmp_path)["unreadable.jpg"]) == "unreadable"


@pytest.mark.parametrize("path", ["no such file.jpg", "a\0b.jpg", "x" * 5000, "conftest.py/picture.jpg"])
def test_a_wrong_path_is_unreadable(path):
    assert refused(path) == "unreadable"


@pytest.mark.timeout(20)
@pytest.mark.skipif(sys.platform == "win32", reason="there are no such devices")
def test_devices_are_left_alone(monkeypatch):
    opened = []
    monkeypatch.setattr(os, "open", lambda path, flags: opened.append(path))
    assert refused("/dev/zero") == "unreadable"
    assert refused("/dev/null") == "unreadable"
    assert opened == []


@pytest.mark.timeout(20)
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs")
def test_a_fifo_that_takes_a_files_place_does_not_block(tmp_path, monkeypatch):
    fifo = tmp_path / "picture.jpg"
    os.mkfifo(fifo)
    file = tmp_path / "file.jpg"
    file.write_bytes(JPEG)
    status = file.stat()
    monkeypatch.setattr(os, "stat", lambda path: status)
    assert refused(str(fifo)) == "unreadable"


def test_a_file_that_grows_is_read_no_further_than_allowed(tmp_path, monkeypatch):
    file = tmp_path / "log.jpg"
    file.write_bytes(bytes(100))
    small = file.stat()
    file.write_bytes(JPEG + bytes(5_000_000))
    read = []
    system_read = os.read
    monkeypatch.setattr(os, "fstat", lambda descriptor: small)
    monkeypatch.setattr(os, "read", lambda *asked: read.append(asked[1]) or system_read(*asked))
    assert refused(file, Limits(max_bytes=3_000_000)) == "too_large"
    assert sum(read) <= 3_000_001 + 2**20


def test_an_endless_stream_is_read_no_further_than_allowed():
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size=-1):
            assert size > 0
            self.given += size
            return bytes(size)

    stream = Endless()
    assert refused(stream, Limits(max_bytes=5_000_000)) == "too_large"
    assert stream.given == 5_000_001


def test_a_stream_may_come_in_drops():
    class Drops(io.BytesIO):
        def read(self, size=-1):
            return super().read(min(size, 100))

    assert decode(Drops(JPEG)).sha256 == decode(JPEG).sha256


@pytest.mark.parametrize(
    "error", [OSError("gone"), ValueError("closed"), EOFError(), RuntimeError("encrypted")]
)
def test_a_stream_that_fails_is_unreadable(error):
    class Failing:
        def read(self, size):
            raise error

    assert refused(Failing()) == "unreadable"


def test_no_descriptor_is_left_open(tmp_path):
    if not os.path.isdir("/proc/self/fd"):  # noqa: PTH112
        pytest.skip("open descriptors are counted in /proc")
    cases = hostile.special_cases(tmp_path)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for path in cases.values():
        try:
            decode(path)
        except PictureError:
            continue
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
