"""A whole page and the parts it is made of."""

import base64
import hashlib
from collections.abc import Sequence
from typing import Literal, NamedTuple

from doctored.page.markup import Markup, closing, escape, join, opening, tag
from doctored.page.script import SCRIPT
from doctored.page.style import STYLE
from doctored.records import Label

_TYPES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp"}


def content_policy(has_script: bool = False) -> str:
    """The page's Content-Security-Policy: nothing is loaded from outside, and nothing runs or styles but what
    stands in this package, whatever a file's text may have smuggled in."""
    script = f"; script-src '{_digest(SCRIPT)}'" if has_script else ""
    return (
        f"default-src 'none'; img-src data:; style-src '{_digest(STYLE)}'{script}; base-uri 'none'; "
        "form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"


def document(title: str, *body: object, lead: object = None, foot: object = None) -> str:
    """A self-contained HTML page: no script, no request to anywhere, light or dark as the reader likes."""
    before, after = frame(title, lead=lead, foot=foot)
    return f"{before}{join(*body)}{after}"


def frame(
    title: str, *, lead: object = None, foot: object = None, has_script: bool = False
) -> tuple[Markup, Markup]:
    """What stands before and after a page's body, for a body that is written piece by piece.

    `has_script`: the page has the filters' script, the only one there is.
    """
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=content_policy(has_script)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        Markup(f"<style>{STYLE}</style>"),
    )
    header = tag("header", tag("h1", title), tag("p", lead, class_="lead") if lead else "", class_="page")
    script = Markup(f"<script>{SCRIPT}</script>") if has_script else ""
    start = join(Markup("<!doctype html>\n"), opening("html", lang="en"), head)
    before = join(start, opening("body"), header, opening("main"))
    end = Markup("\n")
    footer = tag("footer", foot) if foot else ""
    return before, join(closing("main"), footer, script, closing("body"), closing("html"), end)


def section(heading: str, *body: object, place: str | None = None) -> Markup:
    """A part of the page under its heading; `place` is what `links` leads to."""
    return tag("section", tag("h2", heading), *body, id=place)


def links(label: str, *entries: tuple[str, str]) -> Markup:
    """Where on the page one can go: (place, text)."""
    found = [tag("li", tag("a", text, href=f"#{place}")) for place, text in entries]
    return tag("nav", tag("ul", *found, class_="links"), aria_label=label)


def picture(file: bytes, alt: str, *, width: int | None = None, height: int | None = None) -> Markup:
    """An `<img>` that carries its own PNG, JPEG or WebP file; `alt` is read aloud in its place."""
    kind = next((name for magic, name in _TYPES.items() if file.startswith(magic)), None)
    if kind is None:
        raise ValueError("a page shows PNG, JPEG and WebP: encode the pixels as one of these")
    url = f"data:{kind};base64,{base64.b64encode(file).decode('ascii')}"
    return tag("img", src=url, alt=alt, width=width, height=height)


def figure(image: Markup, caption: object = None, *, kind: str = "photo") -> Markup:
    """A picture with a caption; `kind` is `photo`, `square`, or `tiny` for pixels that must stay crisp."""
    return tag("figure", image, tag("figcaption", caption) if caption else "", class_=kind)


def blank(caption: object) -> Markup:
    """An empty square in the place of a picture that there is not."""
    return tag("figure", tag("div", class_="blank"), tag("figcaption", caption))


def badge(label: Label, text: str | None = None) -> Markup:
    value = Label(label).value
    return tag("span", text or value, class_=f"badge {value}")


def legend(lead: object = "") -> Markup:
    """What the two colours of an overlay mean."""
    entries = (("fake", "speaks for fake"), ("real", "speaks for real"))
    swatches = [tag("span", tag("span", class_=f"swatch {name}"), f" {text}") for name, text in entries]
    return tag("p", tag("span", lead) if lead else "", *swatches, class_="legend")


def card(
    title: object,
    label: Label,
    *text: object,
    pictures: Sequence[Markup],
    is_row: bool = False,
    says: str | None = None,
    **attributes: object,
) -> Markup:
    """One judged picture: its figures side by side, its name and badge, and what there is to say.

    `is_row`: the figures stand beside the text where there is room, for cards that say much. `says`: what
    the badge says, by default the label.
    """
    head = tag("div", tag("h3", title), badge(label, says), class_="head")
    strip = tag("div", *pictures, class_="strip") if pictures else ""
    kind = "card row" if is_row else "card"
    return tag("article", strip, tag("div", head, *text, class_="text"), class_=kind, **attributes)


def grid(*cards: Markup, size: Literal["small", "large"] | None = None) -> Markup:
    """Cards in as many columns as fit; large ones for several photos each, small ones for thumbnails."""
    return tag("div", *cards, class_=f"grid {size}" if size else "grid")


def table(
    headers: Sequence[object],
    rows: Sequence[Sequence[object]],
    *,
    caption: str | None = None,
    is_named: bool = False,
) -> Markup:
    """A table that scrolls sideways on a narrow screen, by keyboard too; numbers stand right.

    `is_named`: the first cell of a row is its heading.
    """
    top = tag("tr", *(tag("th", header, scope="col") if header else tag("td") for header in headers))
    body = [tag("tr", *_cells(row, is_named)) for row in rows]
    title = tag("caption", caption) if caption else ""
    whole = tag("table", title, tag("thead", top), tag("tbody", *body))
    return tag("div", whole, class_="wide", role="group", aria_label=caption or "Table", tabindex=0)


def _cells(row: Sequence[object], is_named: bool) -> list[Markup]:
    return [
        tag("th", cell, scope="row") if is_named and not place else tag("td", cell, class_=_alignment(cell))
        for place, cell in enumerate(row)
    ]


class Tile(NamedTuple):
    """A headline figure: what it is, its value as shown, and the lines that stand below it."""

    name: str
    value: str
    below: Sequence[str] = ()


def tiles(*shown: Tile) -> Markup:
    """Figures to be seen first, side by side."""
    entries = [
        tag(
            "li",
            tag("span", one.name, class_="soft"),
            tag("strong", one.value),
            *(tag("small", line) for line in one.below),
        )
        for one in shown
    ]
    return tag("ul", *entries, class_="tiles")


class Cell(NamedTuple):
    """`n` of a matrix; `kind` is `right`, `wrong` or `open`, `share` its share of the row."""

    n: int
    share: float | None
    kind: str


def matrix(
    corner: str, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[Cell]]], *, caption: str
) -> Markup:
    """Counts of truth by answer, each with its share of its row, tinted by whether it is right."""
    top = tag("tr", tag("th", corner, scope="col"), *(tag("th", name, scope="col") for name in columns))
    body = [tag("tr", tag("th", name, scope="row"), *map(_matrix_cell, cells)) for name, cells in rows]
    whole = tag("table", tag("caption", caption), tag("thead", top), tag("tbody", *body), class_="matrix")
    return tag("div", whole, class_="wide", role="group", aria_label=caption, tabindex=0)


def _matrix_cell(cell: Cell) -> Markup:
    share = tag("small", f"{100 * cell.share:.2f} %") if cell.share is not None else ""
    return tag("td", tag("strong", f"{cell.n:,}"), share, class_=cell.kind)


def insight(sentence: object) -> Markup:
    """What a chart says, in a sentence, before the chart."""
    return tag("p", sentence, class_="insight")


def warning(sentence: object) -> Markup:
    """What must be known before the rest is believed."""
    return tag("p", tag("strong", "Read with care: "), sentence, class_="warning")


def facts(*pairs: tuple[object, object]) -> Markup:
    """Names and values, one pair a line; pairs without a value are left out."""
    rows = [tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs if value]
    return tag("dl", *rows, class_="facts")


def fold(summary: object, *body: object) -> Markup:
    """What is there for who asks: closed until it is opened."""
    return tag("details", tag("summary", summary), *body)


def choice(name: str, label: str, options: Sequence[tuple[str, str]]) -> Markup:
    """A filter with a list of (value, text); the first, "all", filters nothing."""
    entries = [tag("option", text, value=value) for value, text in (("", "all"), *options)]
    return tag("label", label, tag("select", *entries, id=f"by-{name}"), for_=f"by-{name}")


def filters(*choices: Markup) -> Markup:
    """The filters of a page whose frame has the script, which shows them; and how many pictures fit."""
    search = tag("label", "Text", tag("input", type="search", id="by-text"), for_="by-text")
    told = tag("p", id="told", role="status", class_="soft")
    label = "Filter the pictures"
    return tag("div", *choices, search, told, id="filters", role="search", aria_label=label, hidden=True)


def caution() -> Markup:
    return section(
        "What a verdict is not",
        tag(
            "p",
            "A verdict is about how a picture was made, not about whether what it shows is true. A detector "
            "answers only for pictures like those it was trained on, and even there a few of its answers "
            "are wrong: how many is on its card (doctored detectors). No sign of a forgery is not a proof "
            "that there is none.",
        ),
    )


def _alignment(cell: object) -> str | None:
    return "number" if isinstance(cell, int | float) else None


def paragraphs(*texts: object) -> Markup:
    return join(*(tag("p", escape(text)) for text in texts if text))
