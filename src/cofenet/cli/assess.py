"""`cofenet assess`: photographs in, grades and scores out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from cofenet.cli.jobs import PhotosArgument, clock, plan, run
from cofenet.cli.report import Outcome, Report
from cofenet.cli.sheet import Sheet
from cofenet.cli.table import Table
from cofenet.engine.card import load_card
from cofenet.io import read_photograph
from cofenet.tasks.quality import Assessment
from cofenet.tasks.quality import assess as assess_array


def assess(
    photos: PhotosArgument,
    report: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write JSON; - for stdout.")] = None,
    table: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write a table.")] = None,
    sheet: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a PNG of the photographs, the worst first.")
    ] = None,
) -> None:
    """Grade photographs as good, usable or reject, and score what is wrong with them.

    Scores are from 0, worst, to 1, nothing wrong: illumination, 1 minus the share by which uneven light changed the
    smooth brightness; contrast, the share that no veil took; artifact, 1 minus the root of the share of the field of
    view that spots cover; blur, the share of the finest contrast that is left; field_of_view, the share of the
    camera's round aperture that is seen. The score of the whole is the probability of good plus half of usable.

    Example: cofenet assess photographs/ --csv quality.csv --sheet quality.png
    """
    pictures, rows = Sheet(sheet), Table(table)
    jobs = plan(photos, None, "same", (report, table, sheet))
    summary = Report("assess", {"model": load_card("quality").sha256}, report)
    raise run(jobs, _Assess(pictures, rows), summary, pictures, rows)


@dataclass(frozen=True)
class _Assess:
    sheet: Sheet
    table: Table

    def __call__(self, source: Path, _: Path) -> Iterator[Outcome]:
        seconds = clock()
        pixels = read_photograph(source).pixels
        read = next(seconds)
        found = assess_array(pixels)
        took = {"read": read, "assess": next(seconds)}
        numbers: dict[str, object] = dict(chain(found.probabilities.items(), found.factors.items()))
        self.table.add(source, {"grade": found.grade, "score": found.score} | numbers)
        self.sheet.add(f"{found.grade} {found.score:.2f} {source.name}", pixels, order=found.score)
        facts: dict[str, object] = {
            "grade": found.grade, "score": found.score, "probabilities": found.probabilities, "factors": found.factors,
            "fov_confidence": found.fov.confidence,
        }  # fmt: skip
        yield Outcome(source, "assessed", seconds=took, notes=tuple(_words(found)), results=facts)


def _words(found: Assessment) -> Iterator[str]:
    yield f"{found.grade} ({found.probabilities[found.grade]:.2f})"
    yield ", ".join(f"{name.replace('_', ' ')} {value:.2f}" for name, value in found.factors.items())
