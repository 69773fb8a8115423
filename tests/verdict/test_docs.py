"""docs/policy.md: its example is a policy that works, and its code runs."""

import contextlib
import io
import re
from pathlib import Path

import pytest

import toy_findings as a
from doctored.verdict import decide, load_policy, shipped_policies
from doctored.verdict.facts import FACTS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "policy.md").read_text("utf-8")


@pytest.fixture
def agency(tmp_path, monkeypatch):
    """The page's own table, saved under the name that the page gives it."""
    (written,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "agency.toml").write_text(written, "utf-8")
    monkeypatch.chdir(tmp_path)
    return load_policy("agency.toml")


@pytest.mark.parametrize(
    ("findings", "label", "rule"),
    [
        ([a.FAILED], "unsure", "not_examined"),
        ([a.SIGNED_FAKE], "fake", "signed_fake"),
        ([a.SIGNED_REAL, a.DECLARED], "real", "signed_real"),
        ([a.SIGNED_REAL, a.SIGNED_FAKE], "unsure", "contradictory"),
        ([a.FAKE_TAMPERED], "fake", "strong_fake"),
        ([a.DECLARED, a.REAL_OF_BOTH], "fake", "declared_fake"),
        ([a.REAL_OF_BOTH], "unsure", "nobody_vouches"),
        ([], "unsure", "nobody_vouches"),
    ],
)
def test_the_example_does_what_the_page_says(agency, findings, label, rule):
    verdict = decide(findings, agency)
    assert (verdict.label.value, verdict.rule) == (label, rule)


def test_every_row_of_the_example_is_reached(agency):
    reached = {decide(findings, agency).rule for findings in a.every_combination(a.ALL, at_most=2)}
    assert reached == {row.rule for row in agency.rows}


def test_the_python_of_the_page_runs(agency):
    (snippet,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(snippet, "policy.md", "exec"), {})
    assert printed.getvalue().splitlines() == [
        "careful unsure declared_fake None",
        "platform fake declared_fake generated",
        "agency.toml fake declared_fake generated",
    ]


def test_the_page_names_every_fact_and_every_rule():
    for fact in FACTS:
        assert f"| `{fact}` |" in PAGE
    for name in shipped_policies():
        assert f"`{name}`" in PAGE
        for row in load_policy(name).rows:
            assert f"| `{row.rule}` |" in PAGE
