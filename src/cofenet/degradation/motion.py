"""Motion: the eye or the camera moves evenly while the shutter is open.

    x ← x ∗ k,    k = 1 / length on a line of `length` at `angle`, else 0

Source: uniform linear motion, R. C. Gonzalez, R. E. Woods, "Digital Image Processing", chapter on restoration. Ranges
are ours.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from cofenet.degradation.canvas import Canvas, Image
from cofenet.degradation.factor import Factor, Group
from cofenet.degradation.optics import spread, with_kernel
from cofenet.degradation.ranges import Range, Ranges


class Motion(Factor):
    """Motion; `length` is a fraction of the field-of-view diameter, `angle` in radians, 0 to the right, π/2 down."""

    group: ClassVar[Group] = "blur"
    factor: Literal["motion"] = "motion"
    length: float = Field(ge=0, le=0.2)
    angle: float = Field(ge=-7, le=7)

    def scaled(self, severity: float) -> Motion:
        """Move less far."""
        return self.model_copy(update={"length": self.length * severity})

    def apply(self, image: Image, canvas: Canvas) -> Image:
        """Apply to a float32 (H, W, 3) square in [0, 1]."""
        blur = with_kernel(lambda side: _line(self.length * side, self.angle), self.length, canvas.side)
        return spread(image, canvas, blur)


def _line(length: float, angle: float) -> NDArray[np.float32]:
    """An anti-aliased line through the middle of an odd square; one pixel when its length is nothing."""
    half = math.ceil(length / 2)
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    along = np.abs(x * math.cos(angle) + y * math.sin(angle))
    across = np.abs(y * math.cos(angle) - x * math.sin(angle))
    line = np.clip((length + 1) / 2 - along, 0, 1) * np.clip(1 - across, 0, 1)
    return np.asarray(line, np.float32)


class MotionRanges(Ranges):
    """Of `Motion`; every direction is as likely."""

    factor: ClassVar[type[Factor]] = Motion
    length: Range

    def draw(self, rng: np.random.Generator) -> Motion:
        """Draw how far and where to."""
        return Motion(length=rng.uniform(*self.length), angle=rng.uniform(-math.pi / 2, math.pi / 2))
