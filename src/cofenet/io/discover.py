"""Which photographs a request means, and where each result goes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from cofenet.errors import UnreadableError, UsageError
from cofenet.io.formats import SUFFIXES, Format, has_suffix, starts_as_dicom, suffix_for

_DIGITS = re.compile(r"[0-9]+")
_ENDINGS = tuple(SUFFIXES)


def find_photographs(
    paths: Sequence[Path],
    *,
    format: Literal["same"] | Format = "same",  # noqa: A002 - the word every caller expects
) -> list[tuple[Path, Path]]:
    """List the photographs in `paths`, each with the relative path of its result.

    From a folder come all files of a known ending and all DICOM files, also in subfolders, which the results keep;
    hidden files, hidden folders, links to folders and DICOM's tables of contents (DICOMDIR) are passed over. Where
    several folders are given, the results of each go under that folder's name. A file given by name is listed as it is:
    whether it can be read shows when it is read. A photograph reached twice is listed once, as it was reached first.

    Args:
        paths: files and folders.
        format: the results' format, which decides their ending; "same" keeps the names.

    Returns:
        Pairs (source, relative output path), in natural order of the output path: 2.jpg before 10.jpg. Empty where the
        folders hold no photograph.

    Raises:
        UnreadableError: a folder cannot be listed.
    """
    several = len({_absolute(path) for path in paths if _is_folder(path)}) > 1
    found: dict[Path, tuple[Path, Path]] = {}
    for path in paths:
        for source, relative in _listed(path, keep_name=several):
            found.setdefault(_absolute(source), (source, renamed(relative, format)))
    return sorted(found.values(), key=lambda pair: natural(pair[1].as_posix()))


def destinations(found: Sequence[tuple[Path, Path]], folder: Path) -> list[tuple[Path, Path]]:
    """Place the results of `found`, as `find_photographs` returns it, in `folder`.

    Returns:
        Pairs (source, output path), in the order of `found`.

    Raises:
        UsageError: a result would take the place of one of the sources, or two would have the same path; the message
            names both.
    """
    _refuse_collisions(found)
    sources = {_identity(source): source for source, _ in found}
    sources.pop(None, None)
    placed = [(source, folder / relative) for source, relative in found]
    for _, output in placed:
        taken = sources.get(_identity(output))
        if taken is not None:
            raise UsageError(f"{output}: would overwrite the photograph {taken}; choose another output folder")
    return placed


def _absolute(path: Path) -> Path:
    # Not Path.resolve: two links to one file are two requests.
    return Path(os.path.abspath(path))  # noqa: PTH100


def _is_folder(path: Path) -> bool:
    # Path.is_dir raises where a parent may not be entered; such a path is listed, so that reading it says why.
    return os.path.isdir(path)  # noqa: PTH112


def _listed(path: Path, *, keep_name: bool) -> Iterator[tuple[Path, Path]]:
    if not _is_folder(path):
        yield path, Path(path.name)
        return
    prefix = Path(path.resolve().name) if keep_name else Path()
    for entry, relative in files_in(path):
        yield Path(entry.path), prefix / relative


def files_in(
    folder: Path, *, leave_out: Path | None = None, prefix: str = ""
) -> Iterator[tuple[os.DirEntry[str], str]]:
    """The photographs of a folder and its subfolders, by the rules of `find_photographs`, in no order.

    Args:
        folder: where.
        leave_out: a folder, links followed, that is passed over.
        prefix: put before the relative names.

    Returns:
        What the system says of each, and its name relative to `folder`, "/" between the parts.

    Raises:
        UnreadableError: a folder cannot be listed.
    """
    if leave_out and os.path.realpath(folder) == str(leave_out):
        return
    try:
        with os.scandir(folder) as scan:
            entries = [entry for entry in scan if not entry.name.startswith(".")]
    except OSError as error:
        reason = f"the folder cannot be listed: {(error.strerror or str(error)).lower()}"
        raise UnreadableError(reason, folder) from error
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from files_in(Path(entry.path), leave_out=leave_out, prefix=f"{prefix}{entry.name}/")
        elif not entry.is_dir() and _may_be_photograph(entry):
            yield entry, f"{prefix}{entry.name}"


def _may_be_photograph(entry: os.DirEntry[str]) -> bool:
    if entry.name.lower().endswith(_ENDINGS):
        return True
    try:
        # A file set's table of contents (PS3.10, 8.6) begins like any DICOM file; a pipe would be waited for.
        if entry.name == "DICOMDIR" or not entry.is_file():
            return False
        with Path(entry.path).open("rb") as stream:
            return starts_as_dicom(stream)
    except OSError:  # what cannot be looked at is taken for what its name says: no photograph
        return False


def renamed(relative: Path, format: Literal["same"] | Format) -> Path:  # noqa: A002 - as above
    """The name under the ending of `format`; "same" keeps it."""
    if format == "same":
        return relative
    suffix = suffix_for(format)
    if has_suffix(relative, format):
        return relative
    return relative.with_suffix(suffix) if relative.suffix.lower() in SUFFIXES else Path(f"{relative}{suffix}")


def _refuse_collisions(pairs: Iterable[tuple[Path, Path]]) -> None:
    taken: dict[Path, Path] = {}
    for source, relative in pairs:
        other = taken.setdefault(relative, source)
        if other != source:
            raise UsageError(
                f"{other} and {source} would both be written as {relative}; "
                "give the folder that holds them, or one of them at a time"
            )


def natural(path: str) -> str:
    """A sorting key for a path with "/" between its parts: runs of digits compare as numbers and come before letters.

    One string, which no other path has: of a hundred thousand, strings are sorted in a moment.
    """
    return _DIGITS.sub(_counted, path.replace("/", "\0"))


def _counted(digits: re.Match[str]) -> str:
    """A longer number is a larger one; of equal numbers, that with more zeros in front comes first."""
    number = digits[0].lstrip("0")
    return f"\1{len(number):03}{number}{digits[0]}"


def _identity(path: Path) -> tuple[int, int] | None:
    """The same for two names of one file: links, hard links, and other cases where the file system ignores case."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
