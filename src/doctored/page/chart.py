"""Charts as SVG inside the page: no script, legible in light and dark, on paper and to a screen reader."""

from collections.abc import Sequence
from typing import NamedTuple

from doctored.page.markup import Markup, escape, join

COLOURS = {"fake": "#d55e00", "real": "#0072b2", "unsure": "#8a857c"}
_WIDTH = 720
_ROW, _TOP, _LABEL = 26, 30, 250
_HEIGHT = 120


class Estimate(NamedTuple):
    """A row of a chart of estimates: a value and its bounds; `tone` is `fake`, `real` or `unsure`."""

    label: str
    value: float
    low: float
    high: float
    tone: str = "unsure"


def estimates(
    rows: Sequence[Estimate], *, domain: tuple[float, float], marks: Sequence[tuple[float, str]], alt: str
) -> Markup:
    """A dot with its interval for each row, from `domain[0]` to `domain[1]`, and named vertical lines."""
    height = _TOP + _ROW * len(rows) + 8
    parts = []
    for value, name in marks:
        x = _place(value, domain)
        parts.append(_line(x, _TOP - 6, x, height - 6, "currentColor", 1, opacity=0.35))
        parts.append(_text(x, 16, name, anchor="middle", size=12))
    for index, row in enumerate(rows):
        y = _TOP + _ROW * index + _ROW / 2
        colour = COLOURS[row.tone]
        parts.append(_text(0, y + 4, _clip(row.label)))
        parts.append(_line(_place(row.low, domain), y, _place(row.high, domain), y, colour, 5, opacity=0.55))
        parts.append(_shape("circle", cx=_place(row.value, domain), cy=y, r=6, fill=colour))
    return _svg(height, alt, parts)


def histogram(
    counts: Sequence[tuple[str, str, Sequence[int]]], labels: tuple[str, str], *, alt: str
) -> Markup:
    """Steps of shares over the same bins, one (name, tone, counts) for each series, over one another.

    Each series is scaled by its own total, so that classes of unequal size can be compared; `labels` name
    the lowest and the highest value.
    """
    shares = [(tone, [count / max(1, sum(series)) for count in series]) for _, tone, series in counts]
    top = max((max(values, default=0.0) for _, values in shares), default=0.0) or 1.0
    parts = [_line(0, _HEIGHT, _WIDTH, _HEIGHT, "currentColor", 1, opacity=0.35)]
    for tone, values in shares:
        width = _WIDTH / max(1, len(values))
        for index, value in enumerate(values):
            bar = value / top * (_HEIGHT - 8)
            if bar:
                place = {"x": index * width, "y": _HEIGHT - bar, "width": width - 1, "height": bar}
                parts.append(_shape("rect", **place, fill=COLOURS[tone], fill_opacity=0.55))
    parts.append(_text(0, _HEIGHT + 18, labels[0], size=12))
    parts.append(_text(_WIDTH, _HEIGHT + 18, labels[1], anchor="end", size=12))
    return _svg(_HEIGHT + 24, alt, parts)


def _place(value: float, domain: tuple[float, float]) -> float:
    low, high = domain
    return _LABEL + (min(high, max(low, value)) - low) / (high - low) * (_WIDTH - _LABEL - 12)


def _clip(label: str) -> str:
    return label if len(label) <= 36 else label[:35] + "…"


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: int, opacity: float) -> Markup:
    ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    return _shape("line", **ends, stroke=colour, stroke_width=width, stroke_opacity=opacity)


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 14) -> Markup:
    return _shape("text", text, x=x, y=y, text_anchor=anchor, font_size=size, fill="currentColor")


def _shape(element: str, *children: str, **attributes: str | float) -> Markup:
    written = " ".join(f'{name.replace("_", "-")}="{_write(value)}"' for name, value in attributes.items())
    return Markup(f"<{element} {written}>{join(*children)}</{element}>")


def _write(value: str | float) -> str:
    return str(escape(value)) if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")


def _svg(height: float, alt: str, parts: Sequence[Markup]) -> Markup:
    box = f"0 0 {_WIDTH} {_write(height)}"
    opening = Markup(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" width="{_WIDTH}" '
        f'role="img" aria-label="{escape(str(alt))}" font-family="inherit">'
    )
    return Markup(f'<div class="wide">{opening}{join(*parts)}</svg></div>')
