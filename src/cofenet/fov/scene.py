"""The working copies of one picture, and how far its pixels are from the border's colour."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from cofenet.geometry import resize

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

# Longest sides of the two working copies, pixels. Outlines need no more than the coarse one; on the fine one (half to
# all of this) half a pixel is less than 0.3 % of a usual radius.
_COARSE, _FINE = 256, 1024
# Side of the corner patches that show the border, as a part of the picture's shorter side: photographs cut to the
# square inside their circle show no more than this. Patches this alike (grey levels of 255) show the same thing.
_CORNER, _ALIKE = 0.03, 12.0
# Lowest step (grey levels of 255) that counts as an edge: JPEG leaves steps of 1 in a black border.
_FLOOR = 2.0


class Scene(NamedTuple):
    """The working copies of one picture."""

    coarse: Floats  # (h, w, 3)
    shrink: float  # its size over that of the fine copy
    border: Floats  # the border's colour
    field: Floats  # distance from that colour, of the coarse copy
    sharp: Floats  # and of the fine one
    floor: float  # lowest step of a field that is no noise


def look(fine: Bytes) -> Scene:
    """Prepare the working copies of `fine` (h, w, 3)."""
    coarse, shrink = _coarse(fine)
    border, noise = _border(coarse)
    return Scene(coarse, shrink, border, _field(coarse, border), _field(fine, border), max(_FLOOR, 4.0 * noise))


def reduced(image: NDArray[np.generic]) -> tuple[Bytes, int]:
    """Halve until no side is longer than `_FINE`: uint8 (h, w, 3); and how many pixels one of its pixels spans."""
    small, factor = np.asarray(image), 1
    while max(small.shape[:2]) > _FINE:
        height, width = small.shape[0] // 2, small.shape[1] // 2
        even = np.asarray(small[: 2 * height, : 2 * width], image.dtype)
        small = resize(even, (height, width))
        factor *= 2
    if image.dtype == np.uint16:  # 10, 12 and 14 bits come in 16, so the scale is the picture's own
        small = cv2.convertScaleAbs(small.astype(np.float32), alpha=255.0 / max(int(np.max(small)), 1))
    colour = small if small.ndim == 3 else np.repeat(small[:, :, None], 3, axis=2)
    return np.asarray(cv2.GaussianBlur(colour.astype(np.uint8, copy=False), (0, 0), 0.8), np.uint8), factor


def _coarse(fine: Bytes) -> tuple[Floats, float]:
    """A copy no longer than `_COARSE`: float32 (h, w, 3); and its size over that of `fine`."""
    shrink = min(1.0, _COARSE / max(fine.shape[:2]))
    size = round(fine.shape[1] * shrink), round(fine.shape[0] * shrink)
    small = fine if shrink == 1.0 else cv2.resize(fine, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small.astype(np.float32), (0, 0), 0.8), np.float32), shrink


def _border(coarse: Floats) -> tuple[Floats, float]:
    """The border's colour, and how much the corners that show it vary (grey levels)."""
    side = max(3, round(_CORNER * min(coarse.shape[:2])))
    ends = slice(side), slice(-side, None)
    patches = [coarse[rows, columns].reshape(-1, 3) for rows in ends for columns in ends]
    colours = np.array([np.median(patch, axis=0) for patch in patches])
    middle = np.median(colours, axis=0)
    # Three corners alike show the border, be it grey; otherwise some lie inside the retina, and the darkest does not.
    third = np.sort(np.abs(colours - middle).max(axis=1))[2]
    border = middle if third < _ALIKE else colours[np.argmin(colours.sum(axis=1))]
    shown = [patch for patch, colour in zip(patches, colours, strict=True) if np.abs(colour - border).max() < _ALIKE]
    # A low percentile, because a corner may show some retina or text.
    noise = np.percentile(np.abs(np.concatenate(shown) - border).max(axis=1), 30)
    return border.astype(np.float32), float(noise)


def _field(picture: Bytes | Floats, border: Floats) -> Floats:
    """How far each pixel of `picture` (h, w, 3) is from the border's colour, in its most different channel: (h, w)."""
    gap = cv2.absdiff(picture, np.array([*border, 0], np.float64))
    red, green, blue = cv2.split(gap)
    return np.asarray(cv2.max(cv2.max(red, green), blue), np.float32)


def levels(field: Floats, floor: float) -> list[float]:
    """Thresholds to try, from just above the border to most of the bright retina, doubling."""
    top = 0.7 * float(np.percentile(field[::3, ::3], 90))
    return [level for level in 1.5 * floor * 2.0 ** np.arange(7) if level < top] or [floor]
