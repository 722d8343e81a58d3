"""Vignetting: less light towards the rim.

    x ← x cos⁴(θ)^(1/2.2),    tan θ = tangent · r / ½        so that  x ← x (1 + (2 r tangent)²)^(−2/2.2)

r is the distance from (`x`, `y`), ½ the radius of the field of view: θ is the angle between the ray and the axis. 1/2.2
carries the law from light to the photograph's values.

Source: the cosine-fourth law of illumination, E. Hecht, "Optics"; W. J. Smith, "Modern Optical Engineering". Ranges are
ours, wider than a lens alone explains: a small or off-centre pupil cuts off light in the same way.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import cv2
import numpy as np
from pydantic import Field

from cofenet.degradation.canvas import Canvas, Image
from cofenet.degradation.factor import Coordinate, Factor, Group
from cofenet.degradation.ranges import Range, Ranges


class Vignetting(Factor):
    """Darkening towards the rim; places are fractions of the field-of-view diameter."""

    group: ClassVar[Group] = "illumination"
    factor: Literal["vignetting"] = "vignetting"
    x: Coordinate
    y: Coordinate
    tangent: float = Field(ge=0, le=10)

    def scaled(self, severity: float) -> Vignetting:
        """Narrow the angle."""
        return self.model_copy(update={"tangent": self.tangent * severity})

    def apply(self, image: Image, canvas: Canvas) -> Image:
        """Apply to a float32 (H, W, 3) square in [0, 1]."""
        places = (np.arange(canvas.side, dtype=np.float32) + np.float32(0.5)) / np.float32(canvas.side)
        across, down = ((2 * self.tangent * (places - center)) ** 2 for center in (self.x, self.y))
        light = np.asarray(cv2.pow(np.float32(1) + np.add.outer(down, across).astype(np.float32), -2 / 2.2), np.float32)
        return np.asarray(image * cv2.merge([light] * 3), np.float32)


class VignettingRanges(Ranges):
    """Of `Vignetting`."""

    factor: ClassVar[type[Factor]] = Vignetting
    x: Range
    y: Range
    tangent: Range

    def draw(self, rng: np.random.Generator) -> Vignetting:
        """Draw the axis and the angle."""
        return Vignetting(x=rng.uniform(*self.x), y=rng.uniform(*self.y), tangent=rng.uniform(*self.tangent))
