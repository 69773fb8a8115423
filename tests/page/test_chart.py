"""Charts are well-formed, to scale, and hold text as text."""

import xml.etree.ElementTree as ET

import pytest

from doctored.page.chart import Estimate, estimates, histogram, strip

SVG = "{http://www.w3.org/2000/svg}"


def parse(markup):
    return ET.fromstring(markup).find(f"{SVG}svg")


def test_a_dot_stands_where_its_value_is():
    rows = [
        Estimate("low", 0.4, 0.4, 0.4),
        Estimate("<b>&", 0.7, 0.6, 0.8, "fake"),
        Estimate("high", 1.0, 1.0, 1.0),
    ]
    svg = parse(estimates(rows, domain=(0.4, 1.0), marks=[(0.5, "chance")], alt='a "chart"'))
    low, middle, high = (float(dot.get("cx")) for dot in svg.iter(f"{SVG}circle"))
    assert middle == pytest.approx((low + high) / 2, abs=0.01)
    texts = [text.text for text in svg.iter(f"{SVG}text")]
    assert texts == ["chance", "low", "<b>&", "high"]
    assert svg.find(f"{SVG}title").text == 'a "chart"'


def test_bars_are_shares_of_their_own_series():
    svg = parse(histogram([("real", "real", [10, 30]), ("fake", "fake", [1, 0])], ("0", "9"), alt="bars"))
    heights = [float(bar.get("height")) for bar in svg.iter(f"{SVG}rect")]
    assert heights[1] == pytest.approx(3 * heights[0], abs=0.03)
    assert heights[2] == pytest.approx(heights[0] * 4, abs=0.03)
    assert len(heights) == 3


def test_a_strip_is_decoration_and_stays_inside():
    svg = ET.fromstring(strip(0.75, 0.5, 2.0, domain=(0.5, 1.0)))
    assert svg.get("aria-hidden") == "true"
    (dot,) = svg.iter("circle")
    rail, bound = svg.iter("line")
    assert float(dot.get("cx")) == pytest.approx((float(rail.get("x1")) + float(rail.get("x2"))) / 2)
    assert (bound.get("x1"), bound.get("x2")) == (rail.get("x1"), rail.get("x2"))


def test_nothing_makes_an_empty_chart():
    assert parse(estimates([], domain=(0, 1), marks=[], alt="nothing")) is not None
    assert parse(histogram([("real", "real", [])], ("", ""), alt="nothing")) is not None
