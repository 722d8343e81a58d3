"""Defocus: every point of the retina becomes an image of the pupil.

    x ← x ∗ k,    k = 1 / (π radius²) inside a disc of `radius`, else 0

Source: the geometrical limit of a misfocused lens with a circular pupil, J. W. Goodman, "Introduction to Fourier
Optics", section on aberrations; E. Hecht, "Optics". Ranges are ours.
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
from cofenet.geometry import Circle


class Defocus(Factor):
    """Defocus; the radius of the circle of confusion is a fraction of the field-of-view diameter."""

    group: ClassVar[Group] = "blur"
    factor: Literal["defocus"] = "defocus"
    radius: float = Field(ge=0, le=0.1)

    def scaled(self, severity: float) -> Defocus:
        """Come nearer to the focus."""
        return Defocus(radius=self.radius * severity)

    def apply(self, image: Image, canvas: Canvas) -> Image:
        """Apply to a float32 (H, W, 3) square in [0, 1]."""
        blur = with_kernel(lambda side: _disc(self.radius * side), 2 * self.radius, canvas.side)
        return spread(image, canvas, blur)


def _disc(radius: float) -> NDArray[np.float32]:
    """An anti-aliased disc in an odd square; one pixel when its radius is nothing."""
    half = math.ceil(radius)
    return Circle(half + 0.5, half + 0.5, radius).coverage((2 * half + 1, 2 * half + 1))


class DefocusRanges(Ranges):
    """Of `Defocus`."""

    factor: ClassVar[type[Factor]] = Defocus
    radius: Range

    def draw(self, rng: np.random.Generator) -> Defocus:
        """Draw the radius."""
        return Defocus(radius=rng.uniform(*self.radius))
