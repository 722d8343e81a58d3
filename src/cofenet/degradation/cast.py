"""Colour cast: the wrong white balance, or a lens that has yellowed.

    x_c ← min(1, g_c x_c)    for each of red, green and blue

Source: the diagonal model of adaptation of J. von Kries (1902), as used for white balance. Ranges are ours.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from cofenet.degradation.canvas import Canvas, Image
from cofenet.degradation.factor import Factor, Group
from cofenet.degradation.ranges import Range, Ranges

Gain = Annotated[float, Field(ge=0, le=4)]


class Cast(Factor):
    """A gain for each channel; 1 leaves it as it is."""

    group: ClassVar[Group] = "illumination"
    factor: Literal["cast"] = "cast"
    red: Gain
    green: Gain
    blue: Gain

    def scaled(self, severity: float) -> Cast:
        """Bring each gain nearer to 1."""
        return Cast(
            red=1 + (self.red - 1) * severity,
            green=1 + (self.green - 1) * severity,
            blue=1 + (self.blue - 1) * severity,
        )

    def apply(self, image: Image, canvas: Canvas) -> Image:
        """Apply to a float32 (H, W, 3) square in [0, 1]."""
        del canvas
        image = image * np.array([self.red, self.green, self.blue], np.float32)
        return np.minimum(image, np.float32(1), out=image)


class CastRanges(Ranges):
    """Of `Cast`."""

    factor: ClassVar[type[Factor]] = Cast
    red: Range
    green: Range
    blue: Range

    def draw(self, rng: np.random.Generator) -> Cast:
        """Draw each gain on its own."""
        return Cast(red=rng.uniform(*self.red), green=rng.uniform(*self.green), blue=rng.uniform(*self.blue))
