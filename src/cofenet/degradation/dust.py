"""Dust: dark specks, the shadows of particles near the sensor.

    x ← x (1 − depth · s(r)) for each speck,    s a disc that fades over `edge`

The edge is the particle's penumbra: as wide as the cone of light where the particle cuts it.

Source: geometric shadow of a disc under a disc of light, to first order (E. Hecht, "Optics"). Ranges are ours.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from cofenet.degradation.canvas import Canvas, Image
from cofenet.degradation.factor import Coordinate, Factor, Group
from cofenet.degradation.optics import SoftDisc
from cofenet.degradation.ranges import Count, Range, Ranges, whole


class Speck(BaseModel):
    """One particle's shadow; lengths are fractions of the field-of-view diameter."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    x: Coordinate
    y: Coordinate
    radius: float = Field(gt=0, le=1)
    edge: float = Field(ge=0, le=2)
    depth: float = Field(ge=0, le=1)


class Dust(Factor):
    """Any number of specks."""

    group: ClassVar[Group] = "artifact"
    factor: Literal["dust"] = "dust"
    specks: tuple[Speck, ...]

    def scaled(self, severity: float) -> Dust:
        """Lighten every shadow."""
        lighter = (speck.model_copy(update={"depth": speck.depth * severity}) for speck in self.specks)
        return Dust(specks=tuple(lighter))

    def apply(self, image: Image, canvas: Canvas) -> Image:
        """Apply to a float32 (H, W, 3) square in [0, 1]."""
        image = image.copy()
        for speck in self.specks:
            disc = SoftDisc(speck.x, speck.y, speck.radius, speck.edge)
            window = image[disc.window(canvas.side)]
            window *= (np.float32(1) - np.float32(speck.depth) * disc.draw(canvas.side))[..., None]
        return image


class DustRanges(Ranges):
    """Of `Dust`; the edge is a fraction of the radius."""

    factor: ClassVar[type[Factor]] = Dust
    count: Count
    radius: Range
    edge: Range
    depth: Range

    def draw(self, rng: np.random.Generator) -> Dust:
        """Draw each speck on its own, anywhere."""
        return Dust(specks=tuple(self._speck(rng) for _ in range(whole(rng, self.count))))

    def _speck(self, rng: np.random.Generator) -> Speck:
        radius = rng.uniform(*self.radius)
        return Speck(
            x=rng.uniform(0.05, 0.95), y=rng.uniform(0.05, 0.95), radius=radius,
            edge=radius * rng.uniform(*self.edge), depth=rng.uniform(*self.depth),
        )  # fmt: skip
