"""A user's own folder of good photographs, made into a manifest: what to learn from and what to validate on."""

from __future__ import annotations

import csv
import hashlib
import io
import logging
import os
from pathlib import Path

from cofenet.errors import UsageError
from cofenet.io import find_photographs, write_atomically
from cofenet.training.photographs import COLUMNS, readable, rows_of
from cofenet.training.recipe import Recipe

SOURCE = "own photographs"
"""What the manifest calls the source of all of them."""

TERMS = "Photographs of the user's own; their terms are the user's to know."
"""Under which terms, as far as we can say."""

LICENCE = "The user's own, as far as the terms of the user's photographs allow."
"""Of a network that learned from nothing else."""

FEWEST = 10
"""Photographs without which there is no point in training."""

_VALIDATED = 10
"""One of so many is validated on."""

_CONTENT = {"field", "detail", "sharpening", "reference"}
"""Networks that need no more than good photographs."""

_log = logging.getLogger(__name__)


def survey(folder: Path, manifest: Path, recipe: Recipe) -> Path:
    """Write a manifest of the photographs in a folder; one that is there already is kept, so that a run goes on alike.

    Files that cannot be read, or show no fundus, are named in the log and left out. A tenth of the photographs is the
    split "val": those of the smallest SHA-256, so that the split knows neither names nor places. Copies stay together.

    Args:
        folder: the photographs, found as `cofenet.io.find_photographs` does.
        manifest: the CSV to write; its paths are relative to its own folder.
        recipe: what they are for.

    Returns:
        `manifest`.

    Raises:
        UsageError: there is no such folder, it holds too few photographs, the manifest that is there is of another, or
            the recipe's network learns from more than photographs.
        UnreadableError: the folder cannot be listed.
    """
    if recipe.network not in _CONTENT:
        raise UsageError(f"{recipe.network} learns from what people said of photographs: give a manifest by --data")
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder of photographs")
    if manifest.exists():
        _check(folder, manifest)
        return manifest
    found = [path for path, _ in find_photographs([folder])]
    digests = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in found if readable(path)}
    different = sorted(set(digests.values()))
    if len(different) < FEWEST:
        raise UsageError(
            f"{folder}: {len(different)} different photographs that can be learned from, of {len(found)} files; "
            f"at least {FEWEST} are needed"
        )
    _log.info("%s: %d photographs, of which %d can be learned from", folder, len(found), len(digests))
    validated = set(different[: len(different) // _VALIDATED])
    rows = [
        (_relative(path, folder, manifest), "val" if digest in validated else "train", SOURCE, "clean", "")
        for path, digest in digests.items()
    ]
    text = io.StringIO(newline="")
    csv.writer(text).writerows([COLUMNS, *rows])
    write_atomically(manifest, text.getvalue().encode())
    return manifest


def _relative(path: Path, folder: Path, manifest: Path) -> str:
    """From the manifest's folder to the photograph; ".." past a link would lead elsewhere, so links are followed."""
    inside = os.path.relpath(path, folder)
    return Path(os.path.relpath(folder.resolve() / inside, manifest.parent.resolve())).as_posix()


def _check(folder: Path, manifest: Path) -> None:
    start = _relative(folder, folder, manifest)
    if any(Path(start) not in Path(row["path"]).parents for row in rows_of(manifest)):
        raise UsageError(f"{manifest.parent}: holds a run that learned from another folder than {folder}; name another")
