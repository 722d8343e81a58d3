"""Plots say what the figures say: read back from the SVG."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cofenet.evaluation.plots import COLOURS, Axis, Point, against_cost, colour_of, curves, dots

SVG = "{http://www.w3.org/2000/svg}"
POINTS = {"input": Point(10, 9, 11, 0.02), "a<b": Point(14, 12, 16, 500), "c": Point(12, 11.9, 12.1, 20)}
COLOUR = colour_of(POINTS)


def circles(text: str) -> dict[str, tuple[float, float]]:
    return {
        dot.find(f"{SVG}title").text: (float(dot.get("cx")), float(dot.get("cy")))  # type: ignore[union-attr, arg-type, misc]
        for dot in ElementTree.fromstring(text).iter(f"{SVG}circle")
    }


def test_dots_lie_in_the_order_of_the_means() -> None:
    places = circles(dots(POINTS, COLOUR, "t"))
    assert places["input"][0] < places["c"][0] < places["a<b"][0]
    assert places["c"][0] - places["input"][0] == pytest.approx(places["a<b"][0] - places["c"][0], abs=0.2)


def test_bars_are_the_intervals() -> None:
    lines = [
        line for line in ElementTree.fromstring(dots(POINTS, COLOUR, "t")).iter(f"{SVG}line") if line.get("stroke")
    ]
    widths = [float(line.get("x2")) - float(line.get("x1")) for line in lines]  # type: ignore[arg-type]
    assert widths[1] == pytest.approx(2 * widths[0], rel=0.01)


def test_cost_grows_by_ratios() -> None:
    places = circles(against_cost(POINTS, COLOUR, "t"))
    steps = places["c"][0] - places["input"][0], places["a<b"][0] - places["c"][0]
    assert steps[0] / steps[1] == pytest.approx(3 / 1.39794, rel=0.01)
    assert places["a<b"][1] < places["c"][1] < places["input"][1]  # up is better


def test_curves_go_through_their_points() -> None:
    line = [Point(mean, mean - 1, mean + 1, x) for mean, x in ((5, 0.25), (4, 0.5), (1, 1.0))]
    drawn = ElementTree.fromstring(curves({"input": line}, COLOUR, "t", "severity"))
    (path,) = drawn.iter(f"{SVG}polyline")
    xs, ys = zip(*(map(float, pair.split(",")) for pair in path.get("points", "").split()), strict=True)
    assert xs[2] - xs[1] == pytest.approx(2 * (xs[1] - xs[0]), abs=0.2)
    assert ys[2] - ys[1] == pytest.approx(3 * (ys[1] - ys[0]), abs=0.3)
    assert {"0.25", "0.5", "1"} <= {text.text for text in drawn.iter(f"{SVG}text")}


@given(st.floats(-1e3, 1e3), st.floats(1e-3, 1e3))
def test_ticks_lie_within(low: float, width: float) -> None:
    ticks = Axis(low, low + width, 0, 1).ticks()
    assert all(low - 1e-6 * width <= tick <= low + width * (1 + 1e-6) for tick in ticks)
    assert 2 <= len(ticks) <= 8


def test_one_point_alone_can_be_drawn() -> None:
    one = {"input": Point(3, 3, 3, 1)}
    for text in (
        dots(one, COLOUR, "t"),
        against_cost(one, COLOUR, "t"),
        curves({"input": [one["input"]]}, COLOUR, "t", "x"),
    ):
        assert len(circles(text)) == 1


def test_colours_differ() -> None:
    assert len(set(colour_of([str(i) for i in range(len(COLOURS))]).values())) == len(COLOURS)
