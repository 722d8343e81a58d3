"""Look at a picture of any size through a network of one size, tile by tile, so that no seam shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

OVERLAP = 64
"""Pixels that neighbouring tiles share at least: within them, one fades into the other."""


def tiled(picture: Floats, size: int, planes: int, look: Callable[[Floats], Floats]) -> Floats:
    """Run `look` on tiles of a picture and blend what it gives.

    Args:
        picture: float32 (C, H, W).
        size: pixels a side of a tile, more than `OVERLAP`; a picture smaller than that is padded with zeros.
        planes: what `look` gives has so many.
        look: from (C, size, size) to (planes, size, size).

    Returns:
        float32 (planes, H, W).
    """
    height, width = picture.shape[1:]
    padded = np.pad(picture, ((0, 0), (0, max(0, size - height)), (0, max(0, size - width))))
    weight = _fading(size)
    total, weights = np.zeros((planes, *padded.shape[1:]), np.float32), np.zeros(padded.shape[1:], np.float32)
    for top, left in product(*(_starts(length, size) for length in padded.shape[1:])):
        rows, columns = slice(top, top + size), slice(left, left + size)
        total[:, rows, columns] += look(padded[:, rows, columns]) * weight
        weights[rows, columns] += weight
    return np.asarray((total / weights)[:, :height, :width])


def _starts(length: int, size: int) -> Iterator[int]:
    """First pixels of the fewest tiles that cover `length` and overlap, spread evenly."""
    count = 1 if length <= size else -(-(length - OVERLAP) // (size - OVERLAP))
    for index in range(count):
        yield round(index * (length - size) / max(1, count - 1))


def _fading(size: int) -> Floats:
    """Weights (size, size): 1 inside, falling linearly towards each edge over the overlap."""
    edge = np.minimum(np.arange(size), np.arange(size)[::-1]) + 0.5
    ramp = np.minimum(1.0, edge / OVERLAP).astype(np.float32)
    return np.asarray(ramp[:, None] * ramp)
