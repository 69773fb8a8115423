"""A whole page and the parts it is made of."""

import base64
from collections.abc import Sequence

from doctored.page.markup import Markup, escape, join, tag
from doctored.page.style import STYLE
from doctored.records import Label

# nothing is loaded from outside and nothing runs, whatever a file name may have smuggled in
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_TYPES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp"}


def document(title: str, *body: object, lead: object = None, foot: object = None) -> str:
    """A self-contained HTML page: no script, no request to anywhere, light or dark as the reader likes."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        Markup(f"<style>{STYLE}</style>"),
    )
    opening = tag("header", tag("h1", title), tag("p", lead, class_="lead") if lead else "", class_="page")
    closing = tag("footer", foot) if foot else ""
    page = tag("html", head, tag("body", opening, tag("main", *body), closing), lang="en")
    return f"<!doctype html>\n{page}\n"


def section(heading: str, *body: object) -> Markup:
    return tag("section", tag("h2", heading), *body)


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


def legend() -> Markup:
    """What the two colours of an overlay mean."""
    entries = (("fake", "speaks for fake"), ("real", "speaks for real"))
    swatches = [tag("span", tag("span", class_=f"swatch {name}"), f" {text}") for name, text in entries]
    return tag("p", *swatches, class_="legend")


def card(title: object, label: Label, *text: object, pictures: Sequence[Markup]) -> Markup:
    """One judged picture: its figures side by side, its name and badge, and what there is to say."""
    head = tag("div", tag("h3", title), badge(label), class_="head")
    strip = tag("div", *pictures, class_="strip")
    return tag("article", strip, tag("div", head, *text, class_="text"), class_="card")


def grid(*cards: Markup, is_large: bool = False) -> Markup:
    """Cards in as many columns as fit; large ones where each holds several photos."""
    return tag("div", *cards, class_="grid large" if is_large else "grid")


def table(headers: Sequence[object], rows: Sequence[Sequence[object]]) -> Markup:
    """A table that scrolls sideways on a narrow screen; numbers stand right."""
    top = tag("tr", *(tag("th", header, scope="col") for header in headers))
    body = [tag("tr", *(tag("td", cell, class_=_alignment(cell)) for cell in row)) for row in rows]
    return tag("div", tag("table", tag("thead", top), tag("tbody", *body)), class_="wide")


def _alignment(cell: object) -> str | None:
    return "number" if isinstance(cell, int | float) else None


def paragraphs(*texts: object) -> Markup:
    return join(*(tag("p", escape(text)) for text in texts if text))
