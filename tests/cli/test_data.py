import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from doctored.cli.data import app
from doctored.data.manifest import COLUMNS
from doctored.data.pack import Pack
from doctored.data.readers import registered_readers
from doctored.data.readers.spelling import CLASSES, SPLITS
from doctored.errors import DataError, UsageError

PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text("utf-8")


def run(*words):
    """The exit code and what is printed; an error of ours is raised, as main gets it."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout


@pytest.fixture
def toy(tmp_path):
    code, said = run("toy", tmp_path / "toy.zip", "-n", 24)
    assert (code, "24 pictures" in said) == (0, True)
    return tmp_path / "toy.zip"


def test_check_says_what_it_understood(toy):
    code, said = run("check", toy)
    assert code == 0
    words = [line.split() for line in said.splitlines()]
    assert said.startswith(f"{toy}: 24 pictures, read as cifake (CIFAKE)\n")
    assert ["split", "real", "fake"] in words
    assert ["train", "10", "10"] in words
    assert ["test", "2", "2"] in words
    assert "generator: stable-diffusion-1.4 12" in said


def test_check_shows_notes(tmp_path):
    run("toy", tmp_path / "toy", "-n", 40, "--layout", "folders")
    (tmp_path / "toy" / "sheet.png").write_bytes(b"")
    code, said = run("check", tmp_path / "toy")
    assert code == 0
    assert "note: left out 1 picture: outside the layout; the first: sheet.png" in said


def test_check_as_json(toy):
    code, said = run("check", toy, "--json", "--full")
    record = json.loads(said)
    assert (code, record["schema"], record["reader"], record["rows"]) == (0, 1, "cifake", 24)
    assert sum(entry["count"] for entry in record["counts"]) == record["looked_into"] == 24
    assert record["formats"] == {"fake": {"JPEG": 12}, "real": {"JPEG": 12}}
    for key in record:
        assert f"`{key}`" in PAGE


def test_check_ends_with_3_where_something_cannot_be_read(toy):
    data = bytearray(toy.read_bytes())
    data[data.index(b"\xff\xd8\xff") + 20] ^= 0xFF
    toy.write_bytes(data)
    code, said = run("check", toy, "--full")
    assert code == 3
    assert "odd: pictures that are damaged or gone (is damaged): 1: " in said


def test_check_draws_the_layouts_it_knows(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"")
    with pytest.raises(DataError, match="Known layouts"):
        run("check", tmp_path)


def test_pack_makes_a_pack(toy, tmp_path):
    code, said = run("pack", toy, tmp_path / "pack", "--preprocess", "exact:32", "--workers", 1)
    assert (code, said) == (0, f"{tmp_path / 'pack'}: 24 pictures of 32×32, 0 broken\n")
    assert Pack.open(tmp_path / "pack").pixels.shape == (24, 32, 32, 3)


def test_broken_pictures_end_with_3(tmp_path):
    run("toy", tmp_path / "toy", "-n", 4, "--layout", "folders")
    (tmp_path / "toy" / "real" / "00000.jpg").write_bytes(b"no picture")
    code, said = run("pack", tmp_path / "toy", tmp_path / "pack", "--preprocess", "resize:16", "--workers", 1)
    assert code == 3
    assert "3 pictures of 16×16, 1 broken" in said
    (line,) = (tmp_path / "pack" / "broken.jsonl").read_text("utf-8").splitlines()
    assert json.loads(line)["id"] == "real/00000.jpg"


@pytest.mark.parametrize("preprocess", ["exact", "exact:", "exact:-3", "exact:0", "tiles:32", "resize:²"])
def test_a_preprocess_that_makes_no_sense(toy, tmp_path, preprocess):
    with pytest.raises(UsageError):
        run("pack", toy, tmp_path / "pack", "--preprocess", preprocess)
    assert not (tmp_path / "pack").exists()


@pytest.mark.parametrize("word", [*COLUMNS, *registered_readers(), *CLASSES, *SPLITS, "check", "pack", "toy"])
def test_the_page_on_data_names_everything(word):
    assert re.search(rf"[`\s]{word}[`\s]", PAGE), f"docs/data.md does not name {word}"
