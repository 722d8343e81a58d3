"""Sharpen a photograph that is larger than the network saw it, at twice that size.

What blur left of the finest structures is there in the larger photograph, and less noise beside it: by how much less,
its number of pixels says. The filters allow for the noise of a photograph that is twice as large; where it is not, part
of the sharpening is the network's own, which allows for more. Some of what filters leave of a blur, a small network
undoes.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from cofenet.geometry import Crop, resize
from cofenet.tasks.view import Floats

FINE = 2
"""The size at which it is sharpened, over that at which the network saw it; the filters are made for it."""

LARGE = 1.1
"""The size of a photograph, over that at which the network saw it, from which on that is worth while."""

EDGE, RIM = 8, 16
"""Pixels at the edge of the field of view that filters do not look at, and over which the change rises from nothing: as
in `cofenet.networks`, at twice the size."""

_STEP, _REACH = 4, 4
"""By how much smaller the photograph is on which slopes are measured, and how far around, in its pixels."""

BLURRED, SURELY = 1.0, 3.0
"""Sum of the taps, without signs, of the filter of which it is larger, up to which a photograph is not taken for
blurred, and from which on it is.

Of 39 photographs of the validation split, blurred as published, 4.7 or more, and 0.2 (1.7 on one) as they are; 0.4 or
less on the sixty real low-quality photographs, whose blur is of another kind.
"""


def sharpen_finely(seen: Floats, crop: Crop, filters: Floats, coarse: Floats) -> Floats:
    """The part of the residual that sharpens, at twice the size.

    Of 11 photographs of the training split that are 650 pixels across, degraded (111), vessels are found by a segmenter
    of good photographs with a Dice of .786; with the filters alone .780, with the network's own sharpening alone .786.
    Of 10 that are 918 across .783, .783 and .777.

    Args:
        seen: float32 (4, 2 S, 2 S), the photograph at twice the size: RGB and field of view, 0 to 1.
        crop: what the network saw, S pixels a side.
        filters: float32 (2, T), along rows and along columns, what they add: of sum 0.
        coarse: float32 (3, S, S), the same part at the size at which the network saw it.

    Returns:
        float32 (3, 2 S, 2 S).
    """
    fine = sharpened(seen, filters)
    share = fineness(crop)
    return np.stack([
        cv2.addWeighted(plane, share, cv2.resize(own, plane.shape, interpolation=cv2.INTER_CUBIC), 1 - share, 0)
        for plane, own in zip(fine, coarse, strict=True)
    ])  # fmt: skip


def blurred(filters: Floats) -> float:
    """How surely filters (2, T) tell that a photograph is blurred, 0 to 1."""
    amount = float(np.abs(filters).sum(1).max())
    return float(np.clip((amount - BLURRED) / (SURELY - BLURRED), 0, 1))


def restored(added: Floats, filters: Floats, seen: Floats) -> Floats:
    """What the network's part for fine structures adds, where the photograph is blurred, and not at the edge.

    Args:
        added: float32 (3, 2 S, 2 S), by the network.
        filters: float32 (2, T), that it chose.
        seen: float32 (4, 2 S, 2 S), as for `sharpen_finely`.

    Returns:
        float32 like `added`.
    """
    return np.asarray(added * (np.float32(blurred(filters)) * _inside(seen[3])), np.float32)


def fineness(crop: Crop) -> float:
    """How much larger a photograph is than the network saw it, 0 to 1: in octaves, and 1 if it is twice as large."""
    return float(np.clip(np.log2(crop.side / crop.size) / np.log2(FINE), 0, 1))


def sharpened(local: Floats, filters: Floats) -> Floats:
    """What filters add to a photograph (4, S, S), RGB and field of view in [0, 1]: (3, S, S).

    Σ h_j (x_(i + j) − x_i − j x'_i) along rows, then along columns, over what is seen, x' being the slope: as if what
    is not seen went on as straight as light does at the pixel itself. `cofenet.networks.sharpening` leaves slopes out;
    but where light is steep at the rim, what is cut off of filters that reach as far as these would show as stripes.
    """
    retina = local[3]
    seen = np.asarray(cv2.erode(retina, np.ones((2 * EDGE + 1,) * 2, np.uint8)), np.float32)
    places = np.arange(filters.shape[1], dtype=np.float32) - filters.shape[1] // 2
    passes = [
        (_along(taps, axis), _filtered(seen, *_along(taps, axis)), _filtered(seen, *_along(taps * places, axis)))
        for axis, taps in enumerate(filters)
    ]
    inside = _inside(retina)
    return np.stack([_added(plane, seen, passes) * inside for plane in local[:3]])


def _added(plane: Floats, seen: Floats, passes: list[tuple[tuple[Floats, Floats], Floats, Floats]]) -> Floats:
    """What is added to a plane; a pass has kernels, and the sums of taps, and of taps times places, that are seen."""
    now = plane
    for (kernels, weight, moment), slope in zip(passes, _slopes(plane, seen), strict=True):
        now = np.asarray(now + (_filtered(now * seen, *kernels) - now * weight - slope * moment) * seen, np.float32)
    return np.asarray(np.clip(now, 0, 1) - plane, np.float32)


def _slopes(plane: Floats, seen: Floats) -> list[Floats]:
    """By how much a plane (S, S) rises a pixel along rows, and along columns: regression over what is seen around."""
    side = len(plane) // _STEP
    weighted, weight = (resize(one, (side, side)) for one in (plane * seen, seen))
    places = np.arange(-_REACH, _REACH + 1, dtype=np.float32)
    slopes = []
    for axis in (0, 1):
        ones, firsts, seconds = (_along(places**power, axis) for power in range(3))
        count, first, second = (_filtered(weight, *kernels) for kernels in (ones, firsts, seconds))
        total, moment = (_filtered(weighted, *kernels) for kernels in (ones, firsts))
        spread = count * second - first * first
        slope = np.where(spread > 1, (count * moment - first * total) / np.maximum(spread, 1), 0) / _STEP
        slopes.append(resize(np.asarray(slope, np.float32), (len(plane), len(plane))))
    return slopes


def _along(taps: Floats, axis: int) -> tuple[Floats, Floats]:
    """Kernels along rows and along columns, of which one does nothing: `taps` along rows for axis 0."""
    one = np.ones(1, np.float32)
    return (taps, one) if axis == 0 else (one, taps)


def _filtered(plane: Floats, rows: Floats, columns: Floats) -> Floats:
    return np.asarray(cv2.sepFilter2D(plane, cv2.CV_32F, rows, columns, borderType=cv2.BORDER_CONSTANT), np.float32)


def _inside(retina: Floats) -> NDArray[np.float32]:
    """From 0 at the edge of the field of view (S, S) smoothly to 1, RIM pixels inside it."""
    share = cv2.blur(retina, (2 * RIM + 1,) * 2, borderType=cv2.BORDER_CONSTANT)
    x = np.clip(2 * np.asarray(share, np.float32) - 1, 0, 1)
    return np.asarray(x * x * (3 - 2 * x), np.float32)
