"""`cofenet correct`: photographs in, corrected photographs out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from cofenet.cli.report import Outcome, Report, exit_status, progress, show
from cofenet.cli.sheet import Sheet
from cofenet.engine.session import session
from cofenet.errors import CofenetError, PhotographError, UsageError
from cofenet.io import destinations, find_photographs, read_photograph, write_photograph
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
    there already are passed over.

    Example: cofenet correct photographs/ -o corrected/ --report report.json --sheet sheet.png
    """
    if output.exists() and not output.is_dir():
        raise UsageError(f"{output}: is not a folder")
    jobs = destinations(find_photographs(photos, format=format), output)
    if not jobs:
        raise UsageError(f"no photographs in {', '.join(map(str, photos))}")
    session(model)
    request = _Request(model, strength, format, overwrite)
    summary = Report("correct", {"model": model, "strength": strength, "format": format})
    before_after = Sheet() if sheet else None
    try:
        for source, target in progress(jobs):
            summary.add(_one(source, target, request, before_after))
    finally:
        summary.write(report)
        if sheet and before_after:
            before_after.write(sheet)
    show(summary)
    raise typer.Exit(exit_status(summary))


@dataclass(frozen=True)
class _Request:
    """What is asked for every photograph."""

    model: str
    strength: float
    format: Format
    overwrite: bool


def _one(source: Path, target: Path, request: _Request, sheet: Sheet | None) -> Outcome:
    outcome = Outcome(source)
    if target.exists() and not request.overwrite:
        return replace(outcome, status="skipped", output=target, reason="the result is there already")
    clock = _clock()
    try:
        photograph = read_photograph(source)
        read = next(clock)
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
    except MemoryError:
        return replace(outcome, status="failed", reason=f"{source}: not enough memory for a photograph of this size")
    if sheet:
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
