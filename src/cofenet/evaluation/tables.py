"""Results as files: rows as CSV, figures as JSON, tables as Markdown."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cofenet.evaluation.measures import MEASURES
from cofenet.evaluation.runner import Row
from cofenet.evaluation.summary import FEWEST, Summary
from cofenet.io import write_atomically

MARK = "†"
"""Beside a method that looks better and has lost structure."""

_NAMES = ("photograph", "source", "patient", "family", "condition", "level", "method", "seconds")


def write_tables(folder: Path, summary: Summary, rows: Sequence[Row]) -> None:
    """Write rows.csv, results.json, failures.csv and table.md.

    Raises:
        UnwritableError: they cannot be.
    """
    columns = [*_NAMES, *(name for name in MEASURES if any(name in row for row in rows))]
    write_atomically(folder / "rows.csv", _csv(columns, rows))
    write_atomically(
        folder / "failures.csv", _csv(["photograph", "condition", "method", "reason"], summary["failures"])
    )
    write_atomically(folder / "results.json", (json.dumps(summary, indent=2) + "\n").encode())
    write_atomically(folder / "table.md", (markdown(summary) + "\n").encode())


def markdown(summary: Summary) -> str:
    """A table for each condition, best method first, and what the marks mean."""
    parts = []
    for condition in summary["conditions"]:
        head, *body = cells(summary, condition)
        lines = [f"**{condition}**", "", "| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
        parts.append("\n".join([*lines, *("| " + " | ".join(line) + " |" for line in body)]))
    if summary["marked"]:
        parts.append(
            "\n".join(
                f"{MARK} {method} looks better, and has lost structure: {why}."
                for method, why in summary["marked"].items()
            )
        )
    if few := too_few(summary):
        parts.append(few)
    return "\n\n".join(parts)


def too_few(summary: Summary) -> str:
    """What is to be said where methods are ordered by looks, of patients too few to mark any; empty elsewhere."""
    if not MEASURES[summary["primary"]].alone or not summary["conditions"] or summary["patients"] >= FEWEST:
        return ""
    return (
        f"Of fewer than {FEWEST} patients no test can tell a loss of structure from chance: that no method is marked "
        f"{MARK} means nothing here."
    )


def cells(summary: Summary, condition: str) -> list[list[str]]:
    """A table as text: its head, then a line a method, by the mean of the primary measure.

    Where methods failed on some photographs, over how many each mean is: it may be over the easier ones.
    """
    methods: dict[str, Any] = summary["conditions"][condition]
    measured = [name for name in MEASURES if any(name in one["figures"] for one in methods.values())]
    costs, primary = summary["cost"], MEASURES[summary["primary"]].title
    counts = {method: _count(one, summary["primary"]) for method, one in methods.items()}
    most, uneven = max(counts.values(), default=0), len(set(counts.values())) > 1
    head = ["method", *(MEASURES[name].title for name in measured), f"{primary} worse than input"]
    head += ["photographs"] if uneven else []
    head += ["ms", "MB"] if costs else []
    lines = []
    for method in by_rank(summary, condition):
        one = methods[method]
        cost = costs.get(method, {})
        line = [method + (f" {MARK}" if method in summary["marked"] else "")]
        line += [told(one["figures"].get(name), MEASURES[name].digits) for name in measured]
        line.append("–" if one["worse"] is None or method == "input" else f"{one['worse']:.0%}")
        line += [f"{counts[method]} of {most}"] if uneven else []
        line += [_whole(cost.get("milliseconds")), _whole(cost.get("megabytes"))] if costs else []
        lines.append(line)
    return [head, *lines]


def by_rank(summary: Summary, condition: str) -> list[str]:
    """Methods, best first by the primary measure; those without it last."""
    methods, primary = summary["conditions"][condition], summary["primary"]
    sign = 1 if MEASURES[primary].better == "less" else -1
    having = [name for name in methods if primary in methods[name]["figures"]]
    ranked = sorted(having, key=lambda name: sign * methods[name]["figures"][primary]["mean"])
    return ranked + [name for name in methods if name not in having]


def told(figure: dict[str, float] | None, digits: int) -> str:
    """A mean with its interval; of a single patient there is none."""
    if figure is None:
        return "–"
    if figure["groups"] == 1:
        return f"{figure['mean']:.{digits}f}"
    mean, low, high = (f"{figure[name]:.{digits}f}" for name in ("mean", "low", "high"))
    return f"{mean} ({low} to {high})"


def _count(method: dict[str, Any], measure: str) -> int:
    return int(method["figures"].get(measure, {"count": 0})["count"])


def _whole(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}"


def _csv(columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8", "surrogateescape")
