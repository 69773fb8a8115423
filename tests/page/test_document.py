import base64
import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.page.reading import HOSTILE, Seen

from doctored.page import document as page
from doctored.page.markup import Markup, tag
from doctored.records import Label

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def test_a_page_asks_nobody_for_anything():
    text = page.document("Title", page.figure(page.picture(PNG, "a dot")))
    seen = Seen(text.removeprefix("<!doctype html>"))
    metas = [attributes for name, attributes in seen.tags if name == "meta"]
    (policy,) = [meta["content"] for meta in metas if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy == page.content_policy()
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "script-src" not in policy
    assert "script" not in {name for name, _ in seen.tags}
    assert not re.search(r"https?:|url\(|@import|//[a-z]", text)


def hash_of(text):
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_a_page_runs_and_styles_nothing_but_what_is_hashed():
    before, after = page.frame("Title", has_script=True)
    (style,) = re.findall("<style>(.*?)</style>", before, re.DOTALL)
    (script,) = re.findall("<script>(.*?)</script>", after, re.DOTALL)
    policy = page.content_policy(has_script=True)
    assert f"style-src {hash_of(style)}; script-src {hash_of(script)};" in policy
    assert "script" not in page.document("Title").replace("Content-Security-Policy", "")


def test_a_frame_and_its_body_are_the_document():
    body = page.section("heading", "text")
    before, after = page.frame("Title", lead="lead", foot="foot")
    assert page.document("Title", body, lead="lead", foot="foot") == f"{before}{body}{after}"


def test_a_page_has_a_title_a_language_and_a_viewport():
    seen = Seen(page.document("Two < three").removeprefix("<!doctype html>"))
    assert ("html", {"lang": "en"}) in seen.tags
    assert any(attributes.get("name") == "viewport" for _, attributes in seen.tags)
    assert seen.text.count("Two < three") == 2


def test_style_and_script_cannot_end_their_elements():
    assert "<" not in page.STYLE
    assert "</" not in page.SCRIPT
    assert "<!--" not in page.SCRIPT


def test_filters_are_hidden_until_the_script_shows_them_and_every_field_has_a_label():
    seen = Seen(page.filters(page.choice("label", "Verdict", [("fake", "fake")])))
    assert seen.tags[0] == (
        "div", {"id": "filters", "role": "search", "aria-label": "Filter the pictures", "hidden": None}
    )  # fmt: skip
    labels = {attributes["for"] for name, attributes in seen.tags if name == "label"}
    fields = {attributes["id"] for name, attributes in seen.tags if name in ("select", "input")}
    assert labels == fields == {"by-label", "by-text"}
    assert all(f'"{name}"' in page.SCRIPT for name in ("filters", "told"))


def test_facts_without_a_value_are_left_out():
    shown = Seen(page.facts(("a", "1"), ("b", None), ("c", ""), ("d", False)))
    assert shown.text == "a1"


@given(st.sampled_from(HOSTILE) | st.text())
def test_no_part_lets_a_tag_through(text):
    parts = [
        page.section(text, text),
        page.figure(page.picture(PNG, text), text),
        page.badge(Label.FAKE, text),
        page.blank(text),
        page.card(text, Label.REAL, tag("p", text), pictures=[page.figure(page.picture(PNG, text))]),
        page.table([text], [[text], [1]]),
        page.table([text], [[text]], caption=text, is_named=True),
        page.tiles(page.Tile(text, text, [text])),
        page.matrix(text, [text], [(text, [page.Cell(1, 0.5, "right")])], caption=text),
        page.insight(text),
        page.warning(text),
        page.paragraphs(text, text),
        page.fold(text, text),
        page.links(text, (text, text)),
        page.facts((text, text)),
        page.choice("kind", text, [(text, text)]),
    ]
    expected = [Seen(part).tags for part in (
        page.section("x", "x"),
        page.figure(page.picture(PNG, "x"), "x"),
        page.badge(Label.FAKE, "x"),
        page.blank("x"),
        page.card("x", Label.REAL, tag("p", "x"), pictures=[page.figure(page.picture(PNG, "x"))]),
        page.table(["x"], [["x"], [1]]),
        page.table(["x"], [["x"]], caption="x", is_named=True),
        page.tiles(page.Tile("x", "x", ["x"])),
        page.matrix("x", ["x"], [("x", [page.Cell(1, 0.5, "right")])], caption="x"),
        page.insight("x"),
        page.warning("x"),
        page.paragraphs("x", "x"),
        page.fold("x", "x"),
        page.links("x", ("x", "x")),
        page.facts(("x", "x")),
        page.choice("kind", "x", [("x", "x")]),
    )]  # fmt: skip
    assert all(isinstance(part, Markup) for part in parts)
    if text:
        found = [[name for name, _ in Seen(part).tags] for part in parts]
        assert found == [[name for name, _ in tags] for tags in expected]


def test_pictures_are_carried_inside():
    (image,) = Seen(page.picture(PNG, "a dot", width=8)).tags
    assert image[1]["src"] == "data:image/png;base64," + base64.b64encode(PNG).decode()
    assert image[1]["width"] == "8"
    with pytest.raises(ValueError, match="PNG, JPEG and WebP"):
        page.picture(b"<svg onload=alert(1)>", "no")


def test_numbers_stand_right():
    assert '<td class="number">0.5</td>' in page.table(["a"], [[0.5]])
    assert "<td>half</td>" in page.table(["a"], [["half"]])


def test_a_badge_is_of_a_known_label():
    assert 'class="badge unsure"' in page.badge(Label.UNSURE)
    with pytest.raises(ValueError, match="not a valid Label"):
        page.badge("wrong")


def test_a_table_names_its_rows_and_its_columns():
    seen = Seen(page.table(["", "value"], [["accuracy", 0.5]], caption="Figures", is_named=True))
    assert [attributes.get("scope") for name, attributes in seen.tags if name == "th"] == ["col", "row"]
    assert seen.tags[0] == (
        "div",
        {"class": "wide", "role": "group", "aria-label": "Figures", "tabindex": "0"},
    )
    assert "Figures" in seen.text


def test_a_cell_of_a_matrix_says_whether_it_is_right():
    cells = [page.Cell(1234, 0.25, "right"), page.Cell(0, None, "wrong")]
    text = page.matrix("truth", ["real", "fake"], [("real", cells)], caption="Confusion")
    assert '<td class="right"><strong>1,234</strong><small>25.00 %</small></td>' in text
    assert '<td class="wrong"><strong>0</strong></td>' in text
