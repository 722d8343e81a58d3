"""A dark patch where too little light returns.

    x ← x − d (disc ∗ G),    d = offset + slope · A if A > threshold, else 0, clipped to [0, 1]

A is the sum of x over the square around the field of view, divided by three times the number of visible pixels; G a
Gaussian of standard deviation `sigma` cut off at `kernel_x` × `kernel_y`.
Source: the released code of cofe-Net (arXiv 2005.05594), whose parameter files store d itself (slope 0, threshold 0).
"""

from __future__ import annotations

from typing import ClassVar, Literal

import cv2
import numpy as np
from pydantic import Field

from cofenet.degradation.canvas import Canvas, Disc, Image, bands
from cofenet.degradation.factor import Coordinate, Factor, Group


class Hole(Factor):
    """A dark patch; lengths are fractions of the field-of-view diameter."""

    group: ClassVar[Group] = "illumination"
    factor: Literal["hole"] = "hole"
    x: Coordinate
    y: Coordinate
    radius: float = Field(ge=0, le=2)
    offset: float = Field(ge=0, le=1)
    slope: float = Field(ge=0, le=1)
    threshold: float = Field(ge=0, le=1)
    kernel_x: float = Field(gt=0, le=2)
    kernel_y: float = Field(gt=0, le=2)
    sigma: float = Field(gt=0, le=4)

    def scaled(self, severity: float) -> Hole:
        """Lighten the patch."""
        return self.model_copy(update={"offset": self.offset * severity, "slope": self.slope * severity})

    def apply(self, image: Image, canvas: Canvas) -> Image:
        """Apply to a float32 (H, W, 3) square in [0, 1]."""
        average = float(np.mean(cv2.mean(image)[:3])) / max(float(canvas.visible.mean()), 1e-6)
        if average <= self.threshold:
            return image.copy()
        disc = Disc(self.x, self.y, self.radius)
        shade = canvas.smooth_shape(disc, (self.kernel_x, self.kernel_y), self.sigma)
        shade *= np.float32(self.offset + self.slope * average)
        out = canvas.like(image)
        for rows in bands(image):
            lit = cv2.subtract(image[rows], cv2.cvtColor(shade[rows], cv2.COLOR_GRAY2RGB), dst=out[rows])
            cv2.threshold(lit, 0, 0, cv2.THRESH_TOZERO, dst=lit)
        return out
