"""Find the light that leaks in from the rim of one photograph: which of a few hundred halos, and how bright.

Each halo T is drawn as `halo.Halo` draws it. With U what good photographs show at that distance from the middle, each
channel, over the mean of the retina, is to be

    c U + a T

c is the median over what lies between middle and rim, a comes from least squares in the outer rings, and is never below
0. The halo that explains most of green is taken (red is often the retina's own, or clipped); a in each is its colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cofenet.degradation.canvas import Canvas, Disc, Ring
from cofenet.degradation.measure import COARSE, RINGS, in_sectors

Floats = NDArray[np.floating[Any]]

RADII = (0.4, 0.44, 0.48)
KERNELS = (0.06, 0.12, 0.24, 0.4)
OFFSETS = (0.0, 0.03, 0.07, 0.12)
_DIRECTIONS = 12

_BETWEEN, _OUTER = slice(1, 5), RINGS[:-1] >= 0.59
"""Rings that say how light the photograph is, and rings in which a halo is looked for."""


@dataclass(frozen=True)
class Shape:
    """A halo of unknown light; lengths are fractions of the diameter, `offset` is its centre's distance, (x, y)."""

    radius: float
    kernel: float
    offset: tuple[float, float]

    @property
    def distance(self) -> float:
        """Of its centre from the middle."""
        return float(np.hypot(*self.offset))


@dataclass(frozen=True)
class Glow:
    """A halo of one photograph.

    Attributes:
        shape: where it is.
        rim: its green light where it is brightest, over the mean of the retina.
        peak: the same of a halo of light 1.
        color: red, green and blue; the brightest is 1.
        light: what it adds, over the mean of the retina: (3, 8, 12).
    """

    shape: Shape
    rim: float
    peak: float
    color: Floats
    light: Floats


def find_glow(light: Floats, usual: Floats) -> Glow:
    """Find the halo.

    Args:
        light: red, green, blue over the mean of the retina, (3, 8, 12); NaN where no retina is seen.
        usual: of good photographs, (3, 8), in any unit.
    """
    shapes, drawn = _drawn()
    seen = np.isfinite(light).all(axis=0) & _OUTER[:, None]
    ratio = light / usual[..., None]
    level = np.nanmedian(ratio[:, _BETWEEN].reshape(3, -1), axis=1)
    excess = light - level[:, None, None] * usual[..., None]
    area = np.broadcast_to(np.diff(RINGS**2)[:, None], seen.shape)[seen]
    halos = drawn[:, seen]
    power = np.maximum(halos**2 @ area, 1e-9)
    found = np.maximum((excess[:, seen] * area) @ halos.T, 0) / power
    best = int((found[1] ** 2 * power).argmax())
    amplitude, peak = found[:, best], float(drawn[best].max())
    color = amplitude / max(float(amplitude.max()), 1e-6)
    return Glow(shapes[best], float(amplitude[1]) * peak, peak, color, amplitude[:, None, None] * drawn[best])


@cache
def _drawn() -> tuple[list[Shape], Floats]:
    """All halos, and the light of each: (n, 8, 12)."""
    turns = np.arange(_DIRECTIONS) * 2 * np.pi / _DIRECTIONS
    offsets = [(0.0, 0.0), *((d * float(np.cos(t)), d * float(np.sin(t))) for d in OFFSETS[1:] for t in turns)]
    shapes = [Shape(*numbers) for numbers in product(RADII, KERNELS, offsets)]
    canvas = Canvas(COARSE, np.ones((COARSE, COARSE), np.float32))
    images = []
    for shape in shapes:
        x, y = (0.5 + part for part in shape.offset)
        ring = Ring(Disc(x, y, shape.radius), Disc(x, y, 1.0))
        images.append(canvas.smooth_shape(ring, (shape.kernel, shape.kernel), shape.kernel / 2))
    return shapes, np.moveaxis(in_sectors(np.stack(images, axis=-1)), -1, 0)
