"""`cofenet evaluate`: protocols that others can rerun on their own data."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from cofenet.batch.outcome import Outcome, clock
from cofenet.batch.places import Places
from cofenet.cli.evaluate_protocols import PROTOCOLS
from cofenet.cli.report import Report
from cofenet.cli.table import Table
from cofenet.cli.verbs import ReportOption, reserve, run
from cofenet.errors import UsageError
from cofenet.evaluation.quality import Judged, figures, judge
from cofenet.io import SUFFIXES, read_photograph
from cofenet.tasks.quality import GRADES, assessor

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _protocols() -> None:
    """Measure by a documented protocol, on your own photographs."""


for _protocol in PROTOCOLS:
    app.command()(_protocol)


@app.command()
def eyeq(
    images: Annotated[Path, typer.Option(metavar="DIR", help="Folder with the photographs.")],
    labels: Annotated[
        Path, typer.Option(metavar="CSV", help="Columns image, a file's name, and quality, 0 to 2, as EyeQ has them.")
    ],
    corrected: Annotated[bool, typer.Option(help="Grade the corrected photographs, too.")] = True,
    table: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write a row a photograph; - for stdout.")
    ] = None,
    report: ReportOption = None,
    model: Annotated[str, typer.Option(help="A shipped model, or the path of an ONNX file with its card.")] = "quality",
) -> None:
    """Compare grades with people's: accuracy, macro precision, recall and F1, kappa, AUC, and the share called good.

    A photograph without a field of view counts as rejected. Photographs that are missing or cannot be read are named
    and left out.

    Example: cofenet evaluate eyeq --images EyeQ/test --labels Label_EyeQ_test.csv --report eyeq.json
    """
    card = assessor(model).card
    truth = _labels(images, labels)
    places = Places([(path, path) for path in truth])
    reserve(places, (report, table), beside=[labels])
    summary = Report("evaluate eyeq", {"model": card.sha256}, report)
    judged, rows = _Judgements(summary), Table(table, summary)
    raise run(places, _Judge(truth, judged, rows, corrected, model), summary, judged, rows)


def _labels(images: Path, labels: Path) -> dict[Path, int]:
    try:
        with labels.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
        found = [(_file(images, row["image"]), int(row["quality"])) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{labels}: cannot read the labels: {error}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{labels}: needs the columns image and quality, the latter 0, 1 or 2: {error}") from error
    truth = dict(found)
    if not truth:
        raise UsageError(f"{labels}: has no rows")
    if len(truth) < len(found):
        names = Counter(path for path, _ in found)
        raise UsageError(f"{labels}: {names.most_common(1)[0][0]} is there more than once")
    if wrong := set(truth.values()) - set(range(len(GRADES))):
        raise UsageError(f"{labels}: quality must be 0, 1 or 2, got {wrong.pop()}")
    return truth


def _file(images: Path, name: str) -> Path:
    """The file of that name, or of the same stem: EyeQ's photographs are often kept in another format."""
    if not name.strip():
        raise ValueError("a row without the name of an image")
    exact = images / name
    if exact.exists():
        return exact
    alike = (path for path in sorted(exact.parent.glob(f"{exact.stem}.*")) if path.suffix.lower() in SUFFIXES)
    return next(alike, exact)


@dataclass
class _Judgements:
    """All that was judged, summed up when the run ends."""

    summary: Report
    all: list[Judged] = field(default_factory=list)

    def write(self) -> None:
        """Put the figures into the report, and print them."""
        if not self.all:
            return
        found: dict[str, Any] = figures(self.all)
        self.summary.figures = found
        for name, value in found.items():
            typer.echo(f"{name:18} {value:.4f}" if isinstance(value, float) else f"{name:18} {value}")


@dataclass(frozen=True)
class _Judge:
    truth: dict[Path, int]
    judged: _Judgements
    table: Table
    corrected: bool
    model: str

    def __call__(self, source: Path, _: Path) -> Iterator[Outcome]:
        seconds = clock()
        pixels = read_photograph(source).pixels
        one = judge(source.name, pixels, self.truth[source], corrected=self.corrected, model=self.model)
        self.judged.all.append(one)
        row: dict[str, object] = {"truth": one.truth, **dict(zip(GRADES, one.before, strict=True))}
        if one.after:
            row |= {f"corrected_{grade}": value for grade, value in zip(GRADES, one.after, strict=True)}
        self.table.add(source, row)
        yield Outcome(source, "assessed", seconds={"judge": next(seconds)}, results={"judged": row})
