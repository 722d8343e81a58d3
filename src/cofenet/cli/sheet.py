"""A sheet of photographs, alone or before and after."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import typer
from numpy.typing import NDArray

from cofenet.errors import UsageError
from cofenet.geometry import resize
from cofenet.io import Photograph, eight_bits, write_photograph

Pixels = NDArray[np.uint8] | NDArray[np.uint16]
Tile = NDArray[np.uint8]

_TILE = 384
_TILES_A_ROW = 4
_STRIP = 24
"""Pixels that the headings are high."""

_LIMIT = 60
"""Photographs on one sheet: the first ones; more would make a picture that no viewer opens."""


class Sheet:
    """Collects photographs, small, for a PNG at `path`; without a path it collects none. Keeps the first `_LIMIT`."""

    def __init__(self, path: Path | None, headings: Sequence[str] = (), scale: Tile | None = None) -> None:
        """Of what stands side by side there may be headings; `scale`, uint8 (1, N, 3), are the colours of the last.

        Raises:
            UsageError: the path does not end in .png.
        """
        if path and path.suffix.lower() != ".png":
            raise UsageError(f"{path}: a sheet is a PNG; let its name end in .png")
        self.path = path
        self._headings, self._scale = headings, scale
        self._entries: list[tuple[float, int, Tile]] = []
        self._count = 0

    def add(self, name: str, *pictures: Pixels, order: float = 0.0) -> None:
        """Add pictures of a photograph, uint8 or uint16 (H, W, 3), side by side; the lowest `order` comes first."""
        last = self._entries[-1][0] if len(self._entries) == _LIMIT else np.inf
        if self.path and order < last:
            row = np.hstack([_tile(picture) for picture in pictures])
            _write(row, name)
            insort(self._entries, (order, self._count, row))
            self._count += 1
            del self._entries[_LIMIT:]

    def write(self) -> None:
        """Write the PNG, if it was asked for and there is a photograph to show."""
        if self.path and not self._entries:
            typer.echo(f"cofenet: {self.path}: not written, for no photograph was worked on", err=True)
        if not (self.path and self._entries):
            return
        tiles = [tile for *_, tile in self._entries]
        across = _TILES_A_ROW * _TILE // tiles[0].shape[1]
        tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % across)
        rows = [np.hstack(tiles[i : i + across]) for i in range(0, len(tiles), across)]
        if self._headings:
            rows.insert(0, np.hstack([self._heading()] * across))
        write_photograph(self.path, Photograph(np.vstack(rows)), format="png")

    def _heading(self) -> Tile:
        strip = np.hstack([_titled(heading) for heading in self._headings])
        if self._scale is not None:
            width = _TILE // 3
            strip[6:-6, -width - 6 : -6] = cv2.resize(self._scale, (width, _STRIP - 12))
        return strip


def _titled(heading: str) -> Tile:
    tile = np.full((_STRIP, _TILE, 3), 48, np.uint8)
    _write(tile, heading)
    return tile


def _write(picture: Tile, words: str) -> None:
    drawable = words.encode("ascii", "replace").decode()  # OpenCV has no other letters; some words end it
    cv2.putText(picture, drawable, (6, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (200, 200, 200), 1, cv2.LINE_AA)


def _tile(pixels: Pixels) -> Tile:
    """The photograph centred on a black square."""
    scale = _TILE / max(pixels.shape[:2])
    shape = (max(1, round(pixels.shape[0] * scale)), max(1, round(pixels.shape[1] * scale)))
    small = eight_bits(resize(pixels, shape))
    square = np.zeros((_TILE, _TILE, 3), np.uint8)
    top, left = (_TILE - shape[0]) // 2, (_TILE - shape[1]) // 2
    square[top : top + shape[0], left : left + shape[1]] = small
    return square
