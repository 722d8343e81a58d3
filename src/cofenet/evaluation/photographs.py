"""The photographs of an evaluation: which they are, whose, of which camera, with which labels; cut to a square.

A set is a folder, or a manifest: a CSV with the column `path` (relative to its folder) and, if known, `source` (camera
or data set), `patient` (both eyes of one are not independent), and a label file in a column of each structure's name.
"""

from __future__ import annotations

import csv
import glob
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from cofenet.errors import UsageError
from cofenet.fov import FieldOfView, find_fov
from cofenet.geometry import Circle, Crop
from cofenet.io import eight_bits, find_photographs, read_photograph
from cofenet.tasks.segmentation import Segmentation, segment

Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]

LABELS = ("vessels", "disc", "cup", "lesions")
"""Structures that people may have drawn: a mask each, brighter than half inside."""


@dataclass(frozen=True)
class Listed:
    """One photograph of the set.

    Attributes:
        name: its path below the folder, with "/"; unique in the set.
        path: the file.
        source: camera or data set; empty if not known.
        patient: whose eye it is; the name if not known.
        labels: the mask file of each structure that is drawn.
        drawn: structures that are drawn on this or another photograph of the set.
    """

    name: str
    path: Path
    source: str = ""
    patient: str = ""
    labels: Mapping[str, Path] = field(default_factory=dict)
    drawn: frozenset[str] = frozenset()

    def stamp(self) -> list[list[object]]:
        """What changes when the photograph, a label or what is drawn does: size and time of each file, and names."""
        files = [self.path, *(self.labels[name] for name in sorted(self.labels))]
        known = [[str(path.name), path.stat().st_size, path.stat().st_mtime_ns] for path in files if path.exists()]
        drawn: list[list[object]] = [[name] for name in sorted(self.drawn)]
        return [*known, *drawn]


@dataclass(frozen=True)
class Square:
    """A photograph cut to the square around its field of view.

    Attributes:
        name: of the photograph.
        image: uint8 (S, S, 3), RGB, black outside the field of view.
        fov: the field of view.
        labels: bool (S, S) of each structure that people drew.
        drawn: structures that people drew on this or another photograph of the set.
        at: cuts the same photograph, not this square, to another size, without labels.
    """

    name: str
    image: Image
    fov: FieldOfView
    labels: dict[str, Mask]
    drawn: frozenset[str]
    at: Callable[[int], Square]

    @cached_property
    def segmentation(self) -> Segmentation:
        """What is found on the photograph itself."""
        return segment(self.image, fov=self.fov)

    def truth(self, structure: str) -> Mask | None:
        """Where vessels, disc or cup are: as people drew them, or as found on the photograph itself.

        None where people drew it on other photographs of the set alone: a mean over drawings and our own findings would
        say neither how well it is found nor how much it changed.
        """
        if structure in self.labels:
            return self.labels[structure]
        found = {"vessels": self.segmentation.vessels, "disc": self.segmentation.disc, "cup": self.segmentation.cup}
        return None if structure in self.drawn else found[structure]


def listed(photos: Path, labels: Path | None = None, where: Mapping[str, str] | None = None) -> list[Listed]:
    """The photographs of a folder or manifest, in order.

    Args:
        photos: a folder, or a CSV.
        labels: a folder with a folder for each structure, in which masks have the photographs' names, with any ending.
        where: columns of the manifest and the values that rows must have.

    Raises:
        UsageError: there are none, the manifest cannot be read or has no such column, or a name appears twice.
    """
    found = _of_manifest(photos, where or {}) if photos.is_file() else _of_folder(photos, where or {})
    if labels is not None:
        if not any((labels / name).is_dir() for name in LABELS):
            raise UsageError(f"{labels}: needs a folder of masks named {', '.join(LABELS[:-1])} or {LABELS[-1]}")
        found = [_labelled(one, labels) for one in found]
    if not found:
        raise UsageError(f"{photos}: no photographs there" + (" that fit --where" if where else ""))
    drawn = frozenset(label for one in found for label in one.labels)
    return [replace(one, drawn=drawn) for one in found]


def cut(one: Listed, size: int) -> Square:
    """Read a photograph and cut it to `size` pixels, with its labels.

    Raises:
        PhotographError: it, or a label, cannot be read, or no field of view is found.
        UsageError: a label is of another shape than the photograph.
    """
    pixels = read_photograph(one.path).pixels
    return _square(one, eight_bits(pixels), find_fov(pixels), size)


def _square(one: Listed, pixels: Image, fov: FieldOfView, size: int) -> Square:
    crop = Crop.around(fov.circle, size)
    mask = crop.take_mask(fov.mask)
    image = np.where(mask[..., None], crop.take(pixels), np.uint8(0))
    inside = FieldOfView(mask, Circle(size / 2, size / 2, size / 2), fov.confidence)
    labels = {name: _mask(path, pixels.shape, crop) & mask for name, path in one.labels.items()}
    again = partial(_square, replace(one, labels={}), pixels, fov)
    return Square(one.name, image, inside, labels, one.drawn, again)


def _mask(path: Path, shape: tuple[int, ...], crop: Crop) -> Mask:
    drawn = read_photograph(path).pixels[..., 0]
    if drawn.shape != shape[:2]:
        raise UsageError(
            f"{path}: is {drawn.shape[1]} × {drawn.shape[0]} pixels, its photograph {shape[1]} × {shape[0]}"
        )
    inside = (drawn > np.iinfo(drawn.dtype).max // 2).astype(np.uint8) * np.uint8(255)
    return crop.take(inside) > 127


def _of_folder(folder: Path, where: Mapping[str, str]) -> list[Listed]:
    if where:
        raise UsageError("--where chooses rows of a manifest; --photos is a folder")
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder or manifest")
    return [Listed(relative.as_posix(), path, "", relative.as_posix()) for path, relative in find_photographs([folder])]


def _of_manifest(manifest: Path, where: Mapping[str, str]) -> list[Listed]:
    try:
        with manifest.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns, rows = reader.fieldnames or (), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{manifest}: cannot read the manifest: {error}") from error
    if missing := [name for name in ("path", *where) if name not in columns]:
        raise UsageError(f"{manifest}: the manifest has no column {', '.join(missing)}")
    chosen = [row for row in rows if all(row[name] == value for name, value in where.items())]
    found = [_of_row(row, manifest.parent) for row in chosen]
    _refuse_twice(found, manifest)
    return found


def _of_row(row: Mapping[str, str], folder: Path) -> Listed:
    name = PurePosixPath(row["path"]).as_posix()
    drawn = {label: folder / row[label] for label in LABELS if row.get(label)}
    return Listed(name.lstrip("/"), folder / row["path"], row.get("source") or "", row.get("patient") or name, drawn)


def _refuse_twice(found: Sequence[Listed], manifest: Path) -> None:
    seen: set[str] = set()
    for one in found:
        if one.name in seen:
            raise UsageError(f"{manifest}: {one.name} is listed twice; choose rows by --where")
        if ".." in PurePosixPath(one.name).parts:
            raise UsageError(f"{manifest}: {one.name} lies outside the manifest's folder")
        seen.add(one.name)


def _labelled(one: Listed, folder: Path) -> Listed:
    stem = PurePosixPath(one.name).with_suffix("")
    found = dict(one.labels)
    for label in LABELS:
        beside = (folder / label / stem).parent
        masks = sorted(beside.glob(f"{glob.escape(stem.name)}.*")) if beside.is_dir() else []
        if masks:
            found[label] = masks[0]
    return replace(one, labels=found)
