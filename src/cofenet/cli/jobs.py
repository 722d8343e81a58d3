"""Photographs in, results out: what every verb does around its work on one photograph."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, Protocol

import cv2
import typer

from cofenet.cli.report import Outcome, Report, exit_status, progress, show
from cofenet.errors import CofenetError, PhotographError, UsageError
from cofenet.io import Photograph, destinations, find_photographs, suffix_for
from cofenet.io.formats import has_suffix

Format = Literal["same", "png", "jpeg", "tiff"]
Pairs = list[tuple[Path, Path]]
Work = Callable[[Path, Path], Iterable[Outcome]]
"""From a photograph and the place of its result to what happened."""

PhotosArgument = Annotated[
    list[Path], typer.Argument(metavar="PHOTO…", help="PNG, JPEG, TIFF or DICOM files, or folders.")
]
OutputOption = Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the results.")]
FormatOption = Annotated[Format, typer.Option(help="Format of the results.")]
ReportOption = Annotated[Path | None, typer.Option(metavar="FILE", help="Write a JSON report; - for stdout.")]
SheetOption = Annotated[Path | None, typer.Option(metavar="FILE", help="Write a PNG of before and after.")]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace results that are there already.")]


@dataclass(frozen=True)
class Jobs:
    """Photographs, each with the place of its result, and how results are stored."""

    pairs: Pairs
    format: Format = "same"
    overwrite: bool = False
    _owners: dict[object, Path] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        owners = {key: source for source, target in self.pairs for path in (source, target) for key in _keys(path)}
        object.__setattr__(self, "_owners", owners)

    def target(self, source: Path, target: Path, photograph: Photograph) -> Path:
        """The result's name under the ending of its true format, which only reading the photograph tells.

        Raises:
            UsageError: another photograph, or its result, has that name.
        """
        if self.format != "same" or has_suffix(target, photograph.format):
            return target
        target = target.with_name(target.name + suffix_for(photograph.format))
        self.refuse_taken(target, by=source)
        return target

    def refuse_taken(self, path: Path, *, by: Path | None = None) -> None:
        """Refuse a name that is a photograph's or its result's, other than photograph `by` and its own.

        Raises:
            UsageError: it is taken.
        """
        for owner in filter(None, map(self._owners.get, _keys(path))):
            if owner != by:
                raise UsageError(f"{path}: would overwrite the photograph {owner} or its result; choose another name")

    def passes_over(self, target: Path) -> bool:
        """Whether a result that is there already stays. A folder of that name is none: writing tells."""
        return not self.overwrite and os.path.isfile(target)  # noqa: PTH113 - Path.is_file raises without permission


def plan(
    photos: Sequence[Path],
    output: Path | None,
    format: Format,  # noqa: A002
    extras: Sequence[Path | None],
    *,
    overwrite: bool = False,
) -> Jobs:
    """Find the photographs and give each result its place; make the folders.

    Args:
        photos: files and folders; results in an output folder inside one of them are no photographs.
        output: folder for the results; None if there are none.
        format: their format.
        extras: further files to be written, such as a report; None and "-" are none.
        overwrite: replace results that are there.

    Raises:
        UsageError: there are no photographs, a name is taken, or results cannot be stored.
    """
    found = find_photographs(photos, format=format)
    if output:
        found = destinations(_without_results(found, photos, output), output)
    jobs = Jobs(found, format, overwrite)
    if not jobs.pairs:
        raise UsageError(f"no photographs in {', '.join(map(str, photos))}")
    files = [path for path in extras if path and str(path) != "-"]
    for path in files:
        if path.is_dir():
            raise UsageError(f"{path}: is a folder; give the name of a file")
        jobs.refuse_taken(path)
    for folder in (*([output] if output else []), *(path.parent for path in files)):
        make_writable(folder)
    return jobs


class Written(Protocol):
    """A file about all photographs."""

    def write(self) -> None:
        """Write it, if it was asked for."""


def run(jobs: Jobs, work: Work, summary: Report, *others: Written) -> typer.Exit:
    """Work on each photograph; the report and others are written also when stopped. Returns how to exit."""
    with ExitStack() as afterwards:  # all of it, last first, even when one of them fails
        for file in (summary, *others):
            afterwards.callback(file.write)
        afterwards.callback(show, summary)
        summary.stopped = True
        for source, target in progress(jobs.pairs):
            for outcome in _attempted(source, target, work):
                summary.add(outcome)
        summary.stopped = False
    return typer.Exit(exit_status(summary))


def make_writable(folder: Path) -> None:
    """Find out before the work that results cannot be stored.

    Raises:
        UsageError: the folder cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be made a folder: {(error.strerror or str(error)).lower()}") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"{folder}: no permission to write there")


def skipped(source: Path, target: Path) -> Outcome:
    """The outcome of a photograph that `Jobs.passes_over`."""
    return Outcome(source, "skipped", target, "the result is there already")


def clock() -> Iterator[float]:
    """Seconds since the last `next`, or since now."""
    last = time.perf_counter()

    def seconds() -> Iterator[float]:
        nonlocal last
        while True:
            last, before = time.perf_counter(), last
            yield last - before

    return seconds()


def _attempted(source: Path, target: Path, work: Work) -> Iterator[Outcome]:
    """What happened; the failure of one photograph is its own."""
    try:
        yield from work(source, target)
    except PhotographError as error:
        yield Outcome(source, reason=str(error if error.path else error.at(source)))
    except CofenetError as error:
        yield Outcome(source, reason=f"{source}: {error}")
    except (MemoryError, cv2.error) as error:
        if isinstance(error, cv2.error) and error.code != cv2.Error.StsNoMem:
            raise
        yield Outcome(source, reason=f"{source}: not enough memory for a photograph of this size")


def _without_results(found: Pairs, photos: Sequence[Path], output: Path) -> Pairs:
    """Leave out what earlier runs put into `output`, unless something in it is asked for by name."""
    folder = _real(output)
    if any(_real(photo).is_relative_to(folder) for photo in photos):
        return found
    return [(source, relative) for source, relative in found if not _real(source.parent).is_relative_to(folder)]


def _keys(path: Path) -> Iterator[object]:
    """What two names of one file have in common, be it there or not."""
    yield _real(path)
    with suppress(OSError):
        status = path.stat()
        yield status.st_dev, status.st_ino


def _real(path: Path) -> Path:
    # Not Path.resolve: it raises for a link to itself.
    return Path(os.path.realpath(path))
