"""Whatever text goes in comes out of an HTML parser as that text."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.page.reading import HOSTILE, Seen

from doctored.page.markup import Markup, closing, escape, join, opening, tag

PRINTABLE = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cn", "Cf", "Zl", "Zp"])
    | st.sampled_from("<>&\"'=/ \n\t`-!")
)


@given(PRINTABLE | st.sampled_from(HOSTILE))
def test_text_comes_back_as_text(text):
    seen = Seen(tag("p", text))
    assert seen.tags == [("p", {})]
    assert seen.text == text


@given(PRINTABLE | st.sampled_from(HOSTILE))
def test_attributes_come_back_as_they_were(text):
    seen = Seen(tag("img", alt=text, title=text))
    assert seen.tags == [("img", {"alt": text, "title": text})]
    assert seen.text == ""


@given(st.text(st.characters()))
def test_any_string_at_all_can_be_written(text):
    out = escape(text)
    out.encode("utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f<>\"']", out)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_slip_shows_tags_and_does_not_run_them(text):
    glued = tag("b", "bold") + text
    assert type(glued) is str
    assert Seen(tag("p", glued)).tags == [("p", {})]
    assert Seen(tag("p", f"{tag('b', 'bold')}{text}")).tags == [("p", {})]
    assert Seen(tag("img", alt=Markup(text))).tags == [("img", {"alt": text})]


DECEIVING = "\u202a\u202d\u202e\u2066\u2069\u200e\u200f\u061c\u200b\ufeff\u2028\u2029\U000e0041"


def test_what_turns_or_hides_text_is_shown_as_replaced():
    assert escape(f"a{DECEIVING}b") == f"a{len(DECEIVING) * chr(0xFFFD)}b"
    assert tag("img", alt=DECEIVING) == f'<img alt="{len(DECEIVING) * chr(0xFFFD)}">'


def test_joiners_of_scripts_and_emoji_stay():
    text = "\u0645\u06cc\u200c\u062e \U0001f469\u200d\U0001f4bb"
    assert escape(text) == text


def test_halves_of_an_element_make_the_whole():
    assert opening("div", class_="rows") + join("a") + closing("div") == tag("div", "a", class_="rows")


def test_an_attribute_that_is_there_or_not():
    assert tag("p", hidden=True) == "<p hidden></p>"
    assert tag("p", hidden=False) == "<p></p>"


@pytest.mark.parametrize("element", ["script", "img", "p><script"])
def test_what_has_no_end_cannot_be_ended(element):
    with pytest.raises(ValueError, match="no end"):
        closing(element)


def test_markup_is_not_escaped_twice():
    assert escape(escape("a & b")) == "a &amp; b"
    assert join("<", tag("br"), 3) == "&lt;<br>3"
    assert isinstance(join(), Markup)


def test_absent_attributes_are_left_out():
    assert tag("td", "x", class_=None, colspan=2) == '<td colspan="2">x</td>'


@pytest.mark.parametrize(
    ("element", "attributes"),
    [
        ("script", {}),
        ("style", {}),
        ("iframe", {}),
        ("p onclick=x", {}),
        ("p", {"onclick": "x"}),
        ("p", {"style": "x"}),
        ("img", {"src": "https://example.org/x.png"}),
        ("img", {"src": "data:text/html,x"}),
        ("a", {"href": "javascript:alert(1)"}),
        ("a", {"href": "https://example.org"}),
    ],
)
def test_what_a_page_never_needs_is_refused(element, attributes):
    with pytest.raises(ValueError, match="a page"):
        tag(element, **attributes)


def test_an_empty_element_has_no_children():
    with pytest.raises(ValueError, match="1 children"):
        tag("img", "x")
