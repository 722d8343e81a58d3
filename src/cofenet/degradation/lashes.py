"""Eyelashes: dark soft lines that reach in from the rim.

    x ← x (1 − depth (lines ∗ G))

A line starts `width` wide and ends in a point; its direction turns by `bend` along its length. G is a Gaussian of
standard deviation `sigma`, cut off at 6 sigma: lashes are close to the lens and far out of focus.

Source: the artifact is described by P. J. Saine, M. E. Tyler, "Ophthalmic Photography", 2nd ed., 2002. The equation
and the ranges are ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from cofenet.degradation.canvas import Canvas, Image
from cofenet.degradation.factor import Coordinate, Factor, Group
from cofenet.degradation.ranges import Count, Range, Ranges, whole


class Lash(BaseModel):
    """One lash: its root, its first direction (radians, 0 to the right, π/2 down), and how it goes on."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    x: Coordinate
    y: Coordinate
    angle: float = Field(ge=-7, le=7)
    bend: float = Field(ge=-4, le=4)
    length: float = Field(gt=0, le=2)
    width: float = Field(gt=0, le=0.5)


class Lashes(Factor):
    """Lashes of one eyelid; lengths are fractions of the field-of-view diameter."""

    group: ClassVar[Group] = "artifact"
    factor: Literal["lashes"] = "lashes"
    lashes: tuple[Lash, ...]
    sigma: float = Field(gt=0, le=0.2)
    depth: float = Field(ge=0, le=1)

    def scaled(self, severity: float) -> Lashes:
        """Lighten the shadow."""
        return self.model_copy(update={"depth": self.depth * severity})

    def apply(self, image: Image, canvas: Canvas) -> Image:
        """Apply to a float32 (H, W, 3) square in [0, 1]."""
        kernel = (6 * self.sigma, 6 * self.sigma)
        shade = canvas.smooth_shape(_Lines(self.lashes), kernel, self.sigma)
        return np.asarray(image * cv2.merge([np.float32(1) - np.float32(self.depth) * shade] * 3), np.float32)


@dataclass(frozen=True, slots=True)
class _Lines:
    lashes: tuple[Lash, ...]

    def __call__(self, size: int, /) -> NDArray[np.float32]:
        """Draw every lash: float32 (size, size), 1 where there is one."""
        picture = np.zeros((size, size), np.uint8)
        for lash in self.lashes:
            fixed = np.rint(_outline(lash) * size * 16 - 8).astype(np.int32)  # sixteenths; centres are whole in OpenCV
            cv2.fillPoly(picture, [fixed], (255,), cv2.LINE_AA, 4)
        return np.asarray(picture.astype(np.float32) / np.float32(255), np.float32)


def _outline(lash: Lash, steps: int = 12) -> NDArray[np.float64]:
    """The lash's two edges, out and back: (2 steps, 2), x and y in fractions."""
    along = np.linspace(0, 1, steps)
    direction = lash.angle + lash.bend * along
    heading = np.stack([np.cos(direction), np.sin(direction)], 1)
    path = np.array([lash.x, lash.y]) + np.cumsum(heading, 0) * (lash.length / steps)
    aside = heading[:, ::-1] * np.array([-1, 1]) * (lash.width / 2 * (1 - along))[:, None]
    return np.concatenate([path + aside, (path - aside)[::-1]])


class LashesRanges(Ranges):
    """Of `Lashes`: roots lie within `spread` radians of the top or bottom of the rim; lashes point inwards."""

    factor: ClassVar[type[Factor]] = Lashes
    count: Count
    spread: float = Field(ge=0, le=3)
    tilt: Range
    bend: Range
    length: Range
    width: Range
    sigma: Range
    depth: Range

    def draw(self, rng: np.random.Generator) -> Lashes:
        """Draw the lid, then lashes on it."""
        lid = rng.choice([-math.pi / 2, math.pi / 2])
        tilt, bend = rng.uniform(*self.tilt), rng.uniform(*self.bend)
        lashes = tuple(self._lash(rng, lid, tilt, bend) for _ in range(whole(rng, self.count)))
        return Lashes(lashes=lashes, sigma=rng.uniform(*self.sigma), depth=rng.uniform(*self.depth))

    def _lash(self, rng: np.random.Generator, lid: float, tilt: float, bend: float) -> Lash:
        place = lid + rng.uniform(-self.spread, self.spread)
        return Lash(
            x=0.5 + 0.52 * math.cos(place), y=0.5 + 0.52 * math.sin(place),
            angle=-lid + 0.4 * (place - lid) + tilt + rng.normal(0, 0.12), bend=bend + rng.normal(0, 0.15),
            length=rng.uniform(*self.length), width=rng.uniform(*self.width),
        )  # fmt: skip
