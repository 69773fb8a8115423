"""Cards of a page: all that a record says, each sentence once, and text from files only ever as text."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.page.reading import HOSTILE, Seen

from doctored.picture import encode_jpeg, encode_png
from doctored.records import (
    Finding,
    Kind,
    Label,
    Record,
    RecordError,
    Says,
    Strength,
    UsedDetector,
    UsedPolicy,
    Verdict,
)
from doctored.scan.items import Preview
from doctored.scan.page_cards import MAX_DETAILS, draw_card, draw_json

GREY = np.full((8, 12, 3), 128, np.uint8)
PREVIEW = Preview(encode_jpeg(GREY), (encode_jpeg(GREY), encode_png(GREY)), "one")
DECEIVING = [
    "\x1b[31m",
    "\u202egpj.exe",
    "\u2066a\u2069",
    "\x00",
    "\x85",
    "\u2028",
    "\ud800",
    "a\r\nb",
    "\U000e0041",
]


def record(text="x", label=Label.FAKE, error=None, details=None):
    """A record with `text` in every field that can hold text from outside, or what a check made of it."""
    findings = (
        Finding("metadata", "declares_x", Says.FAKE, Strength.WEAK, f"It says {text}.", Kind.GENERATED,
                0.5, (1, 2, 3, 4), details or {text or "x": [text, {"deep": text}]}, f"Blind to {text}."),
        Finding(f"detector:{text}", "outside_domain", Says.NEUTRAL, Strength.NONE, text),
    )  # fmt: skip
    kind = Kind.GENERATED if label is Label.FAKE else None
    return Record(
        doctored="1.2",
        path=f"folder/{text}.jpg",
        verdict=Verdict(label, "strong_fake", f"Fake, {text}.", kind, ("declares_x",), 0.75),
        policy=UsedPolicy(text or "x", "0" * 64),
        sha256=None if error else "a" * 64,
        format=None if error else "JPEG",
        width=None if error else 640,
        height=None if error else 480,
        findings=() if error else findings,
        detectors=(UsedDetector(f"detector {text}", "3.4", 0.01),),
        trust_list={text or "x": text},
        error=error,
        ms=12.0,
    ).to_json()


def shape(markup):
    """The elements, each with the names of its attributes."""
    return [(name, sorted(attributes)) for name, attributes in Seen(markup).tags]


@given(st.sampled_from(HOSTILE + DECEIVING) | st.text())
def test_no_text_from_a_file_becomes_an_element_or_an_attribute(text):
    preview = PREVIEW._replace(detector=text or "x")
    card = draw_card(record(text), preview)
    assert shape(card) == shape(draw_card(record(), PREVIEW))
    card.encode("utf-8")
    written = Seen(card)
    shown = written.text + "".join(value or "" for _, values in written.tags for value in values.values())
    assert all(character.isprintable() or character == "\n" for character in shown)


@pytest.mark.parametrize("text", HOSTILE)
def test_text_from_a_file_can_be_read(text):
    seen = Seen(draw_card(record(text), None)).text
    for expected in (f"folder/{text}.jpg", f"It says {text}.", f"Blind to {text}.", f"Fake, {text}."):
        assert expected in seen
    assert json.dumps(text)[1:-1] in seen


def test_direction_marks_and_control_characters_are_told_by_their_names():
    seen = Seen(draw_card(record("\u202e\x1b[1m"), None)).text
    assert r"folder/\u202e\x1b[1m.jpg" in seen


def test_a_card_says_all_that_the_record_says():
    whole = record()
    seen = Seen(draw_card(whole, PREVIEW)).text
    for finding in whole["findings"]:
        for key in ("check", "code", "text", "limits"):
            assert finding[key] in seen
    for value in ("weak fake:", "neutral:", "fake · generated", whole["sha256"], "JPEG, 640×480",
                  "strong_fake", whole["policy"]["digest"], "detector x 3.4, budget 0.01",
                  "x: x", "1.2", "0.7500 of fake",
                  "x 1, y 2, 3×4", "evidence of one"):  # fmt: skip
        assert value in seen


def test_a_sentence_that_decided_stands_there_once():
    whole = record()
    whole["text"] = f"Fake. {whole['findings'][0]['text']}"
    assert Seen(draw_card(whole, None)).text.count(whole["findings"][0]["text"]) == 1


def test_the_script_finds_label_kinds_and_codes():
    (_, attributes), *_ = Seen(draw_card(record(), PREVIEW)).tags
    assert attributes == {
        "class": "card row",
        "data-label": "fake",
        "data-kinds": "generated",
        "data-codes": "declares_x outside_domain",
    }


def images(card):
    return [attributes for name, attributes in Seen(card).tags if name == "img"]


def test_every_picture_has_a_text_in_its_place():
    picture, for_fake, for_real = images(draw_card(record(), PREVIEW))
    assert picture["alt"] == "Preview of folder/x.jpg"
    assert for_fake["alt"] == "Where one finds evidence for fake in folder/x.jpg"
    assert for_real["alt"] == "Where one finds evidence for real in folder/x.jpg"
    assert for_real["src"].startswith("data:image/png;base64,")


def test_a_picture_without_a_preview_says_so():
    card = draw_card(record(), None)
    assert images(card) == []
    assert "no preview" in card


def test_a_picture_that_could_not_be_read_is_a_calm_row():
    error = RecordError("too_large", "it is <b>; send less")
    card = draw_card(record(label=Label.UNSURE, error=error), None)
    assert images(card) == []
    assert "no preview" not in card
    assert "too_large" in Seen(card).text
    assert ("article", ["class", "data-codes", "data-kinds", "data-label"]) in shape(card)
    assert 'data-codes="too_large"' in card


def test_the_trust_list_is_named_with_its_digest_and_date():
    used = record() | {"trust_list": {"names": ["a", "b"], "sha256": "f00", "date": "2026-11-22"}}
    assert "names: a, b; sha256: f00; date: 2026-11-22" in Seen(draw_card(used, None)).text


def test_tiny_pictures_stay_crisp():
    tiny = record()
    tiny.update(width=32, height=20)
    assert '<figure class="tiny">' in draw_card(tiny, PREVIEW)
    assert '<figure class="tiny">' not in draw_card(record(), PREVIEW)


def test_endless_details_are_cut_and_that_is_told():
    seen = Seen(draw_json({"text": "x" * 3 * MAX_DETAILS})).text
    assert len(seen) < MAX_DETAILS + 100
    assert "characters more are in the record" in seen
