"""Cataract haze: a clouded lens lets less light through, scatters it, and lays a veil of its own light over the retina.

    x ← t (x ∗ G) + (1 − t) w,    t = 1 − density · exp(−r² / 2 extent²),    w = level · mean(x) · color

t is the transmission of the lens, r the distance from the middle of the cloud, G a Gaussian of standard deviation
`scatter`, w the veiling light, proportional to the flash and so to the mean of x over the visible retina.

Source: the optical model of E. Peli, T. Peli, "Restoration of retinal images obtained through cataracts", IEEE
Transactions on Medical Imaging 8(4), 1989: reflectance seen through the lens plus light the lens scatters back. The
blur stands for forward scattering. Ranges are ours.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from cofenet.degradation.canvas import Canvas, Image
from cofenet.degradation.factor import Channel, Coordinate, Factor, Group
from cofenet.degradation.optics import cloud, mean, spread, veiled, with_gaussian
from cofenet.degradation.ranges import Range, Ranges, Rgb


class Haze(Factor):
    """A veil; lengths are fractions of the field-of-view diameter."""

    group: ClassVar[Group] = "illumination"
    factor: Literal["haze"] = "haze"
    x: Coordinate
    y: Coordinate
    extent: float = Field(gt=0, le=10)
    density: float = Field(ge=0, le=1)
    scatter: float = Field(ge=0, le=0.1)
    level: float = Field(ge=0, le=4)
    color: tuple[Channel, Channel, Channel]

    def scaled(self, severity: float) -> Haze:
        """Thin the cloud."""
        return self.model_copy(update={"density": self.density * severity, "scatter": self.scatter * severity})

    def apply(self, image: Image, canvas: Canvas) -> Image:
        """Apply to a float32 (H, W, 3) square in [0, 1]."""
        scattered = spread(image, canvas, with_gaussian(self.scatter, canvas.side))
        opacity = self.density * cloud(canvas.side, (self.x, self.y), (self.extent, self.extent))
        return veiled(scattered, canvas, opacity, self.level * mean(image, canvas) * np.array(self.color))


class HazeRanges(Ranges):
    """Of `Haze`."""

    factor: ClassVar[type[Factor]] = Haze
    x: Range
    y: Range
    extent: Range
    density: Range
    scatter: Range
    level: Range
    colors: tuple[Rgb, ...] = Field(min_length=1)

    def draw(self, rng: np.random.Generator) -> Haze:
        """Draw a cloud."""
        return Haze(
            x=rng.uniform(*self.x), y=rng.uniform(*self.y), extent=rng.uniform(*self.extent),
            density=rng.uniform(*self.density), scatter=rng.uniform(*self.scatter), level=rng.uniform(*self.level),
            color=self.colors[rng.integers(len(self.colors))],
        )  # fmt: skip
