"""One HTML page that holds everything: tables, plots, and sheets to look at. It needs no network and no other file."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

from cofenet.evaluation.measures import MEASURES
from cofenet.evaluation.plots import Point, against_cost, colour_of, curves, dots
from cofenet.evaluation.runner import TRUTH, tile
from cofenet.evaluation.summary import LEVEL, LOST, Summary
from cofenet.evaluation.tables import MARK, by_rank, cells, too_few
from cofenet.io import write_atomically

_CURVES = {"severity": "severity", "size": "pixels across the field of view", "jpeg": "JPEG quality"}
"""Families that are drawn as curves, and what their level is."""


def write_report(folder: Path, summary: Summary, photographs: Sequence[str]) -> Path:
    """Write report.html, with the sheets of those photographs that have one.

    Raises:
        UnwritableError: it cannot be.
    """
    file = folder / "report.html"
    write_atomically(file, page(summary, _sheets(folder, photographs, list(summary["methods"]))).encode())
    return file


def page(summary: Summary, sheets: Mapping[str, Mapping[str, bytes]]) -> str:
    """The page.

    Args:
        summary: all figures.
        sheets: photograph, then method, to a JPEG.
    """
    title = f"cofenet evaluate {summary['protocol']}"
    parts = [
        f"<h1>{title}</h1>", f'<p class="about">{escape(summary["about"])}</p>', *_facts(summary), *_warnings(summary),
        *_tables(summary), *_plots(summary), *_pairs(summary), *_by_source(summary), *_shown(sheets, summary),
        *_failures(summary), *_definitions(),
    ]  # fmt: skip
    style, script = (resources.files(__package__).joinpath(name).read_text("utf-8") for name in ("page.css", "page.js"))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>\n{style}</style></head>\n<body>\n"
        + "\n".join(parts)
        + f"\n<script>\n{script}</script>\n</body></html>\n"
    )


def _facts(summary: Summary) -> Iterable[str]:
    settings = summary["settings"]
    patients = "" if summary["patients"] == summary["photographs"] else f" of {summary['patients']} patients"
    degraded = "" if summary["protocol"] == "real" else " Parameters of every degradation: <code>parameters/</code>."
    yield (
        f"<p>{_counted(summary['photographs'])}{patients}, {settings['size']} pixels across the field of view, "
        f"{len(summary['methods'])} methods; cofenet {settings['cofenet']}. Means with 95 % bootstrap intervals by "
        f"patient, inside the field of view.{degraded}</p>"
    )


def _counted(photographs: int) -> str:
    return f"{photographs} photograph{'' if photographs == 1 else 's'}"


def _warnings(summary: Summary) -> Iterable[str]:
    if few := too_few(summary):
        yield f'<p class="warning">{few}</p>'
    for method, why in summary["marked"].items():
        yield (
            f'<p class="warning">{MARK} <b>{escape(method)}</b> looks better to the network, and has lost structure: '
            f"{escape(why)}. A score that looks at the result alone proves nothing.</p>"
        )


def _tables(summary: Summary) -> Iterable[str]:
    yield "<h2>Results</h2>"
    if len(summary["conditions"]) > 1:
        yield _overview(summary)
    for place, condition in enumerate(summary["conditions"]):
        head, *body = cells(summary, condition)
        yield _folded(condition, _table(head, body), unfold=place == 0)


def _overview(summary: Summary) -> str:
    """The primary measure alone: a line for each kind, factor or level, a column for each method."""
    measure = MEASURES[summary["primary"]]
    lines = []
    for condition in summary["conditions"]:
        points = [_point(summary, condition, method) for method in summary["methods"]]
        lines.append([condition, *(f"{point.mean:.{measure.digits}f}" if point else "–" for point in points)])
    return f"<p>{measure.title}, means:</p>{_table(['', *summary['methods']], lines)}"


def _plots(summary: Summary) -> Iterable[str]:
    colours, title = colour_of(summary["methods"]), MEASURES[summary["primary"]].title
    if not summary["conditions"]:
        return
    yield "<h2>Plots</h2>"
    for place, condition in enumerate(summary["conditions"]):
        if drawn := _drawn(summary, condition, colours):
            yield _folded(condition, drawn, unfold=place == 0)
    for family, below in _CURVES.items():
        found = [name for name, scene in summary["scenes"].items() if scene["family"] == family]
        lines = {method: _line(summary, found, method) for method in summary["methods"]}
        if any(len(line) > 1 for line in lines.values()):
            yield curves({name: line for name, line in lines.items() if line}, colours, f"{title} by {family}", below)


def _drawn(summary: Summary, condition: str, colours: Mapping[str, str]) -> str:
    """Means with intervals, and against milliseconds where those were measured; empty if nothing was."""
    title, cost = MEASURES[summary["primary"]].title, summary["cost"]
    points = {method: point for method in by_rank(summary, condition) if (point := _point(summary, condition, method))}
    priced = {name: _at(point, cost[name]["milliseconds"]) for name, point in points.items() if name in cost}
    parts = [dots(points, colours, f"{title}, {condition}")] if points else []
    parts += [against_cost(priced, colours, f"{title} against time, {condition}")] if priced else []
    return "".join(parts)


def _line(summary: Summary, conditions: Sequence[str], method: str) -> list[Point]:
    found = [(_point(summary, name, method), summary["scenes"][name]["level"]) for name in conditions]
    return sorted((_at(point, level) for point, level in found if point), key=lambda point: point.x)


def _point(summary: Summary, condition: str, method: str) -> Point | None:
    figure = summary["conditions"][condition].get(method, {"figures": {}})["figures"].get(summary["primary"])
    return Point(figure["mean"], figure["low"], figure["high"]) if figure else None


def _at(point: Point, x: float) -> Point:
    return Point(point.mean, point.low, point.high, x)


def _pairs(summary: Summary) -> Iterable[str]:
    title = MEASURES[summary["primary"]].title
    yield (
        f"<h2>Tests between methods</h2><p>{title}, paired by photograph, means of patients; Wilcoxon's signed-rank "
        "test, corrected by Holm's method for the number of pairs of a condition. Mean difference, line over column: "
        f"positive where the method of the line is better; in brackets where p is {LEVEL} or more.</p>"
    )
    for place, (condition, tests) in enumerate(summary["tests"].items()):
        ranked = by_rank(summary, condition)
        known = {(test["one"], test["other"]): (test["difference"], test["p"]) for test in tests}
        known |= {(other, one): (-difference, p) for (one, other), (difference, p) in known.items()}
        lines = [[one, *(_compared(known.get((one, other))) for other in ranked)] for one in ranked]
        yield _folded(condition, _table(["", *ranked], lines), unfold=place == 0)


def _compared(test: tuple[float, float] | None) -> str:
    if test is None:
        return ""
    difference, p = test
    return f"{difference:+.3g}" if p < LEVEL else f"({difference:+.3g})"


def _by_source(summary: Summary) -> Iterable[str]:
    if not summary["sources"]:
        return
    first = next(iter(summary["conditions"]))
    methods, digits = by_rank(summary, first), MEASURES[summary["primary"]].digits
    lines = []
    for method in methods:
        found = [of.get(method) for of in summary["sources"].values()]
        lines.append([method, *(f"{figure['mean']:.{digits}f}" if figure else "–" for figure in found)])
    heads = []
    for name, of in summary["sources"].items():
        count = max((figure["count"] for figure in of.values() if figure), default=0)
        heads.append(f"{name or 'not told'} ({count})")
    title = MEASURES[summary["primary"]].title
    yield f"<h2>By camera or data set</h2><p>{title}, {escape(first)}; in brackets, photographs.</p>"
    yield _table(["", *heads], lines)


def _shown(sheets: Mapping[str, Mapping[str, bytes]], summary: Summary) -> Iterable[str]:
    if not sheets:
        return
    yield (
        f"<h2>Before and after</h2><p>First of the set, not chosen: {_counted(len(sheets))}; "
        f"{escape(next(iter(summary['conditions'])))}. The slider lies between the left picture (blue) and the right "
        "one (orange); click a small picture to have it on the right, with shift on the left. The wheel zooms, "
        "dragging moves.</p>"
    )
    for name, pictures in sheets.items():
        right = next((method for method in ("light", TRUTH) if method in pictures), list(pictures)[-1])
        figures = "".join(
            f'<figure data-method="{escape(method)}"><img alt="{escape(f"{name}, {method}")}" src="{_uri(content)}">'
            f"<figcaption>{escape(method)}</figcaption></figure>"
            for method, content in pictures.items()
        )
        yield (
            f'<div class="sheet"><h3>{escape(name)}</h3><div class="stage"><img alt=""><img alt="">'
            f'<div class="line"></div></div><div class="controls"><label>left {_options(pictures, "input")}</label>'
            f"<label>right {_options(pictures, right)}</label>"
            '<label>slider <input class="split" type="range" min="0" max="100" value="50"></label>'
            '<label>zoom <input class="zoom" type="range" min="1" max="8" step="0.1" value="1"></label></div>'
            f'<div class="row">{figures}</div></div>'
        )


def _options(pictures: Iterable[str], chosen: str) -> str:
    options = (f"<option{' selected' if name == chosen else ''}>{escape(name)}</option>" for name in pictures)
    return f"<select>{''.join(options)}</select>"


def _failures(summary: Summary) -> Iterable[str]:
    failures: list[dict[str, Any]] = summary["failures"]
    if not failures:
        return
    columns = ("photograph", "condition", "method", "reason")
    yield f"<h2>Failures</h2><p>{len(failures)}; what failed is in no mean, and is tried again by the next run.</p>"
    yield _table(columns, [[failure[name] for name in columns] for failure in failures[:200]])


def _definitions() -> Iterable[str]:
    alone = ", ".join(measure.title for measure in MEASURES.values() if measure.alone)
    yield (
        "<h2>How to read this</h2><p>Every measure is defined, with its source, in docs/evaluation.md. "
        f"{alone}: these look at the result alone, and can be won by pictures that look good and are false; a method "
        f"that wins them and loses more than {LOST} of the structure measure is marked {MARK}. Lesion contrast is best "
        "at 1. A PSNR of 60 dB stands for a picture equal to the truth. ms and MB are of a process that does nothing "
        "else.</p>"
    )


def _sheets(folder: Path, photographs: Sequence[str], methods: Sequence[str]) -> dict[str, dict[str, bytes]]:
    found = {}
    for name in photographs:
        files = {method: tile(folder, name, method) for method in (*methods, TRUTH)}
        pictures = {method: file.read_bytes() for method, file in files.items() if file.exists()}
        if "input" in pictures:
            found[name] = pictures
    return found


def _folded(title: str, content: str, *, unfold: bool) -> str:
    return f"<details{' open' if unfold else ''}><summary>{escape(title)}</summary>{content}</details>"


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    body = "".join(f"<tr{' class=marked' if line[0].endswith(MARK) else ''}>{_row(line, 'td')}</tr>" for line in lines)
    return f"<div class='wide'><table><tr>{_row(head, 'th')}</tr>{body}</table></div>"


def _row(texts: Iterable[str], tag: str) -> str:
    return "".join(f"<{tag}>{escape(text)}</{tag}>" for text in texts)


def _uri(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
