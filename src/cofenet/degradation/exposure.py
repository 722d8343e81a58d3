"""Over- and under-exposure: too much or too little flash, clipped where the sensor is full.

    x ← min(1, 2^(stops / 2.2) x)

One stop doubles the light; 1/2.2 carries that to the photograph's values. What is clipped first is red, so that an
over-exposed retina turns yellow, then white.

Source: the definition of a photographic stop, and the encoding exponent of IEC 61966-2-1 (sRGB), about 2.2. Ranges are
ours.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from cofenet.degradation.canvas import Canvas, Image
from cofenet.degradation.factor import Factor, Group
from cofenet.degradation.ranges import Range, Ranges


class Exposure(Factor):
    """A change of exposure in stops; 0 leaves it as it is."""

    group: ClassVar[Group] = "illumination"
    factor: Literal["exposure"] = "exposure"
    stops: float = Field(ge=-8, le=8)

    def scaled(self, severity: float) -> Exposure:
        """Fewer stops."""
        return Exposure(stops=self.stops * severity)

    def apply(self, image: Image, canvas: Canvas) -> Image:
        """Apply to a float32 (H, W, 3) square in [0, 1]."""
        del canvas
        image = image * np.float32(2 ** (self.stops / 2.2))
        return np.minimum(image, np.float32(1), out=image)


class ExposureRanges(Ranges):
    """Of `Exposure`; `over` is how often there is too much light rather than too little."""

    factor: ClassVar[type[Factor]] = Exposure
    over: float = Field(ge=0, le=1)
    stops_over: Range
    stops_under: Range

    def draw(self, rng: np.random.Generator) -> Exposure:
        """Draw the sign, then the size."""
        if rng.uniform() < self.over:
            return Exposure(stops=rng.uniform(*self.stops_over))
        return Exposure(stops=-rng.uniform(*self.stops_under))
