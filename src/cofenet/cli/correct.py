"""`cofenet correct`: photographs in, corrected photographs out."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from cofenet.cli.jobs import (
    FormatOption,
    Jobs,
    OutputOption,
    OverwriteOption,
    PhotosArgument,
    ReportOption,
    SheetOption,
    clock,
    plan,
    run,
    skipped,
)
from cofenet.cli.report import Outcome, Report
from cofenet.cli.sheet import Sheet
from cofenet.engine.session import session
from cofenet.io import Photograph, copy_photograph, read_photograph, write_photograph
from cofenet.tasks.correction import Correction
from cofenet.tasks.correction import correct as correct_array


def correct(
    photos: PhotosArgument,
    output: OutputOption,
    model: Annotated[str, typer.Option(help="A shipped model, or the path of an ONNX file with its card.")] = "light",
    strength: Annotated[float, typer.Option(min=0.0, max=1.0, help="0 changes nothing, 1 corrects fully.")] = 1.0,
    format: FormatOption = "same",  # noqa: A002
    report: ReportOption = None,
    sheet: SheetOption = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Correct photographs at their own size: uneven light, spots and blur.

    Results keep their path relative to the folder they were found in. A source is never overwritten; results that are
    there already are passed over, and so is the output folder where it lies in a folder of photographs.

    Example: cofenet correct photographs/ -o corrected/ --report report.json --sheet sheet.png
    """
    session(model)
    before_after = Sheet(sheet)
    jobs = plan(photos, output, format, (report, sheet), overwrite=overwrite)
    summary = Report("correct", {"model": model, "strength": strength, "format": format}, report)
    raise run(jobs, _Correct(jobs, model, strength, before_after), summary, before_after)


@dataclass(frozen=True)
class _Correct:
    jobs: Jobs
    model: str
    strength: float
    sheet: Sheet

    def __call__(self, source: Path, target: Path) -> Iterator[Outcome]:
        if self.jobs.passes_over(target):
            yield skipped(source, target)
            return
        seconds = clock()
        photograph = read_photograph(source)
        read = next(seconds)
        target = self.jobs.target(source, target, photograph)
        if self.jobs.passes_over(target):
            yield skipped(source, target)
            return
        correction = correct_array(photograph.pixels, model=self.model, strength=self.strength)
        worked = next(seconds)
        written = self._write(target, photograph, correction)
        self.sheet.add(source.name, photograph.pixels, correction.image)
        verdict = correction.verdict
        yield Outcome(
            source, "unchanged" if verdict.status == "unchanged" else "corrected", written,
            seconds={"read": read, "correct": worked, "write": next(seconds)}, notes=verdict.reasons,
            results={"verdict": dataclasses.asdict(verdict), "provenance": correction.provenance.to_dict()},
        )  # fmt: skip

    def _write(self, target: Path, photograph: Photograph, correction: Correction) -> Path:
        """Store the result; a photograph that stays as it is keeps its very bytes."""
        if correction.verdict.status == "unchanged" and self.jobs.format in ("same", photograph.format):
            return copy_photograph(target, photograph)
        result = replace(photograph, pixels=correction.image)
        text = {"cofenet": correction.provenance.to_json()}
        return write_photograph(target, result, format=self.jobs.format, text=text)
