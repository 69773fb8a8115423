import pytest
from hypothesis import given
from hypothesis import strategies as st

from doctored.untrusted import clean

ANY_TEXT = st.text(st.characters(exclude_categories=()))
HARMLESS = st.text(st.characters(categories=("L", "N", "P", "S")), max_size=200)


@given(ANY_TEXT, st.integers(1, 40))
def test_it_is_one_printable_line_of_bounded_length(text, limit):
    cleaned = clean(text, limit)
    assert cleaned.isprintable()
    assert len(cleaned) <= limit
    assert cleaned == cleaned.strip()
    assert "  " not in cleaned
    cleaned.encode()


@given(ANY_TEXT, st.integers(1, 40))
def test_cleaning_twice_changes_nothing(text, limit):
    once = clean(text, limit)
    assert clean(once, limit) == once


@given(HARMLESS)
def test_harmless_text_stays_as_it_is(text):
    assert clean(text) == text


@given(
    st.lists(HARMLESS.filter(bool), max_size=5), st.sampled_from([" ", "\t", "\r\n", "\u2028", " \u3000 "])
)
def test_white_space_becomes_one_space(words, blank):
    assert clean(blank.join(words), 2000) == " ".join(words)


@pytest.mark.parametrize("character", "\x00\x1b\x7f\x9b\ud800\ue000\uffff")
def test_what_does_not_print_is_replaced(character):
    assert clean(f"a{character}b") == "a\ufffdb"


@pytest.mark.parametrize("character", "\u202e\u2066\u200b\u200d\ufeff\u00ad\U000e0041")
def test_what_steers_without_being_seen_is_dropped(character):
    assert clean(f"a{character}b") == "ab"


def test_an_escape_sequence_is_harmless_text():
    assert clean("\x1b[31mred\x1b[0m\x07") == "\ufffd[31mred\ufffd[0m\ufffd"


def test_what_was_cut_off_is_marked():
    assert clean("x" * 200) == "x" * 200
    assert clean("x" * 201) == "x" * 199 + "…"
    assert clean("a" + "\u200b" * 10_000 + "b") == "a…"


def test_endless_text_costs_little():
    assert clean("a b " * 4_000_000, 5) == "a b…"
    assert clean(" " * 10_000_000 + "end") == "end"
