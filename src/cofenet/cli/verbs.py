"""Photographs in, results out: what every verb does around its work on one photograph."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Protocol

import typer

from cofenet.batch.outcome import Work, attempted
from cofenet.batch.places import Format, Pairs, Places, real
from cofenet.cli.report import Report, exit_status, progress, show
from cofenet.errors import UsageError
from cofenet.io import destinations, find_photographs

PhotosArgument = Annotated[
    list[Path], typer.Argument(metavar="PHOTO…", help="PNG, JPEG, TIFF or DICOM files, or folders.")
]
OutputOption = Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the results.")]
FormatOption = Annotated[Format, typer.Option(help="Format of the results.")]
ReportOption = Annotated[Path | None, typer.Option(metavar="FILE", help="Write a JSON report; - for stdout.")]
SheetOption = Annotated[Path | None, typer.Option(metavar="FILE", help="Write a PNG of before and after.")]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace results that are there already.")]


def plan(
    photos: Sequence[Path],
    output: Path | None,
    format: Format,  # noqa: A002
    extras: Sequence[Path | None],
    *,
    overwrite: bool = False,
) -> Places:
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
    places = Places(found, format, overwrite)
    if not places.pairs:
        raise UsageError(f"no photographs in {', '.join(map(str, photos))}")
    if output:
        make_writable(output)
    reserve(places, extras)
    return places


def reserve(places: Places, extras: Sequence[Path | None], *, beside: Sequence[Path] = ()) -> None:
    """See to it that further files can be written, and overwrite nothing that is read; make their folders.

    Args:
        places: the photographs and their results.
        extras: the files; None and "-" are none.
        beside: what is read beside the photographs.

    Raises:
        UsageError: a name is taken, by another of the files, too, a file cannot be stored, or two are to go to stdout.
    """
    files = [path for path in extras if path and str(path) != "-"]
    if sum(str(path) == "-" for path in extras) > 1:
        raise UsageError("-: only one file can go to stdout")
    taken = {real(path) for path in beside}
    for path in files:
        if path.is_dir():
            raise UsageError(f"{path}: is a folder; give the name of a file")
        if real(path) in taken:
            raise UsageError(f"{path}: is read, or written, already; choose another name")
        taken.add(real(path))
        places.refuse_taken(path)
        make_writable(path.parent)


class Written(Protocol):
    """A file about all photographs."""

    def write(self) -> None:
        """Write it, if it was asked for."""


def run(places: Places, work: Work, summary: Report, *others: Written) -> typer.Exit:
    """Work on each photograph; the report and others are written also when stopped. Returns how to exit."""
    with ExitStack() as afterwards:  # all of it, last first, even when one of them fails
        for file in (summary, *others):
            afterwards.callback(file.write)
        afterwards.callback(show, summary)
        summary.stopped = True
        for source, target in progress(places.pairs):
            for outcome in attempted(source, target, work):
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


def _without_results(found: Pairs, photos: Sequence[Path], output: Path) -> Pairs:
    """Leave out what earlier runs put into `output`, unless something in it is asked for by name."""
    folder = real(output)
    if any(real(photo).is_relative_to(folder) for photo in photos):
        return found
    return [(source, relative) for source, relative in found if not real(source.parent).is_relative_to(folder)]
