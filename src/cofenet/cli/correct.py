"""`cofenet correct`: photographs in, corrected photographs out."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
from cofenet.errors import NotFundusError, UsageError
from cofenet.io import Photograph, copy_photograph, read_frames, write_frames
from cofenet.provenance import Provenance
from cofenet.tasks.correction import Correction
from cofenet.tasks.correction import correct as correct_array

if TYPE_CHECKING:
    from cofenet.io.deidentify import Deidentifier

Frames = tuple[Photograph, ...]


def correct(
    photos: PhotosArgument,
    output: OutputOption,
    model: Annotated[str, typer.Option(help="A shipped model, or the path of an ONNX file with its card.")] = "light",
    strength: Annotated[float, typer.Option(min=0.0, max=1.0, help="0 changes nothing, 1 corrects fully.")] = 1.0,
    format: FormatOption = "same",  # noqa: A002
    report: ReportOption = None,
    sheet: SheetOption = None,
    overwrite: OverwriteOption = False,
    deidentify: Annotated[
        bool, typer.Option("--deidentify", help="Take the patient out of DICOM files; their names stay.")
    ] = False,
) -> None:
    """Correct photographs at their own size: uneven light, spots and blur.

    Results keep their path relative to the folder they were found in. A source is never overwritten; results that are
    there already are passed over, and so is the output folder where it lies in a folder of photographs.

    A DICOM file becomes a derived DICOM object of the same patient and study, in a new series; all its frames are
    corrected. With --deidentify it follows the basic profile of PS3.15, and what belonged together in a run still does.

    Example: cofenet correct photographs/ -o corrected/ --report report.json --sheet sheet.png
    """
    session(model)
    deidentifier = _deidentifier() if deidentify else None
    before_after = Sheet(sheet)
    jobs = plan(photos, output, format, (report, sheet), overwrite=overwrite)
    settings: dict[str, str | float | None] = {"model": model, "strength": strength, "format": format}
    summary = Report("correct", settings | {"deidentify": deidentify}, report)
    raise run(jobs, _Correct(jobs, model, strength, before_after, deidentifier), summary, before_after)


def _deidentifier() -> Deidentifier:
    if find_spec("pydicom") is None:
        raise UsageError("--deidentify is for DICOM, which needs the extra: pip install 'cofenet[dicom]'")
    from cofenet.io.deidentify import Deidentifier  # noqa: PLC0415 - the command line works without pydicom

    return Deidentifier()


@dataclass(frozen=True)
class _Correct:
    jobs: Jobs
    model: str
    strength: float
    sheet: Sheet
    deidentifier: Deidentifier | None = None

    def __call__(self, source: Path, target: Path) -> Iterator[Outcome]:
        if self.jobs.passes_over(target):
            yield skipped(source, target)
            return
        seconds = clock()
        frames = read_frames(source)
        read = next(seconds)
        target = self.jobs.target(source, target, frames[0])
        if self.jobs.passes_over(target):
            yield skipped(source, target)
            return
        corrections = list(self._corrected(frames))
        worked = next(seconds)
        unchanged = all(correction.verdict.status == "unchanged" for correction in corrections)
        written = self._write(target, frames, corrections, unchanged=unchanged)
        for name, frame, correction in zip(_names(source, frames), frames, corrections, strict=True):
            self.sheet.add(name, frame.pixels, correction.image)
        told = [_results(correction) for correction in corrections]
        yield Outcome(
            source, "unchanged" if unchanged else "corrected", written,
            seconds={"read": read, "correct": worked, "write": next(seconds)}, notes=_reasons(corrections),
            results=told[0] if len(told) == 1 else {"frames": told},
        )  # fmt: skip

    def _corrected(self, frames: Frames) -> Iterator[Correction]:
        for number, frame in enumerate(frames, 1):
            try:
                yield correct_array(frame.pixels, model=self.model, strength=self.strength)
            except NotFundusError as error:
                if len(frames) == 1:
                    raise
                raise NotFundusError(f"frame {number}: {error.reason}") from error

    def _write(self, target: Path, frames: Frames, corrections: list[Correction], *, unchanged: bool) -> Path:
        """Store the result; a photograph that stays as it is keeps its very bytes."""
        if unchanged and not self.deidentifier and self.jobs.format in ("same", frames[0].format):
            return copy_photograph(target, frames[0])
        results = [replace(frame, pixels=made.image) for frame, made in zip(frames, corrections, strict=True)]
        operation = "deidentify" if unchanged and self.deidentifier else "correct"
        text = _text([replace(correction.provenance, operation=operation) for correction in corrections])
        return write_frames(
            target, results, format=self.jobs.format, text={"cofenet": text}, deidentifier=self.deidentifier
        )


def _text(made: list[Provenance]) -> str:
    """How the result was made: one line of JSON; of several frames, with what differs between them in a list."""
    if len(made) == 1:
        return made[0].to_json()
    told = [provenance.to_dict() for provenance in made]
    differing = ("circle", "fov_confidence", "crop")
    frames = [{key: frame[key] for key in differing} for frame in told]
    shared = {key: value for key, value in told[0].items() if key not in differing}
    return json.dumps(shared | {"frames": frames}, sort_keys=True)


def _results(correction: Correction) -> dict[str, object]:
    return {"verdict": dataclasses.asdict(correction.verdict), "provenance": correction.provenance.to_dict()}


def _names(source: Path, frames: Frames) -> list[str]:
    return [source.name] if len(frames) == 1 else [f"{source.name} {number}" for number in range(1, len(frames) + 1)]


def _reasons(corrections: list[Correction]) -> tuple[str, ...]:
    if len(corrections) == 1:
        return corrections[0].verdict.reasons
    reasons = [(number, reason) for number, made in enumerate(corrections, 1) for reason in made.verdict.reasons]
    return tuple(f"frame {number}: {reason}" for number, reason in reasons)
