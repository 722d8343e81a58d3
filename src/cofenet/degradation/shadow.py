"""A dark blotch near the middle: part of the flash did not pass the pupil, and stray light is left where it is missing.

    x ← (1 − o) x + o w,    o = depth · exp(−½ ((Δx / extent_x)² + (Δy / extent_y)²)),    w = level · mean(x) · color

w is the stray light, in proportion to the mean of x over the visible retina; it is bluer than the retina, so that real
blotches are blue-grey and not deep red.

Source: the form is that of E. Peli, T. Peli, "Restoration of retinal images obtained through cataracts", IEEE
Transactions on Medical Imaging 8(4), 1989, for less light and a dim veil. Ranges are ours.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from cofenet.degradation.canvas import Canvas, Image
from cofenet.degradation.factor import Channel, Coordinate, Factor, Group
from cofenet.degradation.optics import cloud, mean, veiled
from cofenet.degradation.ranges import Range, Ranges, Rgb


class Shadow(Factor):
    """A dark blotch; lengths are fractions of the field-of-view diameter."""

    group: ClassVar[Group] = "illumination"
    factor: Literal["shadow"] = "shadow"
    x: Coordinate
    y: Coordinate
    extent_x: float = Field(gt=0, le=10)
    extent_y: float = Field(gt=0, le=10)
    depth: float = Field(ge=0, le=1)
    level: float = Field(ge=0, le=4)
    color: tuple[Channel, Channel, Channel]

    def scaled(self, severity: float) -> Shadow:
        """Lighten the blotch."""
        return self.model_copy(update={"depth": self.depth * severity})

    def apply(self, image: Image, canvas: Canvas) -> Image:
        """Apply to a float32 (H, W, 3) square in [0, 1]."""
        opacity = self.depth * cloud(canvas.side, (self.x, self.y), (self.extent_x, self.extent_y))
        return veiled(image, canvas, opacity, self.level * mean(image, canvas) * np.array(self.color))


class ShadowRanges(Ranges):
    """Of `Shadow`."""

    factor: ClassVar[type[Factor]] = Shadow
    x: Range
    y: Range
    extent: Range
    depth: Range
    level: Range
    colors: tuple[Rgb, ...] = Field(min_length=1)

    def draw(self, rng: np.random.Generator) -> Shadow:
        """Draw a blotch."""
        return Shadow(
            x=rng.uniform(*self.x), y=rng.uniform(*self.y), extent_x=rng.uniform(*self.extent),
            extent_y=rng.uniform(*self.extent), depth=rng.uniform(*self.depth), level=rng.uniform(*self.level),
            color=self.colors[rng.integers(len(self.colors))],
        )  # fmt: skip
