"""Photographs with the structures that people, or a teacher, have drawn on them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from cofenet.engine.card import load_card
from cofenet.errors import PhotographError, UsageError
from cofenet.fov import FieldOfView, find_fov
from cofenet.geometry import Circle, Crop
from cofenet.io import read_photograph
from cofenet.tasks.segmentation import Structure, segment
from cofenet.training.cache import Arrays, remembered
from cofenet.training.photographs import Pixels, Row, cut, rows_of
from cofenet.training.taught import TEACHERS

_DISC_DIAMETER = 0.15
"""Of the field of view's diameter: the median of the discs drawn in the training photographs of 45 degrees."""

_HOLDOUT = 8
"""Where a manifest has no photographs to validate on, every eighth patient is held out."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Labelled:
    """Square photographs whose field of view touches the frame, with their structures.

    Attributes:
        images: uint8 (N, S, S, 3), RGB, black outside the field of view.
        masks: bool (N, S, S), the field of view.
        labels: uint8 (N, S, S, K), how much of each pixel each structure covers, 0 to 255.
        known: bool (N, K), which structures were drawn on which photograph.
        taught: bool (N,), on which nobody drew: their structures are what the shipped networks see.
        paths: the file each came from.
    """

    images: NDArray[np.uint8]
    masks: NDArray[np.bool_]
    labels: NDArray[np.uint8]
    known: NDArray[np.bool_]
    taught: NDArray[np.bool_]
    paths: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.paths)


def load_labelled(
    manifest: Path,
    split: str,
    tasks: Sequence[str],
    structures: Sequence[Structure],
    size: int,
    cache: Path | None = None,
    taught: Sequence[str] = (),
) -> Labelled:
    """Read the photographs of some tasks with their structures; unreadable ones are named in the log and skipped.

    Args:
        manifest: a CSV as `photographs.listed` reads it, with the columns patient, disc_x and disc_y; labels are paths
            of masks.
        split: "train", "val" or "test"; where there is none to validate on, every eighth patient of "train".
        tasks: rows of which tasks: vessels, disc, disc_closeup, disc_cup, lesions (of which the disc's place is taken).
        structures: which of vessels, disc, cup.
        size: pixels a side.
        cache: a folder in which the result is kept for the next time.
        taught: rows of which tasks are learned from, too, though nobody drew on them, in the split "train".

    Raises:
        UsageError: the manifest cannot be read, or gives no photographs.
    """
    rows = rows_of(manifest)
    drawn = [row for row in rows if row["task"] in tasks]
    known = {row["path"] for row in drawn}
    seen = [row for row in rows if row["task"] in taught and row["split"] == split == "train"]
    together: dict[str, list[Row]] = {}
    for row in _of_split(drawn, split):
        together.setdefault(row["path"], []).append(row)
    if not together:
        raise UsageError(f"{manifest}: no photographs of {', '.join(tasks)} in {split}")
    labels = [manifest.parent / row["label"] for rows in together.values() for row in rows if row["task"] != "lesions"]
    together |= {row["path"]: [] for row in seen if row["path"] not in known}
    paths = [manifest.parent / path for path in together]
    settings = " ".join([str(size), *structures, *tasks])
    if taught:
        settings += " ".join([" taught", *taught, *(load_card(name).sha256 for name in TEACHERS)])
    files = [manifest, *paths, *labels]
    kept = remembered(cache, files, settings, lambda: _read(manifest.parent, together, structures, size))
    paths = list(map(Path, kept.pop("paths").tolist()))
    return Labelled(**kept, paths=tuple(paths))


def _read(folder: Path, together: Mapping[str, list[Row]], structures: Sequence[Structure], size: int) -> Arrays:
    found = {
        folder / path: square
        for path, rows in together.items()
        if (square := _square(folder, path, rows, structures, size)) is not None
    }
    if not found:
        raise UsageError(f"{folder}: none of the photographs can be read")
    images, masks, labels, known = (np.stack(arrays) for arrays in zip(*found.values(), strict=True))
    taught = np.array([not together[path] for path in together if folder / path in found])
    paths = np.array([str(path) for path in found])
    return {"images": images, "masks": masks, "labels": labels, "known": known, "taught": taught, "paths": paths}


def _of_split(rows: list[Row], split: str) -> list[Row]:
    if any(row["split"] == "val" for row in rows) or split == "test":
        return [row for row in rows if row["split"] == split]
    patients = sorted({row["patient"] for row in rows if row["split"] == "train"})
    held = set(patients[_HOLDOUT // 2 :: _HOLDOUT])
    return [row for row in rows if row["split"] == "train" and (row["patient"] in held) == (split == "val")]


Square = tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.uint8], NDArray[np.bool_]]


def _square(folder: Path, name: str, rows: list[Row], structures: Sequence[Structure], size: int) -> Square | None:
    path = folder / name
    try:
        pixels = read_photograph(path).pixels
        fov = find_fov(pixels)
        drawn = {} if rows else _seen(pixels, fov, structures)
        for row in rows:
            drawn |= _drawn(folder, row, pixels.shape[:2], fov.circle) | drawn
    except PhotographError as error:
        _log.warning("skipped %s", error if error.path else error.at(path))
        return None
    crop = Crop.around(fov.circle, size)
    image, mask = cut(pixels, fov, size)
    blank = np.zeros((size, size), np.uint8)
    labels = np.dstack([crop.take(drawn[name]) if name in drawn else blank for name in structures])
    return image, mask, labels, np.array([name in drawn for name in structures])


def _drawn(folder: Path, row: Row, shape: tuple[int, int], circle: Circle) -> dict[str, NDArray[np.uint8]]:
    """The structures that one row knows, uint8 (H, W), 0 or 255."""
    if row["task"] == "lesions":
        disc = Circle(float(row["disc_x"]), float(row["disc_y"]), _DISC_DIAMETER / 2 * circle.diameter)
        return {"disc": _filled(disc.mask(shape))}
    label = read_photograph(folder / row["label"]).pixels[..., 0]
    if label.shape != shape:
        raise PhotographError(f"the label is of another size: {label.shape}, not {shape}", folder / row["label"])
    if row["task"] == "disc_cup":
        return {"disc": _hull(label > 60), "cup": _hull(label > 190)}
    return {"vessels": _filled(label > 127)} if row["task"] == "vessels" else {"disc": _hull(label > 127)}


def _seen(pixels: Pixels, fov: FieldOfView, structures: Sequence[Structure]) -> dict[str, NDArray[np.uint8]]:
    """What the shipped networks see, uint8 (H, W), 0 to 255 for a probability from 0 to 1; no disc, no cup."""
    found = segment(pixels, structures=structures, fov=fov)
    there = [name for name in structures if name == "vessels" or found.measurements.disc is not None]
    return {name: np.asarray(np.rint(255 * found.probabilities[name]), np.uint8) for name in there}


def _hull(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The convex hull: discs and cups are convex, but where vessels cross their rim some were drawn notched."""
    filled = _filled(mask)
    points = cv2.findNonZero(filled)
    return filled if points is None else np.asarray(cv2.fillConvexPoly(filled, cv2.convexHull(points), 255), np.uint8)


def _filled(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return np.where(mask, np.uint8(255), np.uint8(0))


def disc_box(label: NDArray[np.uint8]) -> tuple[float, float, float]:
    """Centre (x, y) and diameter of a drawn disc, in pixels; the diameter is 0 where there is none."""
    moments = cv2.moments((label > 127).astype(np.uint8), binaryImage=True)
    area = moments["m00"]
    if not area:
        return 0.0, 0.0, 0.0
    return moments["m10"] / area + 0.5, moments["m01"] / area + 0.5, float(np.sqrt(4 * area / np.pi))
