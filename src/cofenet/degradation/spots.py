"""Bright spots: dust and drops on the optics, out of focus.

    x ← x + a (disc ∗ G) for each spot, clipped to [0, 1]

G is a Gaussian of standard deviation `sigma` cut off at `kernel_x` × `kernel_y`.
Source: the released code of cofe-Net (arXiv 2005.05594).
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from cofenet.degradation.canvas import Canvas, Image, blur
from cofenet.degradation.factor import Coordinate, Factor, Group
from cofenet.geometry import Circle


class Spot(BaseModel):
    """One spot; lengths are fractions of the field-of-view diameter."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    x: Coordinate
    y: Coordinate
    radius: float = Field(gt=0, le=1)
    amplitude: float = Field(ge=-1, le=1)
    kernel_x: float = Field(gt=0, le=1)
    kernel_y: float = Field(gt=0, le=1)
    sigma: float = Field(gt=0, le=4)


class Spots(Factor):
    """Any number of spots."""

    group: ClassVar[Group] = "artifact"
    factor: Literal["spots"] = "spots"
    spots: tuple[Spot, ...]

    def scaled(self, severity: float) -> Spots:
        """Fade every spot."""
        faded = (spot.model_copy(update={"amplitude": spot.amplitude * severity}) for spot in self.spots)
        return Spots(spots=tuple(faded))

    def apply(self, image: Image, canvas: Canvas) -> Image:
        """Apply to a float32 (H, W, 3) square in [0, 1]."""
        out = canvas.like(image)
        np.copyto(out, image)
        for spot in self.spots:
            _paint(out, spot, canvas.side)
        return out


def _paint(image: Image, spot: Spot, side: int) -> None:
    """Add one spot to `image` in place, touching only the pixels it reaches."""
    kernel = (spot.kernel_x * side, spot.kernel_y * side)
    reach = int(np.ceil(spot.radius * side + max(kernel) / 2)) + 2
    left, top = int(spot.x * side) - reach, int(spot.y * side) - reach
    size = 2 * reach + 1
    circle = Circle(spot.x * side - left, spot.y * side - top, spot.radius * side)
    light = blur(circle.coverage((size, size)), kernel, spot.sigma * side) * np.float32(spot.amplitude)
    rows, columns = slice(max(top, 0), max(top + size, 0)), slice(max(left, 0), max(left + size, 0))
    window = image[rows, columns]
    light = light[rows.start - top :, columns.start - left :][: window.shape[0], : window.shape[1]]
    image[rows, columns] = np.clip(window + light[..., None], 0, 1)
