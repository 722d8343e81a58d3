"""How much a degradation took from a photograph, factor by factor: what the scores of quality assessment estimate.

Each compares a photograph before and after one degradation and gives a share from 0, nothing, to 1. Lengths are parts
of the diameter D of the field of view; L is the luma, 0.299 R + 0.587 G + 0.114 B; ∗ G(s) is a Gaussian of standard
deviation s over the pixels of the field of view alone. The definitions are ours.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

_WIDE = 12.0
"""Pixels of standard deviation from which a Gaussian is applied to a fourth of the size."""

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

_SMOOTH = 1 / 16
"""Part of D below which light does not vary, and above which structures do not."""

_FINE = 1 / 128
"""Part of D that separates the finest vessels from what is coarser."""

_VISIBLE = 0.1
"""Change of an intensity from which a place counts as wholly covered; below, in proportion."""


def illumination(before: Image, after: Image, mask: Mask) -> float:
    """By which share the light changed: sum |b − a| / sum max(a, b), with a, b = L ∗ G(D / 16) before and after.

    Args:
        before: float32 (S, S, 3), 0 to 1, the square around the field of view, so that D = S.
        after: the same, degraded.
        mask: bool (S, S), the field of view.
    """
    a, b = (_smooth(_luma(image), mask, _SMOOTH)[mask] for image in (before, after))
    return _share(float(np.abs(b - a).sum()), float(np.maximum(a, b).sum()))


def contrast(before: Image, after: Image, mask: Mask) -> float:
    """Which share of the contrast of structures a veil took: 1 − k, where L − L ∗ G(D / 16) became k times itself.

    k is the slope of its regression, 0 to 1. Arguments as of `illumination`.
    """
    return _lost(before, after, mask, _SMOOTH)


def blur(before: Image, after: Image, mask: Mask) -> float:
    """Which share of the finest contrast blur took: 1 − k, where L − L ∗ G(D / 128) became k times itself.

    k is the slope of its regression, 0 to 1: noise and compression, which add what was not there, do not count.
    Arguments as of `illumination`.
    """
    return _lost(before, after, mask, _FINE)


def artifact(before: Image, after: Image, mask: Mask) -> float:
    """How much of the view spots, dust and reflexes cover: the root of the covered area's share of the field of view.

    That is the side of a square, as part of the side of one as large as the field of view. A place is covered by the
    part min(1, |change| / 0.1) of its most changed colour. Arguments as of `illumination`.
    """
    change = np.abs(after - before).max(2)[mask]
    return math.sqrt(float(np.minimum(1, change / _VISIBLE).mean())) if len(change) else 0.0


def _lost(before: Image, after: Image, mask: Mask, sigma: float) -> float:
    a, b = (luma - _smooth(luma, mask, sigma) for luma in map(_luma, (before, after)))
    slope = _share(float(a[mask] @ b[mask]), float(a[mask] @ a[mask]), nothing=1.0)
    return 1.0 - slope


def _share(part: float, whole: float, nothing: float = 0.0) -> float:
    return min(1.0, max(0.0, part / whole)) if whole > 0 else nothing


def _luma(image: Image) -> Image:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.float32)


def _smooth(values: Image, mask: Mask, sigma: float) -> Image:
    seen = mask.astype(np.float32)
    total, weight = (_blurred(plane, sigma * len(mask)) for plane in (values * seen, seen))
    return np.asarray(total / np.maximum(weight, 1e-6), np.float32)


def _blurred(plane: Image, pixels: float) -> Image:
    """A wide Gaussian leaves nothing that a fourth of the size could not show, and is sixteen times quicker there."""
    if pixels < _WIDE:
        return np.asarray(cv2.GaussianBlur(plane, (0, 0), pixels), np.float32)
    small = cv2.resize(plane, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    wide = cv2.GaussianBlur(small, (0, 0), pixels / 4)
    return np.asarray(cv2.resize(wide, plane.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)
