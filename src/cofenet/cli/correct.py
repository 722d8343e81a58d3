"""`cofenet correct`: photographs in, corrected photographs out."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import cv2
import typer

from cofenet.cli.report import Outcome, Report, exit_status, progress, show
from cofenet.cli.sheet import Sheet
from cofenet.engine.session import session
from cofenet.errors import CofenetError, PhotographError, UsageError
from cofenet.io import destinations, find_photographs, read_photograph, suffix_for, write_photograph
from cofenet.io.formats import has_suffix
from cofenet.tasks.correction import correct as correct_array

Format = Literal["same", "png", "jpeg", "tiff"]


def correct(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO…", help="PNG, JPEG or TIFF files, or folders.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the results.")],
    model: Annotated[str, typer.Option(help="A shipped model, or the path of an ONNX file with its card.")] = "light",
    strength: Annotated[float, typer.Option(min=0.0, max=1.0, help="0 changes nothing, 1 corrects fully.")] = 1.0,
    format: Annotated[Format, typer.Option(help="Format of the results.")] = "same",  # noqa: A002
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a JSON report; - for stdout.")] = None,
    sheet: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a PNG of before and after.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results that are there already.")] = False,
) -> None:
    """Correct photographs at their own size: uneven light, spots and blur.

    Results keep their path relative to the folder they were found in. A source is never overwritten; results that are
    there already are passed over, and so is the output folder where it lies in a folder of photographs.

    Example: cofenet correct photographs/ -o corrected/ --report report.json --sheet sheet.png
    """
    jobs = destinations(_without_results(find_photographs(photos, format=format), photos, output), output)
    if not jobs:
        raise UsageError(f"no photographs in {', '.join(map(str, photos))}")
    extras = [path for path in (report, sheet) if path and str(path) != "-"]
    for path in extras:
        _refuse_taken(path, jobs)
    session(model)
    for folder in (output, *(path.parent for path in extras)):
        _make_writable(folder)
    request = _Request(model, strength, format, overwrite, jobs)
    summary = Report("correct", {"model": model, "strength": strength, "format": format})
    before_after = Sheet()
    with ExitStack() as afterwards:  # all of it, last first, also when stopped or when one of them fails
        afterwards.callback(summary.write, report)
        if sheet:
            afterwards.callback(before_after.write, sheet)
        afterwards.callback(show, summary)
        for source, target in progress(jobs):
            summary.add(_one(source, target, request, before_after))
    raise typer.Exit(exit_status(summary))


Jobs = list[tuple[Path, Path]]


def _without_results(found: Jobs, photos: Sequence[Path], output: Path) -> Jobs:
    """Leave out what earlier runs put into `output`, unless something in it is asked for by name."""
    folder = _real(output)
    if any(_real(photo).is_relative_to(folder) for photo in photos):
        return found
    return [(source, relative) for source, relative in found if not _real(source.parent).is_relative_to(folder)]


def _real(path: Path) -> Path:
    # Not Path.resolve: it raises for a link to itself.
    return Path(os.path.realpath(path))


def _refuse_taken(path: Path, jobs: Jobs) -> None:
    """Refuse a path for a report or a sheet that is a folder, a photograph or a result."""
    if path.is_dir():
        raise UsageError(f"{path}: is a folder; give the name of a file")
    for source, target in jobs:
        if _same(path, source) or _same(path, target):
            raise UsageError(f"{path}: would overwrite the photograph {source} or its result; choose another name")


def _same(path: Path, other: Path) -> bool:
    """Whether two names are of one file, be it there or not."""
    try:
        return path.samefile(other)
    except OSError:
        return _real(path) == _real(other)


def _make_writable(folder: Path) -> None:
    """Find out before the work that results cannot be stored."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be made a folder: {(error.strerror or str(error)).lower()}") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"{folder}: no permission to write there")


@dataclass(frozen=True)
class _Request:
    """What is asked for every photograph."""

    model: str
    strength: float
    format: Format
    overwrite: bool
    jobs: Jobs

    def passes_over(self, target: Path) -> bool:
        """Whether a result that is there already stays. A folder of that name is none: writing tells."""
        return not self.overwrite and os.path.isfile(target)  # noqa: PTH113 - Path.is_file raises without permission


def _one(source: Path, target: Path, request: _Request, sheet: Sheet) -> Outcome:
    outcome = Outcome(source)
    there = replace(outcome, status="skipped", output=target, reason="the result is there already")
    if request.passes_over(target):
        return there
    clock = _clock()
    try:
        photograph = read_photograph(source)
        read = next(clock)
        if request.format == "same" and not has_suffix(target, photograph.format):
            target = target.with_name(target.name + suffix_for(photograph.format))
            _refuse_taken(target, [job for job in request.jobs if job[0] != source])
            if request.passes_over(target):
                return replace(there, output=target)
        correction = correct_array(photograph.pixels, model=request.model, strength=request.strength)
        worked = next(clock)
        result = replace(photograph, pixels=correction.image)
        text = {"cofenet": correction.provenance.to_json()}
        written = write_photograph(target, result, format=request.format, text=text)
    except PhotographError as error:
        named = error if error.path else error.at(source)
        return replace(outcome, status="failed", reason=str(named))
    except CofenetError as error:
        return replace(outcome, status="failed", reason=f"{source}: {error}")
    except (MemoryError, cv2.error) as error:
        if isinstance(error, cv2.error) and error.code != cv2.Error.StsNoMem:
            raise
        return replace(outcome, status="failed", reason=f"{source}: not enough memory for a photograph of this size")
    sheet.add(source.name, photograph.pixels, correction.image)
    return replace(
        outcome, status="unchanged" if correction.verdict.status == "unchanged" else "corrected", output=written,
        seconds={"read": read, "correct": worked, "write": next(clock)},
        verdict=correction.verdict, provenance=correction.provenance,
    )  # fmt: skip


def _clock() -> Iterator[float]:
    """Seconds since the last call, or since the start."""
    last = time.perf_counter()
    while True:
        now = time.perf_counter()
        yield now - last
        last = now
