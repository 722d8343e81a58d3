"""Agreement of a segmentation with the truth, over the pixels of the field of view.

Masks are bool (H, W). Where both are empty there is nothing to find and nothing found: Dice and centreline Dice are 1.
What has no denominator otherwise (sensitivity without any structure, AUC with one class) is not-a-number.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def dice(found: Mask, truth: Mask, fov: Mask) -> float:
    """2 |A ∩ B| / (|A| + |B|) (Dice 1945), 0 to 1."""
    both, either = _count(found & truth, fov), _count(found, fov) + _count(truth, fov)
    return 2 * both / either if either else 1.0


def sensitivity(found: Mask, truth: Mask, fov: Mask) -> float:
    """Share of the structure that is found."""
    return _ratio(_count(found & truth, fov), _count(truth, fov))


def specificity(found: Mask, truth: Mask, fov: Mask) -> float:
    """Share of the background that is left out."""
    return _ratio(_count(~found & ~truth, fov), _count(~truth, fov))


def auc(probability: NDArray[np.floating], truth: Mask, fov: Mask) -> float:
    """Area under the receiver operating characteristic: the chance that a pixel of the structure has the higher value.

    Exact (Mann and Whitney 1947), equal values count half.

    Args:
        probability: float (H, W), any range.
        truth: the structure.
        fov: where to count.
    """
    values, positive = probability[fov], truth[fov]
    _, ranks, counts = np.unique(values, return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(counts) - (counts - 1) / 2  # of equal values, from 1
    n = int(positive.sum())
    return _ratio(float(mean_rank[ranks][positive].sum()) - n * (n + 1) / 2, n * (len(positive) - n))


def centreline_dice(found: Mask, truth: Mask, fov: Mask) -> float:
    """Centreline Dice (Shit et al., CVPR 2021, eq. 1–2): of each mask's skeleton, the share inside the other mask.

    Thin and thick vessels count alike, by their length; it tells a broken vessel from a thin one.
    """
    found, truth = found & fov, truth & fov
    if not (found.any() or truth.any()):
        return 1.0
    ours, theirs = skeleton(found), skeleton(truth)
    if not (ours.any() and theirs.any()):
        return 0.0
    precision, recall = truth[ours].mean(), found[theirs].mean()
    return float(2 * precision * recall / (precision + recall)) if precision + recall else 0.0


def skeleton(mask: Mask) -> Mask:
    """Lines one pixel wide in the middle of `mask`, connected as it is (Guo and Hall, CACM 32(3), 1989, A1)."""
    padded = np.pad(mask, 1).astype(np.uint8)
    changed = True
    while changed:
        changed = False
        for step in range(2):
            removable = _removable(padded, step)
            if removable.any():
                padded[1:-1, 1:-1][removable] = 0
                changed = True
    return padded[1:-1, 1:-1].astype(np.bool_)


_BITS = np.array([[1, 2, 4], [128, 0, 8], [64, 32, 16]], np.float32)
"""The bit of each neighbour: clockwise from the upper left."""


def _removable(padded: NDArray[np.uint8], step: int) -> Mask:
    neighbours = cv2.filter2D(padded.astype(np.float32), -1, _BITS, borderType=cv2.BORDER_CONSTANT)[1:-1, 1:-1]
    return (padded[1:-1, 1:-1] > 0) & _TABLES[step][neighbours.astype(np.intp)]


def _table(step: int) -> Mask:
    """For each pattern of neighbours, whether the pixel goes in this half of an iteration."""
    removable = np.zeros(256, np.bool_)
    for pattern in range(256):
        upper_left, north, upper_right, east, lower_right, south, lower_left, west = (
            bool(pattern >> bit & 1) for bit in range(8)
        )
        ring = [(north, upper_right), (east, lower_right), (south, lower_left), (west, upper_left)]
        parts = sum(not ring[i][0] and (ring[i][1] or ring[(i + 1) % 4][0]) for i in range(4))
        corners = [upper_left, upper_right, lower_right, lower_left]
        pairs = sum(corners[i] or ring[i][0] for i in range(4)), sum(ring[i][0] or ring[i][1] for i in range(4))
        if step == 0:
            edge = (north or upper_right or not lower_right) and east
        else:
            edge = (south or lower_left or not upper_left) and west
        removable[pattern] = parts == 1 and 2 <= min(pairs) <= 3 and not edge
    return removable


_TABLES = (_table(0), _table(1))


def _count(mask: Mask, fov: Mask) -> int:
    return int(np.count_nonzero(mask & fov))


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan
