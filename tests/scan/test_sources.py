import io
import os
import sys
import zipfile
from pathlib import Path

import pytest

from doctored.errors import PictureError, UsageError
from doctored.scan.sources import find_items, read_list

MAX = 1000


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (
        "b.jpg",
        "a.PNG",
        "notes.txt",
        "d/z.webp",
        "d/e/y.heic",
        "d/.hidden.jpg",
        ".git/x.jpg",
        "c/k.txt",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path


def paths(*named, notes=None):
    noted = [] if notes is None else notes
    return [item.path.replace(os.sep, "/") for item in find_items(named, MAX, noted.append)]


def test_a_folder_is_walked_in_the_order_of_names(tree):
    assert paths(".") == ["./a.PNG", "./b.jpg", "./d/e/y.heic", "./d/z.webp"]


def test_arguments_keep_their_order_and_may_repeat(tree):
    assert paths("d", "b.jpg", "b.jpg") == ["d/e/y.heic", "d/z.webp", "b.jpg", "b.jpg"]


def test_a_file_named_outright_is_always_tried(tree):
    assert paths("notes.txt", "d/.hidden.jpg") == ["notes.txt", "d/.hidden.jpg"]


def test_a_path_that_is_not_there_is_an_item_with_an_error(tree):
    (item,) = find_items(["none.jpg"], MAX)
    assert (item.error.code, item.file) == ("unreadable", None)


def test_patterns_are_for_shells_that_do_not_expand_them(tree):
    assert paths("*.jpg") == ["b.jpg"]
    assert paths("d/*") == ["d/e/y.heic", "d/z.webp"]
    assert paths("**/*.webp") == ["d/z.webp"]
    assert paths("d/**") == ["d/e/y.heic", "d/z.webp"]
    (item,) = find_items(["*.tga"], MAX)
    assert (item.path, item.error.code) == ("*.tga", "unreadable")


@pytest.mark.skipif(os.name == "nt", reason="not a name on Windows")
def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tree):
    (tree / "[1]*.jpg").write_bytes(b"x")
    assert paths("[1]*.jpg") == ["[1]*.jpg"]


def test_an_empty_folder_is_told_and_is_no_row(tree):
    notes = []
    assert paths("c", notes=notes) == []
    assert notes == ["c holds no pictures"]


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links_are_followed_and_loops_end(tree):
    (tree / "d" / "loop").symlink_to(tree, target_is_directory=True)
    (tree / "d" / "self.jpg").symlink_to(tree / "d" / "self.jpg")
    (tree / "d" / "turn").symlink_to(tree / "d" / "turn")
    (tree / "link").symlink_to(tree / "c", target_is_directory=True)
    (tree / "c" / "in.jpg").write_bytes(b"x")
    notes = []
    found = paths(".", notes=notes)
    assert found == ["./a.PNG", "./b.jpg", "./c/in.jpg", "./d/e/y.heic", "./d/self.jpg", "./d/z.webp"]
    assert len(notes) == 2
    assert all("left out" in note for note in notes)


def test_a_deep_folder_needs_no_deep_stack(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(400):
        Path("d").mkdir()
        os.chdir("d")
    Path("x.jpg").touch()
    os.chdir(tmp_path)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(200)
    try:
        assert len(paths(".")) == 1
    finally:
        sys.setrecursionlimit(limit)


@pytest.mark.skipif(os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="needs a user")
def test_a_folder_that_may_not_be_read_is_a_row(tree):
    (tree / "d").chmod(0)
    try:
        items = list(find_items(["."], MAX))
    finally:
        (tree / "d").chmod(0o700)
    assert [item.error.code for item in items if item.error] == ["unreadable"]


def test_a_folder_that_vanishes_is_a_row(tree, monkeypatch):
    scandir = os.scandir

    def vanishing(path):
        if str(path).endswith("d"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", vanishing)
    items = list(find_items(["."], MAX))
    assert [(item.path, item.error is None) for item in items] == [
        ("./a.PNG", True),
        ("./b.jpg", True),
        ("./d", False),
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_outside_utf8_are_found_and_shown(tmp_path):
    (tmp_path / os.fsdecode(b"\xff.jpg")).write_bytes(b"x")
    (item,) = find_items([str(tmp_path)], MAX)
    assert item.path.endswith("\\xff.jpg")
    assert Path(item.file).exists()


def test_stdin_is_one_picture(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"picture")))
    (item,) = find_items(["-"], MAX)
    assert (item.path, item.read()) == ("-", b"picture")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(bytes(MAX + 1))))
    (item,) = find_items(["-"], MAX)
    with pytest.raises(PictureError) as refused:
        item.read()
    assert refused.value.code == "too_large"


def test_a_list_names_paths_one_a_line(tmp_path, monkeypatch):
    path = tmp_path / "list.txt"
    path.write_bytes(b"a.jpg\r\n\nb c.jpg\nd/*.png")
    assert list(read_list(str(path))) == ["a.jpg", "b c.jpg", "d/*.png"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"x.jpg\n")))
    assert list(read_list("-")) == ["x.jpg"]
    with pytest.raises(UsageError, match="cannot be read"):
        read_list(str(tmp_path / "none.txt"))


def test_archives_are_opened_by_their_ending(tree):
    with zipfile.ZipFile(tree / "p.zip", "w") as archive:
        archive.writestr("in/x.jpg", b"1")
        archive.writestr("in/x.txt", b"1")
    assert paths("p.zip") == ["p.zip!/in/x.jpg"]
    assert "./p.zip" not in " ".join(paths("."))
