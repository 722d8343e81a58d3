"""The file formats of photographs and the endings of their names."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, get_args

from cofenet.errors import UsageError

Format = Literal["png", "jpeg", "tiff"]

_ENDINGS: Final[dict[str, tuple[str, ...]]] = {"png": (".png",), "jpeg": (".jpg", ".jpeg"), "tiff": (".tif", ".tiff")}

SUFFIXES: Final = frozenset(ending for endings in _ENDINGS.values() for ending in endings)
"""Endings, in lower case, of the files taken from a folder; a file named by itself may have any ending."""


def suffix_for(format: Format) -> str:  # noqa: A002 - the word every caller expects
    """The usual ending of a file of `format`: ".png", ".jpg" or ".tif".

    Raises:
        UsageError: there is no such format.
    """
    if format not in get_args(Format):
        raise UsageError(f"format {format!r} is unknown; choose one of: {', '.join(get_args(Format))}")
    return _ENDINGS[format][0]


def has_suffix(path: Path, format: Format) -> bool:  # noqa: A002 - as above
    """Whether the name of `path` ends as a file of `format` may, in upper or lower case."""
    return path.suffix.lower() in _ENDINGS[format]
