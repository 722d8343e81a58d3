"""The file formats of photographs and the endings of their names."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Final, Literal, get_args

from cofenet.errors import UsageError

Format = Literal["png", "jpeg", "tiff", "dicom"]

_ENDINGS: Final[dict[str, tuple[str, ...]]] = {
    "png": (".png",),
    "jpeg": (".jpg", ".jpeg"),
    "tiff": (".tif", ".tiff"),
    "dicom": (".dcm", ".dicom"),
}

SUFFIXES: Final = frozenset(ending for endings in _ENDINGS.values() for ending in endings)
"""Endings, in lower case, of the files taken from a folder; DICOM files and files named by themselves may have any."""


def suffix_for(format: Format) -> str:  # noqa: A002 - the word every caller expects
    """The usual ending of a file of `format`: ".png", ".jpg", ".tif" or ".dcm".

    Raises:
        UsageError: there is no such format.
    """
    if format not in get_args(Format):
        raise UsageError(f"format {format!r} is unknown; choose one of: {', '.join(get_args(Format))}")
    return _ENDINGS[format][0]


def has_suffix(path: Path, format: Format) -> bool:  # noqa: A002 - as above
    """Whether the name of `path` ends as a file of `format` may, in upper or lower case.

    The name of a DICOM file may end in anything but another format's ending: often it is a number or a UID.
    """
    suffix = path.suffix.lower()
    return suffix in _ENDINGS[format] or (format == "dicom" and suffix not in SUFFIXES)


def starts_as_dicom(stream: BinaryIO) -> bool:
    """Whether a DICOM file begins at the stream's position, which stays: 128 bytes of any kind and "DICM" (PS3.10)."""
    place = stream.tell()
    start = stream.read(132)
    stream.seek(place)
    return start[128:] == b"DICM"
