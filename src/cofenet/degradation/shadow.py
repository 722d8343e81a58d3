"""A dark blotch near the middle: part of the flash did not pass the pupil, and stray light is left where it is missing.

    x ← (1 − o) x + o w,    o = depth · exp(−½ r^steepness),    w = level · mean(x) · color
    r² = (Δx' / extent_x)² + (Δy' / extent_y)²

Δx' and Δy' are distances from the middle along axes that are turned by `angle`. A `steepness` of 2 is a Gaussian; many
real blotches have flatter floors and steeper edges, as of an iris that is out of focus: 3 to 6.

w is the stray light, in proportion to the mean of x over the visible retina; it is bluer than the retina, so that real
blotches are blue-grey and not deep red.

Source: the form is that of E. Peli, T. Peli, "Restoration of retinal images obtained through cataracts", IEEE
Transactions on Medical Imaging 8(4), 1989, for less light and a dim veil. Ranges are ours.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from cofenet.degradation.canvas import Canvas, Image
from cofenet.degradation.factor import Channel, Coordinate, Factor, Group
from cofenet.degradation.optics import mean, veiled
from cofenet.degradation.ranges import Range, Ranges, Rgb


class Shadow(Factor):
    """A dark blotch; lengths are fractions of the field-of-view diameter, `angle` is in radians, from x towards y."""

    group: ClassVar[Group] = "illumination"
    factor: Literal["shadow"] = "shadow"
    x: Coordinate
    y: Coordinate
    extent_x: float = Field(gt=0, le=10)
    extent_y: float = Field(gt=0, le=10)
    depth: float = Field(ge=0, le=1)
    level: float = Field(ge=0, le=4)
    color: tuple[Channel, Channel, Channel]
    angle: float = Field(0.0, ge=-math.pi, le=math.pi)
    steepness: float = Field(2.0, ge=1, le=20)

    def scaled(self, severity: float) -> Shadow:
        """Lighten the blotch."""
        return self.model_copy(update={"depth": self.depth * severity})

    def apply(self, image: Image, canvas: Canvas) -> Image:
        """Apply to a float32 (H, W, 3) square in [0, 1]."""
        opacity = np.float32(self.depth) * self._shape(canvas.side)
        return veiled(image, canvas, opacity, self.level * mean(image, canvas) * np.array(self.color))

    def _shape(self, side: int) -> NDArray[np.float32]:
        """exp(−½ r^steepness), float32 (side, side)."""
        across, down = ((np.arange(side) + 0.5) / side - middle for middle in (self.x, self.y))
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        along = np.add.outer(sin * down, cos * across).astype(np.float32) / np.float32(self.extent_x)
        beside = np.add.outer(cos * down, -sin * across).astype(np.float32) / np.float32(self.extent_y)
        powers = cv2.pow(along * along + beside * beside, self.steepness / 2)
        return np.asarray(cv2.exp(np.float32(-0.5) * powers), np.float32)


class ShadowRanges(Ranges):
    """Of `Shadow`."""

    factor: ClassVar[type[Factor]] = Shadow
    x: Range
    y: Range
    extent: Range
    depth: Range
    level: Range
    colors: tuple[Rgb, ...] = Field(min_length=1)
    angle: Range = (0.0, 0.0)
    steepness: Range = (2.0, 2.0)

    def draw(self, rng: np.random.Generator) -> Shadow:
        """Draw a blotch."""
        return Shadow(
            x=rng.uniform(*self.x), y=rng.uniform(*self.y), extent_x=rng.uniform(*self.extent),
            extent_y=rng.uniform(*self.extent), depth=rng.uniform(*self.depth), level=rng.uniform(*self.level),
            color=self.colors[rng.integers(len(self.colors))], angle=_drawn(rng, self.angle),
            steepness=_drawn(rng, self.steepness),
        )  # fmt: skip


def _drawn(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    """Draw a number, if there is a choice: presets that say nothing of it are drawn as if it were not asked for."""
    low, high = bounds
    return low if low == high else rng.uniform(low, high)
