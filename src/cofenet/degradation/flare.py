"""Lens flare: ghosts of the flash, reflected between the camera's lenses and the cornea.

    x ← min(1, x + amplitude · color · s(r)) for each ghost,    s a disc that fades over `edge`

Ghosts of one flash lie on one line through the optical axis, at distances and sizes that the lenses set.

Source: ghost images between surfaces, E. Hecht, "Optics"; W. J. Smith, "Modern Optical Engineering". Ranges are ours.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from cofenet.degradation.canvas import Canvas, Image
from cofenet.degradation.factor import Channel, Coordinate, Factor, Group
from cofenet.degradation.optics import SoftDisc
from cofenet.degradation.ranges import Count, Range, Ranges, Rgb, whole


class Ghost(BaseModel):
    """One image of the flash; lengths are fractions of the field-of-view diameter."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    x: Coordinate
    y: Coordinate
    radius: float = Field(gt=0, le=1)
    edge: float = Field(ge=0, le=2)
    amplitude: float = Field(ge=0, le=1)


class Flare(Factor):
    """Any number of ghosts of one colour."""

    group: ClassVar[Group] = "artifact"
    factor: Literal["flare"] = "flare"
    color: tuple[Channel, Channel, Channel]
    ghosts: tuple[Ghost, ...]

    def scaled(self, severity: float) -> Flare:
        """Dim the ghosts."""
        dimmed = (ghost.model_copy(update={"amplitude": ghost.amplitude * severity}) for ghost in self.ghosts)
        return Flare(color=self.color, ghosts=tuple(dimmed))

    def apply(self, image: Image, canvas: Canvas) -> Image:
        """Apply to a float32 (H, W, 3) square in [0, 1]."""
        image = image.copy()
        for ghost in self.ghosts:
            disc = SoftDisc(ghost.x, ghost.y, ghost.radius, ghost.edge)
            light = np.array(self.color, np.float32) * np.float32(ghost.amplitude)
            window = image[disc.window(canvas.side)]
            np.minimum(window + disc.draw(canvas.side)[..., None] * light, np.float32(1), out=window)
        return image


class FlareRanges(Ranges):
    """Of `Flare`: ghosts lie within `distance` of the middle; the edge is a fraction of the radius."""

    factor: ClassVar[type[Factor]] = Flare
    count: Count
    distance: Range
    radius: Range
    edge: Range
    amplitude: Range
    colors: tuple[Rgb, ...] = Field(min_length=1)

    def draw(self, rng: np.random.Generator) -> Flare:
        """Draw the line, then ghosts along it."""
        angle = rng.uniform(-math.pi, math.pi)
        color = self.colors[rng.integers(len(self.colors))]
        return Flare(color=color, ghosts=tuple(self._ghost(rng, angle) for _ in range(whole(rng, self.count))))

    def _ghost(self, rng: np.random.Generator, angle: float) -> Ghost:
        distance = rng.uniform(*self.distance) * rng.choice([-1.0, 1.0])
        radius = rng.uniform(*self.radius)
        return Ghost(
            x=0.5 + distance * math.cos(angle), y=0.5 + distance * math.sin(angle), radius=radius,
            edge=radius * rng.uniform(*self.edge), amplitude=rng.uniform(*self.amplitude),
        )  # fmt: skip
