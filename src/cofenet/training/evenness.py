"""Is a photograph that counts as good lit evenly enough to learn from what even light is?

People who graded photographs looked at what can be read, and called many good that have a blotch or a pale rim. A
network to which these are shown as the truth learns to leave real blotches and rims as they are.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from cofenet.geometry import Circle, resize

_SIZE = 64
"""Pixels a side at which light is told."""

_SMOOTH = 0.04
"""Standard deviation, part of the side, of what is no light, but vessels and lesions."""

_CORE, _RIM = 0.85, 0.88
"""Radii, of the field of view's, up to which blotches are looked for, and from which on a pale rim is."""

_DARKEST, _PALEST = 0.62, 1.2
"""Light at the darkest place of the core, and that of nine tenths of the rim at most, over the median.

Of 3406 photographs that people called good (EyePACS, SRahim, HEI-MED and others), 14 of 100 have a place that is
darker, which few maculas of evenly lit ones are, and 13 a rim that is paler; 77 are left.
"""


def evenly_lit(image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> bool:
    """Tell whether there is neither a dark blotch nor a pale rim.

    Args:
        image: uint8 (S, S, 3), RGB, black outside the field of view, which touches the frame.
        mask: bool (S, S), the field of view.
    """
    seen = (resize(mask.astype(np.float32), (_SIZE, _SIZE)) > 0.99).astype(np.float32)
    brightness = resize(image, (_SIZE, _SIZE)).sum(2, dtype=np.float32) * seen
    light = _smoothed(brightness) / np.maximum(_smoothed(seen), np.float32(1e-3))
    half = _SIZE / 2
    radius = Circle(half, half, half).distance(light.shape) / half
    retina = seen > 0
    core, rim = light[retina & (radius < _CORE)], light[retina & (radius > _RIM)]
    if not core.size:
        return False
    median = float(np.median(light[retina]))
    palest = float(np.quantile(rim, 0.9)) if rim.size else median
    return bool(core.min() >= _DARKEST * median and palest <= _PALEST * median)


def _smoothed(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), _SMOOTH * _SIZE), np.float32)
