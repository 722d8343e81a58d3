"""A crescent: light that the iris throws back when the camera is not centred on the pupil.

    x_k ← min(1, x_k + amplitude · color_k · S((r − radius − k fringe) / width)),    S(u) = u² (3 − 2 u)

with u kept within 0 and 1. r is the distance from (`x`, `y`), which lies off the middle, so that the circle of `radius`
leaves a crescent on the far side; k is 0 for red, 1 for green, 2 for blue: red reaches in farthest, which gives the red
and orange inner edge of real crescents.

Source: the artifact is described by P. J. Saine, M. E. Tyler, "Ophthalmic Photography", 2nd ed., 2002. The equation
and the ranges are ours.
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
from cofenet.degradation.ranges import Range, Ranges, Rgb


class Crescent(Factor):
    """A bright crescent at the rim; lengths are fractions of the field-of-view diameter."""

    group: ClassVar[Group] = "artifact"
    factor: Literal["crescent"] = "crescent"
    x: Coordinate
    y: Coordinate
    radius: float = Field(ge=0, le=4)
    width: float = Field(gt=0, le=1)
    fringe: float = Field(ge=0, le=1)
    color: tuple[Channel, Channel, Channel]
    amplitude: float = Field(ge=0, le=1)

    def scaled(self, severity: float) -> Crescent:
        """Dim the light."""
        return self.model_copy(update={"amplitude": self.amplitude * severity})

    def apply(self, image: Image, canvas: Canvas) -> Image:
        """Apply to a float32 (H, W, 3) square in [0, 1]."""
        places = (np.arange(canvas.side, dtype=np.float32) + np.float32(0.5)) / np.float32(canvas.side)
        squares = np.add.outer((places - np.float32(self.y)) ** 2, (places - np.float32(self.x)) ** 2)
        beyond = (np.asarray(cv2.sqrt(squares), np.float32) - np.float32(self.radius)) / np.float32(self.width)
        step = self.fringe / self.width
        planes = [c * self.amplitude * _smooth(beyond - k * step) for k, c in enumerate(self.color)]
        light = np.asarray(cv2.merge(planes), np.float32)
        light += image
        return np.minimum(light, np.float32(1), out=light)


def _smooth(u: NDArray[np.float32]) -> NDArray[np.float32]:
    u = np.clip(u, 0, 1)
    return u * u * (3 - 2 * u)


class CrescentRanges(Ranges):
    """Of `Crescent`: `depth` is how far it reaches in from the rim, `shift` how far off the circle's middle lies."""

    factor: ClassVar[type[Factor]] = Crescent
    depth: Range
    shift: Range
    width: Range
    fringe: Range
    colors: tuple[Rgb, ...] = Field(min_length=1)
    amplitude: Range

    def draw(self, rng: np.random.Generator) -> Crescent:
        """Draw which side it is on, then its shape."""
        side, shift = rng.uniform(-math.pi, math.pi), rng.uniform(*self.shift)
        return Crescent(
            x=0.5 - shift * math.cos(side), y=0.5 - shift * math.sin(side),
            radius=0.5 + shift - rng.uniform(*self.depth), width=rng.uniform(*self.width),
            fringe=rng.uniform(*self.fringe), color=self.colors[rng.integers(len(self.colors))],
            amplitude=rng.uniform(*self.amplitude),
        )  # fmt: skip
