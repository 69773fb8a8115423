"""Charts without axes as SVG: no script, legible in light and dark, on paper and to a screen reader."""

from collections.abc import Sequence
from typing import NamedTuple

from doctored.page.markup import Markup
from doctored.page.svg import drawing, line, scrolled, shape, text

COLOURS = {"fake": "#d55e00", "real": "#0072b2", "unsure": "#8a857c"}
_WIDTH = 720
_ROW, _TOP, _LABEL = 26, 30, 250
_HEIGHT = 120
_STRIP_WIDTH, _STRIP_HEIGHT = 120, 14


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
        parts.append(line(x, _TOP - 6, x, height - 6, stroke="currentColor", stroke_opacity=0.35))
        parts.append(text(x, 16, name, anchor="middle", font_size=12))
    for index, row in enumerate(rows):
        y = _TOP + _ROW * index + _ROW / 2
        colour = COLOURS[row.tone]
        parts.append(text(0, y + 4, _clip(row.label), font_size=14))
        ends = _place(row.low, domain), _place(row.high, domain)
        parts.append(line(ends[0], y, ends[1], y, stroke=colour, stroke_width=5, stroke_opacity=0.55))
        parts.append(shape("circle", cx=_place(row.value, domain), cy=y, r=6, fill=colour))
    return scrolled(drawing(_WIDTH, height, parts, title=alt), alt)


def histogram(
    counts: Sequence[tuple[str, str, Sequence[int]]], labels: tuple[str, str], *, alt: str
) -> Markup:
    """Steps of shares over the same bins, one (name, tone, counts) for each series, over one another.

    Each series is scaled by its own total, so that classes of unequal size can be compared; `labels` name
    the lowest and the highest value.
    """
    shares = [(tone, [count / max(1, sum(series)) for count in series]) for _, tone, series in counts]
    top = max((max(values, default=0.0) for _, values in shares), default=0.0) or 1.0
    parts = [line(0, _HEIGHT, _WIDTH, _HEIGHT, stroke="currentColor", stroke_opacity=0.35)]
    for tone, values in shares:
        width = _WIDTH / max(1, len(values))
        for index, value in enumerate(values):
            bar = value / top * (_HEIGHT - 8)
            if bar:
                place = {"x": index * width, "y": _HEIGHT - bar, "width": width - 1, "height": bar}
                parts.append(shape("rect", **place, fill=COLOURS[tone], fill_opacity=0.55))
    parts.append(text(0, _HEIGHT + 18, labels[0], font_size=12))
    parts.append(text(_WIDTH, _HEIGHT + 18, labels[1], anchor="end", font_size=12))
    return scrolled(drawing(_WIDTH, _HEIGHT + 24, parts, title=alt), alt)


def strip(
    value: float, low: float | None, high: float | None, *, domain: tuple[float, float], tone: str = "first"
) -> Markup:
    """A dot with its interval, for a cell beside the cell that has the numbers: decoration to a reader."""

    def place(number: float) -> float:
        share = (number - domain[0]) / ((domain[1] - domain[0]) or 1.0)
        return 6 + min(1.0, max(0.0, share)) * (_STRIP_WIDTH - 12)

    middle = _STRIP_HEIGHT / 2
    parts = [line(6, middle, _STRIP_WIDTH - 6, middle, class_="rail")]
    if low is not None and high is not None:
        parts.append(line(place(low), middle, place(high), middle, class_=f"bound {tone}"))
    parts.append(shape("circle", cx=place(value), cy=middle, r=4, class_=f"dot {tone}"))
    box = f"0 0 {_STRIP_WIDTH} {_STRIP_HEIGHT}"
    return shape("svg", *parts, viewBox=box, class_="strip-chart", aria_hidden="true")


def _place(value: float, domain: tuple[float, float]) -> float:
    low, high = domain
    return _LABEL + (min(high, max(low, value)) - low) / (high - low) * (_WIDTH - _LABEL - 12)


def _clip(label: str) -> str:
    return label if len(label) <= 36 else label[:35] + "…"
