"""Docs that fail: what the code has and the docs lack, what the docs link to and is not there."""

import contextlib
import io
import re
import sys
from enum import Enum
from pathlib import Path

import pytest
from docs import generate

from doctored import errors
from doctored.checks import texts
from doctored.cli import main as command_line
from doctored.cli.commands import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "detectors/*.md", "examples/*.md", "src/doctored/**/*.md")
    for path in ROOT.glob(pattern)
)
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"```.*?```", re.DOTALL)


@pytest.mark.skipif(sys.platform == "win32", reason="the docs show a POSIX terminal")
def test_generated_pages_are_up_to_date():
    assert [path.relative_to(ROOT).as_posix() for path in generate.stale()] == [], "run: make results"


def test_a_page_that_lags_behind_is_found():
    page = "before\n<!-- begin: results -->\nold\n<!-- end -->\nafter\n"
    filled = generate.filled(page)
    assert "\nold\n" not in filled
    assert filled.startswith("before\n<!-- begin: results -->\n| what")
    assert filled.endswith("<!-- end -->\nafter\n")
    assert generate.filled(filled) == filled


def test_every_command_and_option_is_documented():
    page = generate.command_page()
    for name, command in generate.commands():
        section = page.split(f"## doctored {name}\n")[1].split("\n## ")[0]
        for parameter in command.params:
            for option in parameter.opts:
                if option.startswith("-"):
                    assert f"{option} " in section or f"{option}`" in section or f"{option}," in section
            assert getattr(parameter, "help", None), f"{name}: {parameter.name} has no help"
    assert {name.split()[0] for name, _ in generate.commands()} == set(COMMANDS)


def test_every_finding_is_documented():
    page = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
    for code in texts.codes():
        assert f"`{code}" in page
    for text in texts.LIMITS.values():
        assert text in page


def test_every_error_of_a_picture_is_documented():
    assert set(generate.ERRORS) == set(errors.PictureErrorCode)
    assert isinstance(errors.PictureErrorCode.EMPTY, Enum)


def test_every_exit_code_is_documented():
    raised = {
        error.exit_code
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, errors.DoctoredError)
    }
    raised |= {command_line.USAGE_ERROR, command_line.COULD_NOT_RUN, command_line.INTERRUPTED}
    assert raised <= set(generate.EXIT_CODES) == {0, 1, 2, 3, 4, 130}


def heading_anchors(page: Path) -> set[str]:
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    for link in LINK.findall(FENCED.sub("", page.read_text(encoding="utf-8"))):
        target, _, anchor = link.partition("#")
        if target.startswith(("http:", "https:", "mailto:")):
            continue
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), f"{link} leads nowhere"
        if anchor:
            assert anchor in heading_anchors(file), f"{link}: no such heading"


@pytest.mark.parametrize("name", ["README.md"])
def test_the_python_of_the_docs_runs(name, tmp_path, monkeypatch):
    from doctored.data.toy import make_toy

    page = (ROOT / name).read_text(encoding="utf-8")
    snippets = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert snippets
    make_toy(tmp_path / "cifake.zip", n=1000, archive="zip")
    (tmp_path / "examples").symlink_to(ROOT / "examples", target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    printed = io.StringIO()
    names: dict[str, object] = {}
    with contextlib.redirect_stdout(printed):
        for snippet in snippets:
            exec(compile(snippet, name, "exec"), names)
    said = printed.getvalue().splitlines()
    assert said[0].startswith("fake ")
    assert [line.split()[1] for line in said[1:4]] == ["fake", "unsure", "real"]
    assert (tmp_path / "runs" / "mine" / "detector.onnx").exists()
    assert said[-1].startswith("Figure(value=")


def test_the_readme_names_every_room_and_page():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for room in (ROOT / "src" / "doctored").glob("*/__init__.py"):
        assert f"{room.parent.name}/ " in readme
    for page in (ROOT / "docs").glob("*.md"):
        assert f"docs/{page.name}" in readme


def test_the_docs_say_that_video_is_out_of_scope():
    assert "Video is out of scope" in (ROOT / "README.md").read_text(encoding="utf-8")
