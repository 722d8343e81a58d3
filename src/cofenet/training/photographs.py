"""Good photographs, cut to their field of view and kept in memory: what degradation is painted on."""

from __future__ import annotations

import csv
import hashlib
import logging
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cofenet.errors import PhotographError, UsageError
from cofenet.fov import find_fov
from cofenet.geometry import Crop
from cofenet.io import read_photograph

_COLUMNS = ("path", "split", "source", "task", "label")

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
    rows = (row for row in _rows(manifest) if row["split"] == split and row["task"] in tasks)
    return [manifest.parent / row["path"] for row in rows if not labels or row["label"] in labels]


def count_sources(manifest: Path, photographs: Photographs) -> dict[str, int]:
    """How many photographs came from which source, as the manifest's column `source` says.

    Raises:
        UsageError: see `listed`.
    """
    source: dict[Path, str] = {}
    for row in _rows(manifest):  # the first row names the photograph's source, later ones those of other labels
        source.setdefault(manifest.parent / row["path"], row["source"])
    return dict(sorted(Counter(source[path] for path in photographs.paths).items()))


def load(paths: Sequence[Path], size: int, cache: Path | None = None) -> Photographs:
    """Read photographs and cut them to squares of `size` pixels; unreadable ones are named in the log and skipped.

    Args:
        paths: the files.
        size: pixels a side.
        cache: a folder in which the result is kept for the next time.

    Raises:
        UsageError: none of the photographs can be read.
    """
    store = cache / f"{_digest(paths, size)}.npz" if cache else None
    if store and store.exists():
        return _restored(store, size)
    found = {path: square for path in paths if (square := _square(path, size)) is not None}
    if not found:
        raise UsageError(f"none of {len(paths)} photographs can be read" if paths else "no photographs to learn from")
    images, masks = (np.stack(arrays) for arrays in zip(*found.values(), strict=True))
    photographs = Photographs(images.astype(np.uint8), masks.astype(np.bool_), tuple(found))
    if store:
        _keep(photographs, store)
    return photographs


def _rows(manifest: Path) -> list[dict[str, str]]:
    try:
        with manifest.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{manifest}: cannot read the manifest: {error}") from error
    if missing:
        raise UsageError(f"{manifest}: the manifest has no column {', '.join(missing)}")
    return rows


def _square(path: Path, size: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]] | None:
    try:
        pixels = read_photograph(path).pixels
        fov = find_fov(pixels)
    except PhotographError as error:
        _log.warning("skipped %s", error if error.path else error.at(path))
        return None
    except UsageError as error:
        _log.warning("skipped %s: %s", path, error)
        return None
    crop = Crop.around(fov.circle, size)
    mask = crop.take(fov.mask.astype(np.uint8) * 255) > 127
    image = crop.take(_eight_bits(pixels)).astype(np.uint8)
    image[~mask] = 0
    return image, mask


def _eight_bits(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> NDArray[np.uint8]:
    return pixels.astype(np.uint8) if pixels.dtype == np.uint8 else (pixels // 257).astype(np.uint8)


def _restored(store: Path, size: int) -> Photographs:
    with np.load(store) as saved:
        masks = np.unpackbits(saved["masks"], axis=-1, count=size).astype(np.bool_)
        return Photographs(saved["images"], masks, tuple(map(Path, saved["paths"].tolist())))


def _keep(photographs: Photographs, store: Path) -> None:
    """Write whole or not at all; the arrays may be too large to hold twice."""
    store.parent.mkdir(parents=True, exist_ok=True)
    beside = store.with_suffix(f".{os.getpid()}.part")
    try:
        with beside.open("wb") as file:
            masks = np.packbits(photographs.masks, axis=-1)
            np.savez(file, images=photographs.images, masks=masks, paths=np.array([str(p) for p in photographs.paths]))
        beside.replace(store)
    finally:
        beside.unlink(missing_ok=True)


def _digest(paths: Sequence[Path], size: int) -> str:
    lengths = ((path, path.stat().st_size if path.is_file() else 0) for path in paths)
    text = "\n".join([str(size), *(f"{path} {length}" for path, length in lengths)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
