"""Good photographs, cut to their field of view and kept in memory: what degradation is painted on."""

from __future__ import annotations

import csv
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cofenet.errors import PhotographError, UsageError
from cofenet.fov import FieldOfView, find_fov
from cofenet.geometry import Crop
from cofenet.io import eight_bits, read_photograph
from cofenet.training.cache import Arrays, remembered

COLUMNS = ("path", "split", "source", "task", "label")
"""Of a manifest; there may be more."""

Pixels = NDArray[np.uint8] | NDArray[np.uint16]

Row = dict[str, str]
"""A row of a manifest, by column."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Photographs:
    """Square photographs whose field of view touches the frame. The arrays cannot be written to.

    Attributes:
        images: uint8 (N, S, S, 3), RGB, black outside the field of view.
        masks: bool (N, S, S), the field of view.
        paths: the file each came from.
    """

    images: NDArray[np.uint8]
    masks: NDArray[np.bool_]
    paths: tuple[Path, ...]

    def __post_init__(self) -> None:
        self.images.setflags(write=False)
        self.masks.setflags(write=False)

    def __len__(self) -> int:
        return len(self.paths)

    def layers(self, number: int) -> tuple[NDArray[Any], ...]:
        """All that is known of one photograph, arrays (S, S, ...): the image, its mask, and what else there is."""
        return self.images[number], self.masks[number]

    def chosen(self, wanted: Sequence[bool]) -> Photographs:
        """Those that are wanted, told for each.

        Raises:
            UsageError: none is.
        """
        if not any(wanted):
            raise UsageError(f"none of {len(self)} photographs is left to learn from")
        kept = np.array(wanted, bool)
        paths = tuple(path for path, keep in zip(self.paths, wanted, strict=True) if keep)
        return Photographs(self.images[kept], self.masks[kept], paths)


def listed(manifest: Path, split: str, tasks: Sequence[str] = ("clean",), labels: Sequence[str] = ()) -> list[Path]:
    """Photographs named in a manifest, a CSV with the columns path, split, source, task and label.

    Args:
        manifest: the file; paths in it are relative to its folder.
        split: "train", "val" or "test".
        tasks: rows of which tasks.
        labels: rows with which labels; empty for all.

    Raises:
        UsageError: the manifest cannot be read, or lacks a column.
    """
    rows = (row for row in rows_of(manifest) if row["split"] == split and row["task"] in tasks)
    return [manifest.parent / row["path"] for row in rows if not labels or row["label"] in labels]


def count_sources(manifest: Path, paths: Sequence[Path]) -> dict[str, int]:
    """How many photographs came from which source, as the manifest's column `source` says.

    Raises:
        UsageError: see `listed`.
    """
    source: dict[Path, str] = {}
    for row in rows_of(manifest):  # the first row names the photograph's source, later ones those of other labels
        source.setdefault(manifest.parent / row["path"], row["source"])
    return dict(sorted(Counter(source[path] for path in paths).items()))


def rows_of(manifest: Path) -> list[Row]:
    """The rows of a manifest.

    Raises:
        UsageError: it cannot be read, or lacks a column.
    """
    try:
        with manifest.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{manifest}: cannot read the manifest: {error}") from error
    if missing:
        raise UsageError(f"{manifest}: the manifest has no column {', '.join(missing)}")
    return rows


def load(paths: Sequence[Path], size: int, cache: Path | None = None) -> Photographs:
    """Read photographs and cut them to squares of `size` pixels; unreadable ones are named in the log and skipped.

    Args:
        paths: the files.
        size: pixels a side.
        cache: a folder in which the result is kept for the next time.

    Raises:
        UsageError: none of the photographs can be read.
    """
    kept = remembered(cache, paths, str(size), lambda: _read(paths, size))
    masks = np.unpackbits(kept["masks"], axis=-1, count=size).astype(np.bool_)
    return Photographs(kept["images"], masks, tuple(map(Path, kept["paths"].tolist())))


def cut(pixels: Pixels, fov: FieldOfView, size: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The square around the field of view: uint8 (size, size, 3), black outside of it, and its mask."""
    crop = Crop.around(fov.circle, size)
    mask = crop.take_mask(fov.mask)
    image = crop.take(eight_bits(pixels)).astype(np.uint8)
    image[~mask] = 0
    return image, mask


def _read(paths: Sequence[Path], size: int) -> Arrays:
    found = {path: square for path in paths if (square := _square(path, size)) is not None}
    if not found:
        raise UsageError(f"none of {len(paths)} photographs can be read" if paths else "no photographs to learn from")
    images, masks = (np.stack(arrays) for arrays in zip(*found.values(), strict=True))
    return {"images": images, "masks": np.packbits(masks, axis=-1), "paths": np.array([str(path) for path in found])}


def _square(path: Path, size: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]] | None:
    seen = _seen(path)
    return cut(*seen, size) if seen else None


def readable(path: Path) -> bool:
    """Whether a file can be read and shows a field of view; one that cannot is named in the log."""
    return _seen(path) is not None


def _seen(path: Path) -> tuple[Pixels, FieldOfView] | None:
    try:
        pixels = read_photograph(path).pixels
        return pixels, find_fov(pixels)
    except PhotographError as error:
        _log.warning("skipped %s", error if error.path else error.at(path))
    except UsageError as error:
        _log.warning("skipped %s: %s", path, error)
    return None
