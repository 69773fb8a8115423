"""What a terminal shows, and what it never obeys."""

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from doctored.records import Finding, Record, Says, Strength
from doctored.scan.examine import row
from doctored.scan.terminal import FEWER, IN_FULL, TerminalSink
from doctored.verdict import decide, load_policy
from toy_findings import DECLARED, FAKE_GENERATED, NEUTRAL, OUTSIDE

POLICY = load_policy()
OUR_CODES = re.compile(r"\x1b\[[0-9;]*m")
SENTENCE = f"This {'very, very, very, ' * 8}long sentence is wrapped on any terminal that a person has open."
HOSTILE = [
    "\x1b[31m\x1b]0;title\x07",
    "\x1b]8;;http://x\x07link\x1b]8;;\x07",
    "\u202egpj.exe",
    "\u2066a\u2069",
    "\x9b31m",
    "a\r\nREAL  other.jpg",
    "\x08\x08\x08",
    "\x00",
    "[bold]x[/bold]",
    ":smile:",
    "\ud800",
]


def judged(path, *findings):
    return Record("1", path, decide(findings, POLICY), POLICY.used, findings=tuple(findings))


def shown(*records, width=80, has_colours=False):
    console = Console(
        file=io.StringIO(),
        force_terminal=has_colours,
        width=width,
        color_system="standard" if has_colours else None,
        highlight=False,
    )
    sink = TerminalSink(console)
    for record in records:
        sink.write(row(record))
    sink.close()
    return console.file.getvalue()


def test_the_verdict_comes_first_then_one_line_a_finding():
    lines = [line.rstrip() for line in shown(judged("a.png", FAKE_GENERATED, NEUTRAL)).splitlines()]
    assert lines == [
        " FAKE    a.png  probability of fake 0.990",
        "Fake.",
        "   strong fake    g says fake.",
        "   neutral        trailing_bytes of container.",
    ]


def finding(text):
    return Finding("metadata", "note", Says.NEUTRAL, Strength.NONE, text)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_long_sentences_are_wrapped_under_themselves(width):
    lines = shown(judged("a.png", finding(SENTENCE)), width=width).splitlines()
    assert all(len(line) <= width for line in lines)
    assert " ".join(" ".join(lines[-8:]).split()).endswith(SENTENCE)
    behind_mark = lines[-1][: 18 if width >= 60 else 3]
    assert behind_mark.isspace()


def test_a_long_batch_has_one_reason_where_nothing_speaks_for_a_side():
    text = shown(*(judged(f"{number}.png", OUTSIDE, NEUTRAL) for number in range(IN_FULL + 2)))
    assert text.count("neutral        trailing_bytes") == IN_FULL
    assert " ".join(text.split()).count(FEWER) == 1
    assert text.rstrip().endswith("Unsure: outside what the detectors know. outside_domain of detector:o.")


def test_a_long_batch_shows_all_of_what_speaks_for_a_side():
    neutral = [judged(f"{number}.png", NEUTRAL) for number in range(IN_FULL)]
    text = shown(*neutral, judged("last.png", DECLARED, NEUTRAL))
    assert "weak fake" in text
    assert FEWER[:20] not in text


@given(st.sampled_from(HOSTILE) | st.text())
def test_nothing_from_a_file_is_obeyed(text):
    findings = (finding(f"It says {text}."), FAKE_GENERATED)
    plain = shown(judged(f"{text}.png", *findings), width=1000)
    assert all(character.isprintable() or character == "\n" for character in plain)
    coloured = shown(judged(f"{text}.png", *findings), width=1000, has_colours=True)
    assert OUR_CODES.sub("", coloured).rstrip() == plain.rstrip()
    assert len(plain.splitlines()) == len(shown(judged("x.png", finding("x"), FAKE_GENERATED)).splitlines())


@pytest.mark.parametrize("text", ["[bold]x[/bold]", ":smile:", "[/]", "[link=http://x]y[/link]"])
def test_markup_in_a_name_is_shown_as_it_is(text):
    assert f"{text}.jpg" in shown(judged(f"{text}.jpg"))
    assert f"It says {text}." in shown(judged("a.jpg", finding(f"It says {text}.")))


def test_an_empty_or_missing_text_is_no_failure():
    assert "UNSURE" in shown(judged("a.png"))
    assert "neutral" in shown(judged("a.png", finding("")))
