"""Measure one photograph: its light, its colour, its fine detail and its noise, in the numbers that `fit` compares.

Nothing is judged here. Lengths are fractions of the field-of-view diameter, frequencies are in cycles per diameter,
light is in values of the photograph, 0 to 1, or in their logarithm to base 2.

- *Light.* The photograph is reduced to 96 × 96 and freed of vessels by a median of 5 × 5; the median over each twelfth
  of each of eight rings around the middle, for red, green and blue.
- *Blotch.* Off the rings' medians, the red logarithm (the macula is faint in red) is fitted by
  −a exp(−½ ((Δx / extent_x)² + (Δy / extent_y)²)) around places near the middle, for a few extents, by least squares
  with weights that fall off likewise; the largest a. The rings are measured again without it, and it off them.
- *Spectrum* and *noise* of the fine detail: `spectrum`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import product
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from cofenet.degradation.spectrum import DARKEST, SIZE, noise, spectrum
from cofenet.errors import NotFundusError
from cofenet.fov import FieldOfView
from cofenet.geometry import Crop

Floats = NDArray[Any]
Reduction = Callable[..., Any]

RINGS = np.array([0.0, 0.3, 0.46, 0.59, 0.7, 0.8, 0.88, 0.94, 0.985])
"""Bounds of the rings, in radii of the field of view."""

SECTORS = 12
"""Parts of a ring, from the right, clockwise."""

COARSE = 96
"""Pixels across the field of view at which light is measured."""

_RIM = 0.03
"""Width left out along the border of the retina where detail is measured."""

_SOFT = 0.012
"""Where light is: the width over which photographs fade into the frame."""

_EXTENTS = (0.06, 0.09, 0.13, 0.19)
_FEWEST = 0.1
"""Of a circle, that must be retina."""


class Blotch(BaseModel):
    """The darkest place near the middle.

    Attributes:
        depth: a, log2 of red.
        x, y, extent_x, extent_y: fractions of the field-of-view diameter.
        light: red, green and blue at its middle, of the mean of the retina.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    depth: float
    x: float
    y: float
    extent_x: float
    extent_y: float
    light: tuple[float, float, float]


class Measurement(BaseModel):
    """What one photograph shows.

    Attributes:
        mean: of the three channels over the retina.
        blotch: the darkest place near the middle.
        light: log2 of red, green and blue, each in eight rings from the middle to the rim, each in twelve sectors; None
            where no retina is seen.
        spectrum: log10 of the power in each of `BANDS`.
        noise: pairs (value, variance), at `pixels` across the field of view.
        pixels: `SIZE`, or fewer for a smaller photograph.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    mean: float
    blotch: Blotch
    light: tuple[tuple[tuple[float | None, ...], ...], ...]
    spectrum: tuple[float, ...]
    noise: tuple[tuple[float, float], ...]
    pixels: int


def measure(image: NDArray[np.uint8] | NDArray[np.uint16], fov: FieldOfView) -> Measurement:
    """Measure a photograph.

    Args:
        image: uint8 or uint16 (H, W, 3), RGB, full range; it is not changed.
        fov: where the retina is.

    Raises:
        NotFundusError: too little retina is seen to measure it.
    """
    square, retina = _square(image, fov, SIZE)
    seen = _eroded(retina, _RIM)
    if seen.mean() < _FEWEST:
        raise NotFundusError("too little retina is seen to measure it")
    light = _light(square, _eroded(retina, _SOFT))
    mean = float(np.nanmean(light))
    light = np.log2(np.maximum(light, DARKEST))
    blotch = _blotch_beside_rings(light, mean)
    pixels = min(SIZE, Crop.around(fov.circle, SIZE).side)
    sharp = square if pixels == SIZE else _square(image, fov, pixels)[0]
    sharp_seen = seen if pixels == SIZE else _eroded(_square(image, fov, pixels)[1], _RIM)
    return Measurement(
        mean=round(mean, 4), blotch=blotch,
        light=_listed(np.moveaxis(in_sectors(light, np.median), -1, 0)),
        spectrum=spectrum(square[..., 1], seen, _beside(blotch, SIZE)), noise=noise(sharp, sharp_seen), pixels=pixels,
    )  # fmt: skip


def _listed(light: Floats) -> tuple[tuple[tuple[float | None, ...], ...], ...]:
    """Of (3, 8, 12)."""
    return tuple(
        tuple(tuple(None if np.isnan(value) else round(float(value), 2) for value in ring) for ring in channel)
        for channel in light
    )


def _square(image: NDArray[Any], fov: FieldOfView, size: int) -> tuple[Floats, NDArray[np.bool_]]:
    """The retina at `size` pixels: float32 (size, size, 3) in [0, 1], and where it is."""
    crop = Crop.around(fov.circle, size)
    retina = crop.take_mask(fov.mask)
    return np.asarray(crop.take(image), np.float32) / np.float32(np.iinfo(image.dtype).max), retina


def _eroded(retina: NDArray[np.bool_], width: float) -> NDArray[np.bool_]:
    """Without a border of `width`, a fraction."""
    element = np.ones((2 * round(width * len(retina)) + 1,) * 2, np.uint8)
    inside = cv2.erode(retina.astype(np.uint8), element, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(inside > 0)


@cache
def places(size: int) -> tuple[Floats, Floats]:
    """Fractions x and y of each pixel's centre: (size, size) each."""
    places = (np.arange(size, dtype=np.float32) + np.float32(0.5)) / np.float32(size)
    x, y = np.meshgrid(places, places)
    return x, y


def _light(square: Floats, seen: NDArray[np.bool_]) -> Floats:
    """The light without vessels: (96, 96, 3), NaN where no retina is."""
    size = (COARSE, COARSE)
    share = cv2.resize(seen.astype(np.float32), size, interpolation=cv2.INTER_AREA)[..., None]
    sums = cv2.resize(square * seen[..., None], size, interpolation=cv2.INTER_AREA)
    around = cv2.blur(sums, (5, 5)) / (cv2.blur(share, (5, 5)) + 1e-3)[..., None]
    small = np.where(share > 0.5, sums / np.maximum(share, 1e-3), around)
    return np.where(share > 0.5, cv2.medianBlur(small.astype(np.float32), 5), np.nan)


@cache
def _ring_of() -> NDArray[np.int_]:
    """The ring of each coarse pixel, −1 outside all: (96, 96)."""
    x, y = places(COARSE)
    ring = np.searchsorted(RINGS, 2 * np.hypot(x - 0.5, y - 0.5), side="right") - 1
    return np.where(ring < len(RINGS) - 1, ring, -1)


def _rings(light: Floats, seen: NDArray[np.bool_]) -> Floats:
    """Medians where `seen`: (3, 8)."""
    ring = _ring_of()
    out = np.full((3, len(RINGS) - 1), np.nan)
    for index in range(len(RINGS) - 1):
        chosen = seen & (ring == index)
        if np.count_nonzero(chosen) >= _FEWEST_OF_RING:
            out[:, index] = np.median(light[chosen], axis=0)
    return out


def in_sectors(values: Floats, mean: Reduction = np.mean) -> Floats:
    """A reduction over each sector of each ring of (96, 96, …): (8, 12, …); NaN where few pixels are not NaN."""
    x, y = places(COARSE)
    sector = np.floor(np.arctan2(y - 0.5, x - 0.5) / (2 * np.pi) * SECTORS).astype(int) % SECTORS
    ring = _ring_of()
    out = np.full((len(RINGS) - 1, SECTORS, *values.shape[2:]), np.nan)
    seen = ~np.isnan(values.reshape(COARSE, COARSE, -1)).any(axis=-1)
    for place in np.ndindex(out.shape[:2]):
        chosen = seen & (ring == place[0]) & (sector == place[1])
        if np.count_nonzero(chosen) >= _FEWEST_OF_SECTOR:
            out[place] = mean(values[chosen], axis=0)
    return out


_FEWEST_OF_SECTOR = 5


def _blotch_beside_rings(light: Floats, mean: float) -> Blotch:
    """Of log2 light (96, 96, 3): blotch and rings hide a part of each other, so that both are measured twice."""
    seen = ~np.isnan(light[..., 1])
    rings = _rings(light, seen)
    blotch = _blotch(light, rings, mean)
    beside = _rings(light, seen & _beside(blotch, COARSE))
    return _blotch(light, np.where(np.isnan(beside), rings, beside), mean)


def _beside(blotch: Blotch, size: int) -> NDArray[np.bool_]:
    """Where the blotch is not: (size, size)."""
    x, y = places(size)
    distance = np.hypot((x - blotch.x) / blotch.extent_x, (y - blotch.y) / blotch.extent_y)
    return np.asarray(distance > _REACH)


_FEWEST_OF_RING = 20
_REACH = 1.5
"""Extents around a blotch that rings leave out."""


def _blotch(light: Floats, rings: Floats, mean: float) -> Blotch:
    ring = _ring_of()
    off = np.where(ring >= 0, light[..., 0] - rings[0][ring], np.nan)
    seen = ~np.isnan(off)
    off = np.where(seen, off, 0)
    x, y = places(COARSE)
    best, where = (0.0, _EXTENTS[0], _EXTENTS[0]), (COARSE // 2, COARSE // 2)
    for across, down in product(_EXTENTS, repeat=2):
        depth = _depths(off, seen.astype(np.float64), _gaussian(across), _gaussian(down))
        depth[~seen | (np.hypot(x - 0.5, y - 0.5) > 0.35)] = -np.inf
        top = np.unravel_index(int(depth.argmax()), depth.shape)
        if depth[top] > best[0]:
            best, where = (float(depth[top]), across, down), (int(top[0]), int(top[1]))
    red, green, blue = (round(float(part), 3) for part in 2 ** light[where] / mean)
    return Blotch(
        depth=round(best[0], 3), x=round(float(x[where]), 3), y=round(float(y[where]), 3), extent_x=best[1],
        extent_y=best[2], light=(red, green, blue),
    )  # fmt: skip


def _gaussian(extent: float) -> Floats:
    """1 at the middle, cut off at two extents."""
    kernel = cv2.getGaussianKernel(2 * round(2 * extent * COARSE) + 1, extent * COARSE)
    return np.asarray(kernel / kernel.max())


def _depths(off: Floats, seen: Floats, across: Floats, down: Floats) -> Floats:
    """Least squares of −a k + b with weights k, k the Gaussian around each place and 1 at its middle: a, (96, 96)."""

    def total(image: Floats, power: int) -> Floats:
        kernels = across**power, down**power
        return np.asarray(cv2.sepFilter2D(image, cv2.CV_64F, *kernels, borderType=cv2.BORDER_CONSTANT))

    w1, w2, w3 = (total(seen, power) for power in (1, 2, 3))
    y1, y2 = total(off * seen, 1), total(off * seen, 2)
    return np.asarray(-(y2 * w1 - y1 * w2) / np.maximum(w3 * w1 - w2**2, 1e-6))
