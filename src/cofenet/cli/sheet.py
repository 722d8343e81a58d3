"""A sheet of photographs before and after."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from cofenet.errors import UsageError
from cofenet.geometry import resize
from cofenet.io import Photograph, write_photograph

Pixels = NDArray[np.uint8] | NDArray[np.uint16]
Tile = NDArray[np.uint8]

_TILE = 384
_PAIRS_A_ROW = 2
_LIMIT = 60
"""Pairs on one sheet: the first ones; more would make a picture that no viewer opens."""


class Sheet:
    """Collects pairs, small, for a PNG at `path`; without a path it collects none. Keeps the first `_LIMIT`."""

    def __init__(self, path: Path | None) -> None:
        if path and path.suffix.lower() != ".png":
            raise UsageError(f"{path}: a sheet is a PNG; let its name end in .png")
        self.path = path
        self._pairs: list[Tile] = []

    def add(self, name: str, before: Pixels, after: Pixels) -> None:
        """Add a photograph, uint8 or uint16 (H, W, 3), before and after."""
        if self.path and len(self._pairs) < _LIMIT:
            pair = np.hstack([_tile(before), _tile(after)])
            drawable = name.encode("ascii", "replace").decode()  # OpenCV has no other letters; some names end it
            cv2.putText(pair, drawable, (6, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (200, 200, 200), 1, cv2.LINE_AA)
            self._pairs.append(pair)

    def write(self) -> None:
        """Write the PNG; nothing if there is no pair."""
        if not (self.path and self._pairs):
            return
        blank = np.zeros_like(self._pairs[0])
        pairs = self._pairs + [blank] * (-len(self._pairs) % _PAIRS_A_ROW)
        rows = [np.hstack(pairs[i : i + _PAIRS_A_ROW]) for i in range(0, len(pairs), _PAIRS_A_ROW)]
        write_photograph(self.path, Photograph(np.vstack(rows)), format="png")


def _tile(pixels: Pixels) -> Tile:
    """The photograph centred on a black square."""
    scale = _TILE / max(pixels.shape[:2])
    shape = (max(1, round(pixels.shape[0] * scale)), max(1, round(pixels.shape[1] * scale)))
    small = resize(pixels, shape)
    if small.dtype == np.uint16:
        small = small // 257
    square = np.zeros((_TILE, _TILE, 3), np.uint8)
    top, left = (_TILE - shape[0]) // 2, (_TILE - shape[1]) // 2
    square[top : top + shape[0], left : left + shape[1]] = small
    return square
