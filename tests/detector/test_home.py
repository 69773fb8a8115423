import sys
from pathlib import Path

import pytest

from doctored.detector.home import home, recall, remember


def test_home_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCTORED_HOME", str(tmp_path / "here"))
    assert home() == tmp_path / "here"


@pytest.mark.parametrize(
    ("platform", "variable", "value", "expected"),
    [
        ("linux", "XDG_CACHE_HOME", "/caches", "/caches/doctored"),
        ("linux", "XDG_CACHE_HOME", "", "~/.cache/doctored"),
        ("darwin", "XDG_CACHE_HOME", "", "~/Library/Caches/doctored"),
        ("win32", "LOCALAPPDATA", "/local", "/local/doctored"),
        ("win32", "LOCALAPPDATA", "", "~/AppData/Local/doctored"),
    ],
)
def test_home_is_otherwise_the_platforms_folder_for_caches(monkeypatch, platform, variable, value, expected):
    monkeypatch.delenv("DOCTORED_HOME")
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv(variable, value)
    assert home() == Path(expected).expanduser()


def test_what_is_remembered_is_recalled(tmp_path):
    path = tmp_path / "new" / "folder" / "thing.json"
    assert recall(path) is None
    remember(path, {"a": 1})
    remember(path, {"a": 2})
    assert recall(path) == {"a": 2}
    assert [entry.name for entry in path.parent.iterdir()] == ["thing.json"]


@pytest.mark.parametrize("damage", [b"", b"{", b"[1]", b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_memory_is_no_memory(tmp_path, damage):
    path = tmp_path / "thing.json"
    path.write_bytes(damage)
    assert recall(path) is None


def test_nothing_happens_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    remember(tmp_path / "file" / "thing.json", {"a": 1})
    (tmp_path / "thing.json").mkdir()
    remember(tmp_path / "thing.json", {"a": 1})
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "thing.json"]
