"""Axes hold what they are given, points stand where their values are, and text stays text."""

import math
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.page.reading import HOSTILE, Seen

from doctored.page.plot import HEIGHT, WIDTH, Axis, Series, legend, linear, logarithmic, panel, plot

SVG = "{http://www.w3.org/2000/svg}"
UNIT = Axis("unit", 0.0, 1.0, [(0.0, "0"), (1.0, "1")])
NUMBERS = st.floats(-1e6, 1e6).map(lambda value: round(value, 6))


@given(st.lists(NUMBERS, min_size=1, max_size=20))
def test_an_axis_holds_its_values_in_few_round_steps(values):
    axis = linear("x", values)
    slack = 1e-9 * max(1.0, abs(axis.low), abs(axis.high))
    assert axis.low - slack <= min(values) <= max(values) <= axis.high + slack
    assert 2 <= len(axis.ticks) <= 9
    steps = [after - before for (before, _), (after, _) in zip(axis.ticks, axis.ticks[1:], strict=False)]
    assert steps == pytest.approx([steps[0]] * len(steps), rel=1e-6)
    mantissa = steps[0] / 10 ** math.floor(math.log10(steps[0]) + 1e-9)
    assert min(abs(mantissa - round_) for round_ in (1, 2, 2.5, 5, 10)) < 1e-6
    assert len({text for _, text in axis.ticks}) == len(axis.ticks), "two ticks read the same"


@given(st.integers(1, 500), st.integers(0, 500))
def test_epochs_are_whole(first, more):
    axis = linear("epoch", [float(first), float(first + more)], is_whole=True)
    assert all(float(value).is_integer() for value, _ in axis.ticks)


def test_a_logarithmic_axis_gives_each_power_the_same_room():
    axis = logarithmic("rate", 1e-4, 1.0, show=lambda value: f"{value:g}")
    assert [text for _, text in axis.ticks] == ["0.0001", "0.001", "0.01", "0.1", "1"]
    assert [axis.share(10.0**power) for power in range(-4, 1)] == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    assert axis.share(0.0) == 0.0


def drawn(series):
    return ET.fromstring(plot(series, UNIT, UNIT, title="a <b>", description="what & why"))


def test_the_chart_says_what_it_is():
    svg = drawn([Series("one", [(0, 0), (1, 1)])])
    assert svg.get("role") == "img"
    assert svg.find(f"{SVG}title").text == "a <b>"
    assert svg.find(f"{SVG}desc").text == "what & why"


def test_points_stand_where_their_values_are():
    svg = drawn(
        [
            Series(
                "dots",
                [(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)],
                kind="dots",
                bounds=[(0, 0.2), (0.4, 0.6), (0.9, 1)],
            )
        ]
    )
    dots = [(float(dot.get("cx")), float(dot.get("cy"))) for dot in svg.iter(f"{SVG}circle")]
    assert dots[1] == pytest.approx(((dots[0][0] + dots[2][0]) / 2, (dots[0][1] + dots[2][1]) / 2), abs=0.01)
    assert dots[0][1] > dots[2][1], "up is more"
    bounds = [line for line in svg.iter(f"{SVG}line") if "bound" in line.get("class")]
    heights = [float(line.get("y1")) - float(line.get("y2")) for line in bounds]
    assert heights[0] == pytest.approx(heights[1], abs=0.02)
    assert heights[0] == pytest.approx(2 * heights[2], abs=0.02)


def test_a_line_is_one_stroke_and_its_bounds_a_band():
    svg = drawn([Series("line", [(0, 0.5), (1, 0.5)], bounds=[(0.4, 0.6), (0.4, 0.6)])])
    (line,) = svg.iter(f"{SVG}polyline")
    (band,) = svg.iter(f"{SVG}polygon")
    assert len(line.get("points").split()) == 2
    heights = {float(pair.split(",")[1]) for pair in band.get("points").split()}
    assert len(heights) == 2
    assert sum(heights) / 2 == pytest.approx(float(line.get("points").split()[0].split(",")[1]), abs=0.1)


@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), min_size=1, max_size=10))
def test_nothing_is_drawn_outside(points):
    svg = drawn([Series("all", points, kind="dots")])
    for dot in svg.iter(f"{SVG}circle"):
        assert 0 <= float(dot.get("cx")) <= WIDTH
        assert 0 <= float(dot.get("cy")) <= HEIGHT


def test_one_series_needs_no_legend():
    one, two = Series("one", [], "first"), Series("two", [], "second")
    assert legend([one]) == ""
    assert "two" in legend([one, two])


@given(st.sampled_from(HOSTILE) | st.text(min_size=1))
def test_no_name_lets_a_tag_through(text):
    def page_of(name):
        series = [Series(name, [(0, 0)]), Series(name, [(1, 1)])]
        axis = linear(name, [0.0, 1.0], show=lambda value: name)
        chart = plot(series, axis, axis, title=name, description=name)
        return panel(name, chart, [name], [[name]], key=legend(series), note=name)

    assert [name for name, _ in Seen(page_of(text)).tags] == [name for name, _ in Seen(page_of("x")).tags]
