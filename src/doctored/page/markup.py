"""HTML from parts that cannot be confused with text.

`Markup` is HTML already; any other string is text, and is escaped when it enters an element. Gluing the
two with `+` or an f-string gives a plain string, that is text, so a slip shows tags and never runs them.
"""

import html
import re
from typing import Final

VOID: Final = frozenset({"br", "hr", "img", "meta"})
ELEMENTS: Final = VOID | {
    "a", "abbr", "article", "b", "body", "code", "dd", "details", "div", "dl", "dt", "figcaption", "figure",
    "footer", "h1", "h2", "h3", "head", "header", "html", "li", "main", "ol", "p", "section", "small",
    "span", "strong", "summary", "table", "tbody", "td", "th", "thead", "title", "tr", "ul",
}  # fmt: skip
ATTRIBUTES: Final = frozenset({
    "alt", "charset", "class", "colspan", "content", "height", "href", "http-equiv", "id", "lang", "loading",
    "name", "open", "role", "scope", "src", "title", "width",
})  # fmt: skip
# what HTML forbids or a UTF-8 file cannot hold: control characters but tab and newline, lone surrogates
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Markup(str):
    """A string that is HTML already."""

    __slots__ = ()


def escape(text: object) -> Markup:
    """Text as HTML; what is `Markup` already stays as it is. Characters a page cannot hold become U+FFFD."""
    if isinstance(text, Markup):
        return text
    return Markup(html.escape(_UNPRINTABLE.sub("\ufffd", str(text)), quote=True))


def join(*parts: object) -> Markup:
    return Markup("".join(escape(part) for part in parts))


def tag(element: str, *children: object, **attributes: object) -> Markup:
    """One element. `class_` and `http_equiv` stand for `class` and `http-equiv`; None leaves one out.

    Raises ValueError for an element or attribute outside the lists above (no scripts, no handlers, no
    inline styles), a `src` that is not a picture in a data URL, and an `href` that is not `#place`.
    """
    if element not in ELEMENTS or (children and element in VOID):
        raise ValueError(f"a page has no element {element!r} with {len(children)} children")
    opening = element
    for keyword, value in attributes.items():
        name = keyword.rstrip("_").replace("_", "-")
        if name not in ATTRIBUTES:
            raise ValueError(f"a page has no attribute {name!r}")
        if value is None:
            continue
        if name == "src" and not str(value).startswith("data:image/"):
            raise ValueError("a page holds its pictures itself: give a data URL")
        if name == "href" and not str(value).startswith("#"):
            raise ValueError("a page links only to itself: give '#place'")
        # str() turns markup back into text, for tags mean nothing inside an attribute
        opening += f' {name}="{escape(str(value))}"'
    if element in VOID:
        return Markup(f"<{opening}>")
    return Markup(f"<{opening}>{join(*children)}</{element}>")
