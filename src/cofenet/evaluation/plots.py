"""Plots as SVG: means with intervals, curves, and quality against cost. Text has the colour of the page's."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

COLOURS = (
    "#7a7f87", "#c2410c", "#0f766e", "#2563eb", "#a21caf", "#ca8a04", "#65a30d", "#be123c", "#0891b2", "#6d28d9",
    "#92400e", "#15803d",
)  # fmt: skip
"""Of the methods in their order; the input is grey."""

_WIDTH, _LINE = 720, 26


@dataclass(frozen=True)
class Point:
    """A mean with its interval, at a place if there is one."""

    mean: float
    low: float
    high: float
    x: float = 0.0


@dataclass(frozen=True)
class Axis:
    """From values to pixels; `log` if equal ratios are equal lengths."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        low, high, place = (math.log10(x) if self.log else x for x in (self.low, self.high, value))
        return self.start + (place - low) / ((high - low) or 1) * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Round values along it."""
        if self.log:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            return [10.0**power for power in powers if self.low <= 10.0**power <= self.high]
        step = 10 ** math.floor(math.log10((self.high - self.low or 1) / 4))
        step *= next(factor for factor in (1, 2, 5, 10) if (self.high - self.low) / (step * factor) <= 6)
        first = math.ceil(self.low / step)
        return [tick * step for tick in range(first, math.floor(self.high / step) + 1)]


def colour_of(methods: Iterable[str]) -> dict[str, str]:
    """A colour for each method."""
    return {method: COLOURS[place % len(COLOURS)] for place, method in enumerate(methods)}


def dots(points: Mapping[str, Point], colours: Mapping[str, str], title: str) -> str:
    """A line for each method: a dot at the mean, a bar over the interval."""
    left, right, top = 190, 90, 34
    height = top + _LINE * len(points) + 34
    axis = Axis(*_reach(points.values()), left, _WIDTH - right)
    parts = [*_grid(axis, top - 8, height - 30), _text(left, 16, title, "start")]
    for place, (method, point) in enumerate(points.items()):
        y = top + _LINE * (place + 0.5)
        parts += [
            _text(left - 12, y + 4, method, "end"), _bar(axis(point.low), y, axis(point.high), y, colours[method]),
            _dot(axis(point.mean), y, colours[method], method),
            _text(_WIDTH - right + 12, y + 4, f"{point.mean:.4g}", "start"),
        ]  # fmt: skip
    return _svg(height, parts, title)


def curves(lines: Mapping[str, Sequence[Point]], colours: Mapping[str, str], title: str, below: str) -> str:
    """Means over a level, a line a method, with intervals as bars; named at the right, as far as they keep apart."""
    left, right, top, height = 60, 180, 34, 340
    points = [point for line in lines.values() for point in line]
    x = Axis(min(point.x for point in points), max(point.x for point in points), left, _WIDTH - right)
    y = Axis(*_reach(points), height - 44, top)
    parts = [
        *_rows(y, left, _WIDTH - right),
        _text(left, 16, title, "start"),
        _text(_WIDTH - right, height - 6, below, "end"),
    ]
    parts += [_text(x(level), height - 26, f"{level:g}", "middle") for level in sorted({point.x for point in points})]
    names = {}
    for method, line in lines.items():
        colour = colours[method]
        path = " ".join(f"{x(point.x):.1f},{y(point.mean):.1f}" for point in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [_bar(x(point.x), y(point.low), x(point.x), y(point.high), colour, 1.2) for point in line]
        parts += [_dot(x(point.x), y(point.mean), colour, method) for point in line]
        names[method] = y(line[-1].mean)
    for method, place in _apart(names, 14).items():
        parts.append(_text(_WIDTH - right + 14, place + 4, method, "start", colours[method]))
    return _svg(height, parts, title)


def against_cost(points: Mapping[str, Point], colours: Mapping[str, str], title: str) -> str:
    """The measure against milliseconds, which grow by ratios."""
    left, right, top, height = 60, 150, 34, 340
    cost = [max(point.x, 0.01) for point in points.values()]
    x = Axis(min(cost) / 2, max(cost) * 2, left, _WIDTH - right, log=True)
    y = Axis(*_reach(points.values()), height - 44, top)
    parts = [
        *_rows(y, left, _WIDTH - right),
        _text(left, 16, title, "start"),
        _text(_WIDTH - right, height - 6, "milliseconds", "end"),
    ]
    parts += [_text(x(tick), height - 26, f"{tick:g}", "middle") for tick in x.ticks()]
    names = _apart({method: y(point.mean) for method, point in points.items()}, 14)
    for method, point in points.items():
        place = x(max(point.x, 0.01))
        parts += [
            _bar(place, y(point.low), place, y(point.high), colours[method], 1.2),
            _dot(place, y(point.mean), colours[method], method),
            _text(place + 9, names[method] + 4, method, "start", colours[method]),
        ]  # fmt: skip
    return _svg(height, parts, title)


def _reach(points: Iterable[Point]) -> tuple[float, float]:
    ends = [end for point in points for end in (point.low, point.high)]
    low, high = min(ends), max(ends)
    edge = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return low - edge, high + edge


def _apart(places: Mapping[str, float], least: float) -> dict[str, float]:
    """Moved down as little as keeps them `least` apart."""
    moved: dict[str, float] = {}
    last = -math.inf
    for name in sorted(places, key=places.__getitem__):
        last = max(places[name], last + least)
        moved[name] = last
    return moved


def _grid(axis: Axis, top: float, bottom: float) -> list[str]:
    parts = []
    for tick in axis.ticks():
        parts.append(f'<line x1="{axis(tick):.1f}" y1="{top}" x2="{axis(tick):.1f}" y2="{bottom}" class="grid"/>')
        parts.append(_text(axis(tick), bottom + 18, f"{tick:.10g}", "middle"))
    return parts


def _rows(axis: Axis, left: float, right: float) -> list[str]:
    parts = []
    for tick in axis.ticks():
        parts.append(f'<line x1="{left}" y1="{axis(tick):.1f}" x2="{right}" y2="{axis(tick):.1f}" class="grid"/>')
        parts.append(_text(left - 8, axis(tick) + 4, f"{tick:.10g}", "end"))
    return parts


def _text(x: float, y: float, text: str, anchor: str, colour: str = "currentColor") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'


def _bar(x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 3) -> str:
    places = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {places} stroke="{colour}" stroke-width="{width}" opacity="0.55"/>'


def _dot(x: float, y: float, colour: str, name: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{colour}"><title>{escape(name)}</title></circle>'


def _svg(height: float, parts: Sequence[str], title: str) -> str:
    head = f'<svg viewBox="0 0 {_WIDTH} {height:.0f}" role="img" aria-label="{escape(title)}" xmlns="http://www.w3.org/2000/svg">'
    return "\n".join([head, *parts, "</svg>"])
