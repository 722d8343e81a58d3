"""Where results go, and what no result may overwrite."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from cofenet.errors import UsageError
from cofenet.io import Photograph, suffix_for
from cofenet.io.formats import has_suffix

Format = Literal["same", "png", "jpeg", "tiff"]
Pairs = list[tuple[Path, Path]]


@dataclass(frozen=True)
class Places:
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


def _keys(path: Path) -> Iterator[object]:
    """What two names of one file have in common, be it there or not."""
    yield real(path)
    with suppress(OSError):
        status = path.stat()
        yield status.st_dev, status.st_ino


def real(path: Path) -> Path:
    """The path with its links followed."""
    # Not Path.resolve: it raises for a link to itself.
    return Path(os.path.realpath(path))
