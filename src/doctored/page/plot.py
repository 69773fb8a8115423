"""Charts with two axes as SVG: lines, dots with bounds, bars; legible in light and dark and on a phone.

Colours and the size of letters are the style sheet's, so that both follow the reader's screen; `tone` names
a colour there: `fake`, `real`, `unsure`, or one of TONES for what is neither.
"""

import math
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from doctored.page.document import fold, table
from doctored.page.markup import Markup, tag
from doctored.page.svg import drawing, line, shape, text

TONES = ("first", "second", "third", "fourth", "fifth", "sixth")
WIDTH, HEIGHT = 480, 300
LEFT, RIGHT, TOP, BOTTOM = 70, 30, 42, 54
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


_BENDS: dict[str, Callable[[float], float]] = {
    "linear": lambda value: value,
    "log": math.log,
    "odds": lambda value: math.log(value / (1 - value)),
}


class Axis(NamedTuple):
    """From `low` to `high`, with named `ticks` (value, text).

    On a `log` scale all are above 0, on an `odds` scale, which is even in log odds, between 0 and 1.
    """

    name: str
    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    scale: Literal["linear", "log", "odds"] = "linear"

    def share(self, value: float) -> float:
        """Where a value lies between the ends, 0 to 1; what lies beyond is put at the end."""
        bend = _BENDS[self.scale]
        low, high = bend(self.low), bend(self.high)
        return (bend(min(self.high, max(self.low, value))) - low) / (high - low)


class Series(NamedTuple):
    """Points (x, y) in order of x. `bounds`, (low, high) for each point, are a band around a line and a
    bar on a dot. Bars stand on the bottom and touch, as those of a histogram do."""

    name: str
    points: Sequence[tuple[float, float]]
    tone: str = TONES[0]
    kind: Literal["line", "dashes", "dots", "bars"] = "line"
    bounds: Sequence[tuple[float, float]] = ()


def linear(
    name: str,
    values: Sequence[float],
    *,
    show: Callable[[float], str] | None = None,
    is_whole: bool = False,
    count: int = 6,
) -> Axis:
    """An axis around `values` with about `count` round ticks, whole numbers where asked; `show` writes one,
    by default with no more digits than the steps need."""
    low, high = min(values), max(values)
    if low == high:
        pad = 1.0 if is_whole else abs(low) * 0.05 or 1.0
        low, high = low - pad, high + pad
    rough = max((high - low) / count, 1.0 if is_whole else 0.0)
    unit = 10.0 ** math.floor(math.log10(rough))
    step = unit * next(size for size in _STEPS if size * unit >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9) + (1 if abs(step / unit - 2.5) < 1e-9 else 0))
    ticks = [index * step for index in range(first, last + 1)]
    written = [(tick, show(tick) if show else f"{tick:.{decimals}f}") for tick in ticks]
    return Axis(name, ticks[0], ticks[-1], written)


def logarithmic(name: str, low: float, high: float, *, show: Callable[[float], str]) -> Axis:
    """An axis from one power of ten to another, with a tick at each."""
    first, last = round(math.log10(low)), round(math.log10(high))
    return Axis(name, low, high, [(10.0**p, show(10.0**p)) for p in range(first, last + 1)], "log")


def odds(name: str, least: float = 0.001) -> Axis:
    """An axis for probabilities that gives those near 0 and near 1 room; `least` is a power of ten."""
    lows = [10.0**power for power in range(round(math.log10(least)), 0)]
    ticks = [*lows, 0.5, *(1 - low for low in reversed(lows))]
    return Axis(name, least, 1 - least, [(tick, f"{tick:g}") for tick in ticks], "odds")


def plot(series: Sequence[Series], x: Axis, y: Axis, *, title: str, description: str = "") -> Markup:
    """The chart; `title` and `description` are what stands for it where it is not seen."""
    parts = [*_frame(x, y)]
    for one in series:
        parts += _DRAWN[one.kind](one, x, y)
    return drawing(WIDTH, HEIGHT, parts, title=title, description=description)


def legend(series: Sequence[Series]) -> Markup:
    """The series' names beside their colours; a single one needs none."""
    if len(series) < 2:
        return Markup("")
    entries = [
        tag("span", tag("span", class_=f"swatch {one.tone} {one.kind}"), f" {one.name}") for one in series
    ]
    return tag("p", *entries, class_="legend")


def panel(
    caption: str,
    drawn: Markup,
    headers: Sequence[object] = (),
    rows: Sequence[Sequence[object]] = (),
    *,
    key: Markup | str = "",
    note: object = None,
) -> Markup:
    """A chart under its caption, with its legend, a note, and its numbers as a table for who asks."""
    numbers = fold("The numbers", table(headers, rows, caption=f"{caption}, in numbers")) if rows else ""
    said = tag("p", note, class_="soft") if note else ""
    return tag("figure", tag("figcaption", caption), key, drawn, said, numbers, class_="chart")


def panels(*drawn: Markup) -> Markup:
    """Charts side by side where there is room."""
    return tag("div", *drawn, class_="charts")


def _across(axis: Axis, value: float) -> float:
    return LEFT + axis.share(value) * (WIDTH - LEFT - RIGHT)


def _down(axis: Axis, value: float) -> float:
    return HEIGHT - BOTTOM - axis.share(value) * (HEIGHT - TOP - BOTTOM)


def _frame(x: Axis, y: Axis) -> list[Markup]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = [text(4, 16, y.name, class_="name")]
    for value, words in y.ticks:
        at = _down(y, value)
        parts.append(line(LEFT, at, right, at, class_="rail"))
        parts.append(text(LEFT - 8, at + 5, words, anchor="end"))
    for value, words in x.ticks:
        at = _across(x, value)
        parts.append(line(at, bottom, at, bottom + 5, class_="rail"))
        parts.append(text(at, bottom + 22, words, anchor="middle"))
    parts.append(text(right, HEIGHT - 6, x.name, anchor="end", class_="name"))
    return parts


def _draw_line(one: Series, x: Axis, y: Axis) -> list[Markup]:
    places = [(_across(x, a), _down(y, b)) for a, b in one.points]
    parts = []
    if one.bounds:
        across = [place for place, _ in places]
        lower = [_down(y, low) for low, _ in one.bounds]
        upper = [_down(y, high) for _, high in one.bounds]
        outline = [*zip(across, upper, strict=True), *zip(across[::-1], lower[::-1], strict=True)]
        parts.append(shape("polygon", points=_join(outline), class_=f"band {one.tone}"))
    parts.append(shape("polyline", points=_join(places), class_=f"line {one.tone} {one.kind}"))
    return parts


def _draw_dots(one: Series, x: Axis, y: Axis) -> list[Markup]:
    parts = []
    for (a, _), (low, high) in zip(one.points, one.bounds, strict=False):
        at = _across(x, a)
        parts.append(line(at, _down(y, low), at, _down(y, high), class_=f"bound {one.tone}"))
    parts += [
        shape("circle", cx=_across(x, a), cy=_down(y, b), r=5, class_=f"dot {one.tone}")
        for a, b in one.points
    ]
    return parts


def _draw_bars(one: Series, x: Axis, y: Axis) -> list[Markup]:
    bottom, count = HEIGHT - BOTTOM, max(1, len(one.points))
    width = (WIDTH - LEFT - RIGHT) / count
    return [
        shape(
            "rect",
            x=_across(x, a) - width / 2,
            y=_down(y, b),
            width=width - 1,
            height=bottom - _down(y, b),
            class_=f"bar {one.tone}",
        )
        for a, b in one.points
    ]


_DRAWN: dict[str, Callable[[Series, Axis, Axis], list[Markup]]] = {
    "line": _draw_line,
    "dashes": _draw_line,
    "dots": _draw_dots,
    "bars": _draw_bars,
}


def _join(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in places)
