"""Light leaking in from the rim: a coloured glow outside a circle, fading towards its centre.

    x ← x + w a (ring ∗ G),    a = gain · mean(x) over the square around the field of view, clipped to [0, 1]

w is the colour of the light, ring = 1 between the inner and the outer circle, G a Gaussian of standard deviation
`sigma` cut off at `kernel` across.  Source: the released code of cofe-Net (arXiv 2005.05594).
"""

from __future__ import annotations

from typing import ClassVar, Literal

import cv2
import numpy as np
from pydantic import Field

from cofenet.degradation.canvas import Canvas, Disc, Image, Ring, bands
from cofenet.degradation.factor import Channel, Coordinate, Factor, Group


class Halo(Factor):
    """A glow from the rim; lengths are fractions of the field-of-view diameter."""

    group: ClassVar[Group] = "illumination"
    factor: Literal["halo"] = "halo"
    x: Coordinate
    y: Coordinate
    inner_radius: float = Field(ge=0, le=4)
    outer_radius: float = Field(ge=0, le=4)
    color: tuple[Channel, Channel, Channel]
    gain: float = Field(ge=0, le=4)
    kernel: float = Field(gt=0, le=2)
    sigma: float = Field(gt=0, le=4)

    def scaled(self, severity: float) -> Halo:
        """Dim the light."""
        return self.model_copy(update={"gain": self.gain * severity})

    def apply(self, image: Image, canvas: Canvas) -> Image:
        """Apply to a float32 (H, W, 3) square in [0, 1]."""
        ring = Ring(Disc(self.x, self.y, self.inner_radius), Disc(self.x, self.y, self.outer_radius))
        light = canvas.smooth_shape(ring, (self.kernel, self.kernel), self.sigma)
        mean = float(np.mean(cv2.mean(image)[:3]))
        weights = np.diag(self.color) * self.gain * mean
        out = canvas.like(image)
        for rows in bands(image):
            glow = np.asarray(cv2.transform(cv2.cvtColor(light[rows], cv2.COLOR_GRAY2RGB), weights), np.float32)
            glow += image[rows]
            cv2.threshold(glow, 1, 0, cv2.THRESH_TRUNC, dst=out[rows])
        return out
