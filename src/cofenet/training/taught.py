"""Photographs with the structures that the shipped networks see on them, before they are degraded.

The published labels of vessels and discs were never released; these take their place.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cofenet.engine.card import load_card
from cofenet.tasks.segmentation import Structure, segment
from cofenet.training.cache import Arrays, remembered
from cofenet.training.examples import filled
from cofenet.training.photographs import Photographs

TAUGHT: tuple[Structure, ...] = ("vessels", "disc")
"""The structures, in the order of the planes."""

TEACHERS = ("vessels", "disc-finder", "disc")
"""The networks that see them."""

_UNSURE = (0.4, 0.6)
"""Between these, a probability of vessel stays as it is; below it becomes 0, above 1: as in the published training."""


@dataclass(frozen=True)
class Taught(Photographs):
    """Photographs with structures.

    Attributes:
        structures: uint8 (N, S, S, 2), 0 to 255: how likely each pixel is vessel, and the rectangle around the disc,
            empty where no disc is found.
    """

    structures: NDArray[np.uint8]

    def layers(self, number: int) -> tuple[NDArray[Any], ...]:
        """Image, mask and structures of one photograph."""
        return *super().layers(number), self.structures[number]


def teach(photographs: Photographs, cache: Path | None = None) -> Taught:
    """Let the shipped networks look at photographs; `cache` is a folder in which the result is kept."""
    models = " ".join(load_card(name).sha256 for name in TEACHERS)
    settings = f"taught {photographs.images.shape[1]} {models}"
    kept = remembered(cache, photographs.paths, settings, lambda: _look(photographs))
    return Taught(photographs.images, photographs.masks, photographs.paths, kept["structures"])


def _look(photographs: Photographs) -> Arrays:
    pairs = zip(photographs.images, photographs.masks, strict=True)
    return {"structures": np.stack([_structures(image, mask) for image, mask in pairs])}


def _structures(image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    found = segment(image, structures=TAUGHT, fov=filled(mask))
    likely = found.probabilities["vessels"]
    low, high = _UNSURE
    vessels = np.where(likely >= high, 1, np.where(likely < low, 0, likely))
    planes = np.dstack([vessels, rectangle(np.asarray(found.disc))])
    return np.asarray(np.rint(255 * planes), np.uint8)


def rectangle(region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The upright rectangle around what is True in (H, W); empty if nothing is."""
    rows, columns = (_between(np.asarray(region.any(axis))) for axis in (1, 0))
    return np.logical_and(rows[:, None], columns)


def _between(line: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """True from the first to the last True."""
    return np.asarray(np.logical_or.accumulate(line) & np.logical_or.accumulate(line[::-1])[::-1])
