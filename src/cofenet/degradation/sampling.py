"""Draw degradation parameters. The only place in this package where chance has a say.

Formulas and ranges are those of cofe-Net's released code (arXiv 2005.05594), which works on 512 × 512 pixels.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from cofenet.degradation.blur import Blur
from cofenet.degradation.color import Color
from cofenet.degradation.halo import Halo
from cofenet.degradation.hole import Hole
from cofenet.degradation.parameters import Parameters
from cofenet.degradation.preset import BlurRanges, ColorRanges, HaloRanges, HoleRanges, Preset, SpotRanges, load_preset
from cofenet.degradation.spots import Spot, Spots
from cofenet.errors import ParameterError

KINDS = ("001", "010", "011", "100", "101", "110", "111")
"""The published kinds: bits for blur, spots and illumination."""

_PIXEL = 1.0 / 512
"""One pixel of the published code, as a fraction of the field-of-view diameter."""


def sample(
    rng: np.random.Generator, kind: str = "111", severity: float = 1.0, preset: str | Path = "published"
) -> Parameters:
    """Draw parameters.

    Args:
        rng: the source of chance; equal generators give equal parameters.
        kind: one of `KINDS`.
        severity: 0 (no change) to 1 (as drawn); scales every factor.
        preset: "published", "training", or a TOML file of one's own.

    Raises:
        ParameterError: unknown kind or preset, or severity outside 0 to 1.
    """
    if kind not in KINDS:
        raise ParameterError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    ranges = load_preset(preset)
    wanted = {group for group, bit in (("illumination", 1), ("artifact", 2), ("blur", 4)) if int(kind, 2) & bit}
    factors = tuple(_draw(rng, name, ranges) for name in ranges.order)
    return Parameters(factors=tuple(factor for factor in factors if factor.group in wanted)).scaled(severity)


def _draw(rng: np.random.Generator, name: str, preset: Preset) -> Color | Halo | Hole | Spots | Blur:
    match name:
        case "color":
            return _color(rng, preset.color)
        case "halo":
            return _halo(rng, preset.halo)
        case "hole":
            return _hole(rng, preset.hole)
        case "spots":
            return _spots(rng, preset.spots)
        case _:
            return _blur(rng, preset.blur)


def _color(rng: np.random.Generator, r: ColorRanges) -> Color:
    return Color(
        brightness=rng.uniform(*r.brightness), contrast=rng.uniform(*r.contrast), saturation=rng.uniform(*r.saturation)
    )


def _halo(rng: np.random.Generator, r: HaloRanges) -> Halo:
    x, y = rng.uniform(*r.center_x), rng.uniform(*r.center_y)
    inner = rng.uniform(*r.inner_diameter)
    far_x, far_y = max(x, 1 - x), max(y, 1 - y)
    largest = 2 * math.hypot(far_x, far_y)
    outer = 1 + (largest - 1) * rng.uniform(*r.growth) + abs(max(x, y) - 0.5 + r.reach)
    kernel = rng.uniform(*r.kernel) if r.kernel else max(3 * _PIXEL, 2 * max(far_x, far_y) - inner)
    color = r.colors[rng.integers(len(r.colors))]
    return Halo(
        x=x, y=y, inner_radius=inner / 2, outer_radius=outer / 2, color=color, gain=rng.uniform(*r.gain),
        kernel=kernel, sigma=r.sigma * kernel,
    )  # fmt: skip


def _hole(rng: np.random.Generator, r: HoleRanges) -> Hole:
    diameter = rng.uniform(*r.diameter)
    kernel_x, kernel_y = (diameter * rng.uniform(*r.kernel) for _ in range(2))
    return Hole(
        x=rng.uniform(*r.center_x), y=rng.uniform(*r.center_y), radius=diameter / 2,
        offset=rng.uniform(*r.offset), slope=rng.uniform(*r.slope), threshold=r.threshold,
        kernel_x=kernel_x, kernel_y=kernel_y, sigma=r.sigma * max(kernel_x, kernel_y),
    )  # fmt: skip


def _spots(rng: np.random.Generator, r: SpotRanges) -> Spots:
    count = int(rng.integers(r.count[0], r.count[1], endpoint=True))
    return Spots(spots=tuple(_spot(rng, r) for _ in range(count)))


def _spot(rng: np.random.Generator, r: SpotRanges) -> Spot:
    radius = rng.uniform(*r.radius)
    size = radius / (25 * _PIXEL)  # 1 for the largest published spot
    published_amplitude = (14 / 25 + 1 - size) * (1 - math.exp(-(0.5 + size) * 0.3 * size))
    amplitude = rng.uniform(*r.amplitude) if r.amplitude else published_amplitude
    published_sigma = (5 + 20 * size) * 2 * _PIXEL
    kernel = r.kernel or (published_sigma / 5, published_sigma / 4)
    return Spot(
        x=rng.uniform(radius, 1 - radius), y=rng.uniform(radius, 1 - radius), radius=radius / 2, amplitude=amplitude,
        kernel_x=rng.uniform(*kernel), kernel_y=rng.uniform(*kernel), sigma=r.sigma or published_sigma,
    )  # fmt: skip


def _blur(rng: np.random.Generator, r: BlurRanges) -> Blur:
    sigma = rng.uniform(*r.sigma)
    kernel_x, kernel_y = (_odd_pixels(sigma * rng.uniform(*r.kernel)) for _ in range(2))
    return Blur(kernel_x=kernel_x, kernel_y=kernel_y, sigma=max(sigma, _PIXEL))


def _odd_pixels(length: float) -> float:
    """The odd number of published pixels at or above whole pixels of `length`, as the published code rounds."""
    pixels = max(1, int(length / _PIXEL))
    return (pixels + 1 - pixels % 2) * _PIXEL
