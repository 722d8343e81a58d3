"""Are vessels and optic disc of a correction those of its input? The shipped networks look at both, equally large."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from cofenet.fov import FieldOfView
from cofenet.metrics.overlap import skeleton
from cofenet.tasks.segmentation import segment, vessel_probability

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

_SURE, _DOUBTFUL = 0.5, 0.15
"""Probability from which a vessel is there, and below which it is not: between the two, nothing is said."""

_TOLERANCE = 1 / 100
"""How far a centreline may lie from where the other picture shows a vessel, of the field of view's diameter."""

_UNEXPLAINED = 1.0
"""z (see `cofenet.tasks.structure`) below which the picture itself did not change: only the network's opinion did."""


def vessels_changed(before: Bytes, after: Bytes, fov: FieldOfView, unexplained: Floats) -> tuple[float, float]:
    """The longest connected centreline that was added, and that was erased, in diameters of the field of view.

    A stretch counts where one picture surely shows a vessel, the other surely none within the tolerance, and the
    structure itself changed there: a correction that lifts a faint vessel out of haze has added none.

    Args:
        before: the input, uint8 (S, S, 3), RGB.
        after: the correction, likewise.
        fov: of both.
        unexplained: float32 (S, S), z.
    """
    old, new = vessel_probability(before, fov), vessel_probability(after, fov)
    changed = _grown(unexplained > _UNEXPLAINED, fov)
    return _longest(new, old, changed, fov), _longest(old, new, changed, fov)


def disc_changed(before: Bytes, after: Bytes, fov: FieldOfView) -> float | None:
    """How far the disc moved, in its diameters, plus by how much its size, or the cup's, changed, as a share.

    Arguments as of `vessels_changed`.

    Returns:
        0 where it stayed; 1 where only the input shows one; None where the input shows none.
    """
    old = segment(before, structures=["disc", "cup"], fov=fov).measurements.disc
    if old is None:
        return None
    new = segment(after, structures=["disc", "cup"], fov=fov).measurements.disc
    if new is None:
        return 1.0
    size = (old.vertical_diameter + old.horizontal_diameter) / 2
    moved = float(np.hypot(new.x - old.x, new.y - old.y)) / size
    grown = abs((new.vertical_diameter + new.horizontal_diameter) / 2 / size - 1)
    cup = abs((new.cup_to_disc or 0.0) - (old.cup_to_disc or 0.0))
    return moved + max(grown, cup)


def _longest(one: Floats, other: Floats, changed: Mask, fov: FieldOfView) -> float:
    alone = skeleton(one > _SURE) & ~_grown(other > _DOUBTFUL, fov) & changed
    count, _, statistics, _ = cv2.connectedComponentsWithStats(alone.astype(np.uint8))
    return float(statistics[1:, cv2.CC_STAT_AREA].max()) / fov.circle.diameter if count > 1 else 0.0


def _grown(mask: Mask, fov: FieldOfView) -> Mask:
    side = 2 * max(1, round(_TOLERANCE * fov.circle.diameter)) + 1
    return cv2.dilate(mask.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))) > 0
