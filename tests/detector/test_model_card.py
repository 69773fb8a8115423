"""The page of a detector on a hub: what it says, and that no card can make it say anything else."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from doctored.detector.card import Card, Domain, Metric
from doctored.detector.model_card import fenced, plain, write_model_card
from toy_detectors import toy_card

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
# What a card's texts may hold: printable, on one line (card.py refuses the rest).
TEXTS = st.text(
    st.characters(exclude_categories=("C", "Z")) | st.sampled_from(" `*_<>[]()#|\\&!~$:/.-+@"), max_size=60
)
HOSTILE = (
    "<script>alert(1)</script>",
    "[click](javascript:alert(1)) ![x](https://example.org/x.png)",
    "# heading | a | b |",
    "``` ~~~ --- === > - * 1. &lt; &#60; https://example.org <https://example.org> $$x$$",
)


def shown(markdown):
    """The tokens of a page without its front matter, and all its text."""
    body = (
        markdown.removeprefix("---\n").partition("\n---\n")[2] if markdown.startswith("---\n") else markdown
    )
    tokens = MARKDOWN.parse(body)
    inline = [child for token in tokens for child in token.children or []]
    return (
        tokens,
        inline,
        "".join(token.content for token in inline if token.type in ("text", "text_special")),
    )


def with_texts(text):
    card = toy_card()
    notes = replace(
        card.card,
        data=text, licence=text, limits=text, text=text, command=text, commit=text,
        counts={text: 3}, metrics={text: Metric(0.5, 20, 0.3, 0.7)},
    )  # fmt: skip
    domain = Domain(card.domain.kind, 32, 32, 1.0, text)
    return replace(card, version=text, digest=text, domain=domain, card=notes)


def write(card: Card) -> str:
    return write_model_card(card, b"12345", "ab" * 32, "hf://ann/toy")


@given(TEXTS)
def test_a_text_shows_as_itself(text):
    _, inline, said = shown(plain(text))
    assert said == " ".join(text.split())
    assert {token.type for token in inline} <= {"text", "text_special"}


@given(st.one_of(TEXTS, st.sampled_from(HOSTILE)))
def test_no_card_changes_the_page_s_structure(text):
    tokens, inline, _ = shown(write(with_texts(text)))
    plain_tokens, _, _ = shown(write(with_texts("word")))
    assert [token.type for token in tokens] == [token.type for token in plain_tokens]
    assert {token.type for token in inline} <= {
        "text",
        "text_special",
        "code_inline",
        "strong_open",
        "strong_close",
    }


@given(TEXTS)
def test_a_fence_holds_its_text(text):
    (token,) = MARKDOWN.parse(fenced(text))
    assert (token.type, token.content) == ("fence", " ".join(text.split()) + "\n")


def test_the_page_says_what_the_card_says():
    card = toy_card()
    page = write(card)
    _, _, said = shown(page)
    for text in (card.domain.text, card.card.limits, card.card.licence, card.digest, "ab" * 32, "5 bytes"):
        assert text in said
    assert "was this picture made by a generator?" in said
    assert "real 10, fake 10" in said
    assert "| test\\.accuracy | 0.5000 | 0.3000 to 0.7000 | 20 |" in page
    assert "| `fake` | ≥ 1.0000 | 1.0% | 1.00% | 1,000 |" in page
    assert "doctored pull hf://ann/toy\n" in page
    assert page.startswith("---\nlibrary_name: doctored\n")
