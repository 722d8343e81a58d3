"""`cofenet assess`: photographs in, grades and scores out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from cofenet.batch.verbs.assess import Assess
from cofenet.cli.report import Report
from cofenet.cli.sheet import Sheet
from cofenet.cli.table import Table
from cofenet.cli.verbs import PhotosArgument, plan, run
from cofenet.tasks.quality import assessor


def assess(
    photos: PhotosArgument,
    model: Annotated[str, typer.Option(help="A shipped model, or the path of an ONNX file with its card.")] = "quality",
    report: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write JSON; - for stdout.")] = None,
    table: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write a table; - for stdout.")] = None,
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
    card = assessor(model).card
    pictures = Sheet(sheet)
    places = plan(photos, None, "same", (report, table, sheet))
    grades = Counter[str]()
    summary = Report("assess", {"model": card.sha256}, report, figures={"grades": grades})
    rows = Table(table, summary)
    raise run(places, Assess(pictures, rows, model, grades), summary, pictures, rows)
