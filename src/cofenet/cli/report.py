"""What happened to each photograph: a progress bar while it happens, a table and a JSON file afterwards."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from cofenet import __version__
from cofenet.batch.outcome import Outcome, Status
from cofenet.io import write_atomically

Item = TypeVar("Item")

_ROWS = 30
"""Photographs listed in the table on the terminal; all are in the JSON report."""

_WIDE = 250
"""Columns of the table where there is no terminal to be as wide as."""


@dataclass
class Report:
    """What happened to all of them, and under which settings.

    Attributes:
        operation: the verb.
        settings: what the user chose.
        path: where to write it, "-" for stdout; None for nowhere.
        outcomes: a row a photograph.
        stopped: whether photographs are missing because the run was stopped.
        figures: what was measured over all of them.
    """

    operation: str
    settings: dict[str, str | float | None]
    path: Path | None = None
    outcomes: list[Outcome] = field(default_factory=list)
    stopped: bool = False
    figures: dict[str, object] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        """Note one outcome; a failure is told at once."""
        self.outcomes.append(outcome)
        if outcome.status == "failed":
            typer.echo(f"cofenet: {outcome.reason}", err=True)

    def count(self) -> Counter[Status]:
        """How many ended in which way."""
        return Counter(outcome.status for outcome in self.outcomes)

    def write(self) -> None:
        """Write as JSON, if a path was given."""
        if self.path is None:
            return
        content = {
            "cofenet": __version__, "operation": self.operation, "settings": self.settings, "counts": self.count(),
            "stopped": self.stopped, **({"figures": self.figures} if self.figures else {}),
            "photographs": [outcome.to_dict() for outcome in self.outcomes],
        }  # fmt: skip
        put(self.path, (json.dumps(content, indent=2, default=str) + "\n").encode())


def put(path: Path, content: bytes) -> None:
    """Write a file, or to stdout where `path` is "-"."""
    if str(path) == "-":
        typer.echo(content, nl=False)
    else:
        write_atomically(path, content)


def exit_status(report: Report) -> int:
    """1 if any photograph failed, else 0."""
    return int(report.count()["failed"] > 0)


def progress(items: Sequence[Item]) -> Iterable[Item]:
    """Go through `items` behind a progress bar on stderr, if that is a terminal."""
    if not sys.stderr.isatty():
        yield from items
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield from bar.track(items, description="photographs")


def show(report: Report) -> None:
    """Print the table to stderr."""
    table = Table(box=None, pad_edge=False)
    told = {"correct": "verdict", "assess": "grade"}.get(report.operation, "result")
    for heading in ("photograph", told, "seconds", "notes"):
        table.add_column(heading, overflow="fold")
    for outcome in report.outcomes[:_ROWS]:
        table.add_row(*_cells(outcome))
    width = None if sys.stderr.isatty() else _WIDE
    console = Console(stderr=True, width=width, markup=False, emoji=False, highlight=False)  # names are no markup
    console.print(table)
    if len(report.outcomes) > _ROWS:
        console.print(f"… and {len(report.outcomes) - _ROWS} more; the JSON report lists all")
    counts = [f"{number} {status}" for status, number in sorted(report.count().items())]
    console.print(", ".join([*counts, *(["stopped before the end"] if report.stopped else [])]))
    for name, figure in report.figures.items():
        if isinstance(figure, Counter) and figure:
            console.print(f"{name}: {', '.join(f'{number} {kind}' for kind, number in sorted(figure.items()))}")


def _cells(outcome: Outcome) -> tuple[str, str, str, str]:
    seconds = f"{sum(outcome.seconds.values()):.2f}" if outcome.seconds else ""
    return str(outcome.source), outcome.verdict or outcome.status, seconds, outcome.reason or "; ".join(outcome.notes)
