"""How cofe-Net's released code draws its five factors (arXiv 2005.05594). It works on 512 × 512 pixels."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from pydantic import Field

from cofenet.degradation.blur import Blur
from cofenet.degradation.color import Color
from cofenet.degradation.factor import Factor
from cofenet.degradation.halo import Halo
from cofenet.degradation.hole import Hole
from cofenet.degradation.ranges import Count, Range, Ranges, Rgb, whole
from cofenet.degradation.spots import Spot, Spots

_PIXEL = 1.0 / 512
"""One pixel of the released code, as a fraction of the field-of-view diameter."""


class ColorRanges(Ranges):
    """Of `Color`."""

    factor: ClassVar[type[Factor]] = Color
    brightness: Range
    contrast: Range
    saturation: Range

    def draw(self, rng: np.random.Generator) -> Color:
        """Draw the three changes."""
        return Color(
            brightness=rng.uniform(*self.brightness),
            contrast=rng.uniform(*self.contrast),
            saturation=rng.uniform(*self.saturation),
        )


class HaloRanges(Ranges):
    """Of `Halo`; without `kernel` the kernel spans from the inner circle to the far edge of the frame."""

    factor: ClassVar[type[Factor]] = Halo
    center_x: Range
    center_y: Range
    inner_diameter: Range
    growth: Range
    reach: float
    colors: tuple[Rgb, ...] = Field(min_length=1)
    gain: Range
    kernel: Range | None = None
    sigma: float = 2 / 3

    def draw(self, rng: np.random.Generator) -> Halo:
        """Draw a ring and its light."""
        x, y = rng.uniform(*self.center_x), rng.uniform(*self.center_y)
        inner = rng.uniform(*self.inner_diameter)
        far_x, far_y = max(x, 1 - x), max(y, 1 - y)
        largest = 2 * math.hypot(far_x, far_y)
        outer = 1 + (largest - 1) * rng.uniform(*self.growth) + abs(max(x, y) - 0.5 + self.reach)
        kernel = rng.uniform(*self.kernel) if self.kernel else max(3 * _PIXEL, 2 * max(far_x, far_y) - inner)
        color = self.colors[rng.integers(len(self.colors))]
        return Halo(
            x=x, y=y, inner_radius=inner / 2, outer_radius=outer / 2, color=color, gain=rng.uniform(*self.gain),
            kernel=kernel, sigma=self.sigma * kernel,
        )  # fmt: skip


class HoleRanges(Ranges):
    """Of `Hole`; kernels are fractions of the diameter, sigma of the larger kernel."""

    factor: ClassVar[type[Factor]] = Hole
    center_x: Range
    center_y: Range
    diameter: Range
    offset: Range
    slope: Range
    threshold: float
    kernel: Range
    sigma: float

    def draw(self, rng: np.random.Generator) -> Hole:
        """Draw a disc and its softness."""
        diameter = rng.uniform(*self.diameter)
        kernel_x, kernel_y = (diameter * rng.uniform(*self.kernel) for _ in range(2))
        return Hole(
            x=rng.uniform(*self.center_x), y=rng.uniform(*self.center_y), radius=diameter / 2,
            offset=rng.uniform(*self.offset), slope=rng.uniform(*self.slope), threshold=self.threshold,
            kernel_x=kernel_x, kernel_y=kernel_y, sigma=self.sigma * max(kernel_x, kernel_y),
        )  # fmt: skip


class SpotRanges(Ranges):
    """Of `Spots`; without `amplitude`, `kernel` and `sigma` these follow from the radius by the published formulas."""

    factor: ClassVar[type[Factor]] = Spots
    count: Count
    radius: Range
    amplitude: Range | None = None
    kernel: Range | None = None
    sigma: float | None = None

    def draw(self, rng: np.random.Generator) -> Spots:
        """Draw each spot on its own."""
        count = whole(rng, self.count)
        return Spots(spots=tuple(self._spot(rng) for _ in range(count)))

    def _spot(self, rng: np.random.Generator) -> Spot:
        radius = rng.uniform(*self.radius)
        size = radius / (25 * _PIXEL)  # 1 for the largest published spot
        published_amplitude = (14 / 25 + 1 - size) * (1 - math.exp(-(0.5 + size) * 0.3 * size))
        amplitude = rng.uniform(*self.amplitude) if self.amplitude else published_amplitude
        published_sigma = (5 + 20 * size) * 2 * _PIXEL
        kernel = self.kernel or (published_sigma / 5, published_sigma / 4)
        return Spot(
            x=rng.uniform(radius, 1 - radius), y=rng.uniform(radius, 1 - radius), radius=radius / 2,
            amplitude=amplitude, kernel_x=rng.uniform(*kernel), kernel_y=rng.uniform(*kernel),
            sigma=self.sigma or published_sigma,
        )  # fmt: skip


class BlurRanges(Ranges):
    """Of `Blur`; kernels are fractions of sigma."""

    factor: ClassVar[type[Factor]] = Blur
    sigma: Range
    kernel: Range

    def draw(self, rng: np.random.Generator) -> Blur:
        """Draw sigma and the width of each axis."""
        sigma = rng.uniform(*self.sigma)
        kernel_x, kernel_y = (_odd_pixels(sigma * rng.uniform(*self.kernel)) for _ in range(2))
        return Blur(kernel_x=kernel_x, kernel_y=kernel_y, sigma=max(sigma, _PIXEL))


def _odd_pixels(length: float) -> float:
    """The odd number of published pixels at or above whole pixels of `length`, as the released code rounds."""
    pixels = max(1, int(length / _PIXEL))
    return (pixels + 1 - pixels % 2) * _PIXEL
