"""SVG from parts that are escaped: what charts are drawn with."""

from collections.abc import Sequence

from doctored.page.markup import Markup, escape, join, tag


def shape(element: str, *children: str, **attributes: str | float) -> Markup:
    """One element of a drawing; `class_` stands for `class`, an underscore for a hyphen."""
    written = " ".join(
        f'{name.rstrip("_").replace("_", "-")}="{write(value)}"' for name, value in attributes.items()
    )
    return Markup(f"<{element} {written}>{join(*children)}</{element}>")


def line(x1: float, y1: float, x2: float, y2: float, **attributes: str | float) -> Markup:
    return shape("line", x1=x1, y1=y1, x2=x2, y2=y2, **attributes)


def text(x: float, y: float, words: str, *, anchor: str = "start", **attributes: str | float) -> Markup:
    return shape("text", words, x=x, y=y, text_anchor=anchor, fill="currentColor", **attributes)


def write(value: str | float) -> str:
    """An attribute's value: escaped text, or a number with at most two decimals."""
    return str(escape(value)) if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")


def drawing(
    width: float, height: float, parts: Sequence[Markup], *, title: str, description: str = ""
) -> Markup:
    """The whole drawing; `title` names it to those who do not see it, `description` says what it shows.

    It scrolls sideways where it does not fit, unless a style makes it shrink.
    """
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {write(width)} {write(height)}" '
        f'width="{write(width)}" role="img" font-family="inherit">'
    )
    told = f"<title>{escape(title)}</title>" + (f"<desc>{escape(description)}</desc>" if description else "")
    return Markup(f"{opening}{told}{join(*parts)}</svg>")


def scrolled(drawn: Markup, label: str) -> Markup:
    """What is wider than a phone, in a box of its own that the keyboard reaches and scrolls."""
    return tag("div", drawn, class_="wide", role="group", aria_label=label, tabindex=0)
