"""Draw the structures that were found on the photograph."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from cofenet.io import eight_bits
from cofenet.tasks.segmentation import Segmentation
from cofenet.tasks.view import Pixels

_VESSELS, _DISC, _CUP = (90, 255, 130), (255, 255, 255), (90, 200, 255)
_OPACITY = 0.4
_LINE = 1 / 400
"""Thickness of an outline, of the field of view's diameter."""


def overlay(image: Pixels, found: Segmentation) -> NDArray[np.uint8]:
    """Vessels tinted green, the disc outlined white, the cup blue.

    Args:
        image: uint8 or uint16 (H, W, 3), RGB: the photograph that was segmented.
        found: its structures.

    Returns:
        uint8 (H, W, 3), RGB.
    """
    drawn = eight_bits(image).copy()
    if found.vessels is not None:
        tinted = (1 - _OPACITY) * drawn[found.vessels] + _OPACITY * np.array(_VESSELS)
        drawn[found.vessels] = np.rint(tinted).astype(np.uint8)
    thickness = max(1, round(_LINE * found.fov.circle.diameter))
    for mask, colour in ((found.disc, _DISC), (found.cup, _CUP)):
        if mask is not None:
            outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            cv2.drawContours(drawn, outlines, -1, colour, thickness, cv2.LINE_AA)
    return drawn
