"""HTML from parts that cannot be confused with text.

`Markup` is HTML already; any other string is text, and is escaped when it enters an element. Gluing the
two with `+` or an f-string gives a plain string, that is text, so a slip shows tags and never runs them.
"""

import html
import re
from typing import Final

VOID: Final = frozenset({"br", "hr", "img", "input", "meta"})
ELEMENTS: Final = VOID | {
    "a", "abbr", "article", "b", "bdi", "body", "caption", "code", "dd", "details", "div", "dl", "dt",
    "figcaption",
    "figure", "footer", "h1", "h2", "h3", "head", "header", "html", "label", "li", "main", "nav", "ol",
    "option", "p", "pre", "section", "select", "small", "span", "strong", "summary", "table", "tbody", "td",
    "th", "thead", "time", "title", "tr", "ul",
}  # fmt: skip
ATTRIBUTES: Final = frozenset({
    "alt", "aria-label", "charset", "class", "colspan", "content", "data-codes", "data-kinds", "data-label",
    "datetime", "for", "height", "hidden", "href", "http-equiv", "id", "lang", "loading", "name", "open",
    "role", "scope", "src", "tabindex", "title", "type", "value", "width",
})  # fmt: skip
# What HTML forbids or a UTF-8 file cannot hold (control characters but tab and newline, lone surrogates), and
# what makes text look like other text: directional marks, zero-width characters, tags, separators of lines.
# Joiners stay, for scripts and emoji need them.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
)


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
    """One element. `class_`, `for_` and `http_equiv` stand for `class`, `for` and `http-equiv`; None leaves
    an attribute out, and so does False for one that is there or not, such as `hidden`.

    Raises ValueError for an element or attribute outside the lists above (no scripts, no handlers, no
    inline styles), a `src` that is not a picture in a data URL, and an `href` that is not `#place`.
    """
    if children and element in VOID:
        raise ValueError(f"a page has no element {element!r} with {len(children)} children")
    start = opening(element, **attributes)
    return start if element in VOID else Markup(f"{start}{join(*children)}{closing(element)}")


def opening(element: str, **attributes: object) -> Markup:
    """The first half of `tag`, for an element whose children are written one by one; `closing` ends it."""
    if element not in ELEMENTS:
        raise ValueError(f"a page has no element {element!r}")
    start = element
    for keyword, value in attributes.items():
        name = keyword.rstrip("_").replace("_", "-")
        if name not in ATTRIBUTES:
            raise ValueError(f"a page has no attribute {name!r}")
        if value is None or value is False:
            continue
        if name == "src" and not str(value).startswith("data:image/"):
            raise ValueError("a page holds its pictures itself: give a data URL")
        if name == "href" and not str(value).startswith("#"):
            raise ValueError("a page links only to itself: give '#place'")
        # str() turns markup back into text, for tags mean nothing inside an attribute
        start += f" {name}" if value is True else f' {name}="{escape(str(value))}"'
    return Markup(f"<{start}>")


def closing(element: str) -> Markup:
    if element not in ELEMENTS - VOID:
        raise ValueError(f"a page has no end of {element!r}")
    return Markup(f"</{element}>")
