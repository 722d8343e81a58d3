"""Measure one photograph: its light, its colour, its fine detail and its noise, in the numbers that `fit` compares.

Nothing is judged here. Lengths are fractions of the field-of-view diameter, frequencies are in cycles per diameter,
light is in values of the photograph, 0 to 1, or in their logarithm to base 2.

- *Rings.* The photograph is reduced to 64 × 64 and freed of vessels by a median of 5 × 5; the median over each of six
  rings around the middle, for red, green and blue.
- *Blotch.* Off the rings' medians, the green logarithm is fitted by −a exp(−r² / 2 extent²) around places near the
  middle, for a few extents, by least squares with weights that fall off likewise; the largest a.
- *Spectrum.* Green over its local mean, minus 1, in Hann windows an eighth of the diameter wide; the power spectrum's
  median over the windows (disc and reflexes are few), averaged in bands of frequency. White noise of variance σ² has
  the power σ² everywhere.
- *Noise.* The variance σ² of the high-pass residual of J. Immerkær, "Fast noise variance estimation", Computer Vision
  and Image Understanding 64(2), 1996, taken robustly from its median absolute deviation (σ = 1.4826 MAD, P. J.
  Rousseeuw, C. Croux, Journal of the American Statistical Association 88, 1993), for thirds of the values of each
  channel.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from cofenet.errors import NotFundusError
from cofenet.fov import FieldOfView
from cofenet.geometry import Crop

Floats = NDArray[Any]

SIZE = 512
"""Pixels across the field of view at which photographs are measured."""

RINGS = np.array([0.0, 0.3, 0.46, 0.59, 0.7, 0.8, 0.92])
"""Bounds of the rings, in radii of the field of view; the rim beyond is left out."""

BANDS = np.array([12, 20, 28, 36, 48, 64, 80, 100, 128, 160, 200, 256])
"""Bounds of the bands of frequency, in cycles per diameter."""

_COARSE = 64
_RIM = 0.03
"""Width left out along the border of the retina."""

_TILE = SIZE // 8
_EXTENTS = (0.08, 0.12, 0.18)
_FEWEST = 0.1
"""Of a circle, that must be retina."""

_DARKEST = 2.0**-10


class Measurement(BaseModel):
    """What one photograph shows.

    Attributes:
        rings: log2 of red, green and blue, each in six rings from the middle to the rim; None where no retina is seen.
        blotch: depth a of the darkest blotch (log2), its place x and y, and its extent.
        spectrum: log10 of the power in each of `BANDS`.
        noise: pairs (value, variance), at `pixels` across the field of view.
        pixels: `SIZE`, or fewer for a smaller photograph.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    rings: tuple[tuple[float | None, ...], ...]
    blotch: tuple[float, float, float, float]
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
    square, seen = _square(image, fov, SIZE)
    if seen.mean() < _FEWEST:
        raise NotFundusError("too little retina is seen to measure it")
    light = _light(square, seen)
    pixels = min(SIZE, Crop.around(fov.circle, SIZE).side)
    sharp = (square, seen) if pixels == SIZE else _square(image, fov, pixels)
    rings = _rings(light)
    return Measurement(
        rings=tuple(tuple(None if np.isnan(v) else round(float(v), 3) for v in channel) for channel in rings),
        blotch=_blotch(light[..., 1], rings[1]), spectrum=_spectrum(square[..., 1], seen), noise=_noise(*sharp),
        pixels=pixels,
    )  # fmt: skip


def _square(image: NDArray[Any], fov: FieldOfView, size: int) -> tuple[Floats, NDArray[np.bool_]]:
    """The retina at `size` pixels: float32 (size, size, 3) in [0, 1], and where it is seen, without its border."""
    crop = Crop.around(fov.circle, size)
    mask = (crop.take(fov.mask.astype(np.uint8) * 255) > 127).astype(np.uint8)
    rim = np.ones((2 * round(_RIM * size) + 1,) * 2, np.uint8)
    seen = cv2.erode(mask, rim, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    square = np.asarray(crop.take(image), np.float32) / np.float32(np.iinfo(image.dtype).max)
    return square, np.asarray(seen > 0)


@cache
def _places(size: int) -> tuple[Floats, Floats]:
    """Fractions x and y of each pixel's centre: (size, size) each."""
    places = (np.arange(size, dtype=np.float32) + np.float32(0.5)) / np.float32(size)
    x, y = np.meshgrid(places, places)
    return x, y


def _light(square: Floats, seen: NDArray[np.bool_]) -> Floats:
    """log2 of the light without vessels: (64, 64, 3), NaN where no retina is."""
    size = (_COARSE, _COARSE)
    share = cv2.resize(seen.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    small = cv2.resize(square * seen[..., None], size, interpolation=cv2.INTER_AREA)
    small = small / np.maximum(share, np.float32(1e-3))[..., None]
    around = cv2.blur(share, (5, 5))
    small = np.where(
        share[..., None] > 0.5, small, cv2.blur(small * share[..., None], (5, 5)) / (around + 1e-3)[..., None]
    )
    smooth = cv2.medianBlur(small.astype(np.float32), 5)
    return np.asarray(np.where(share[..., None] > 0.5, np.log2(np.maximum(smooth, _DARKEST)), np.nan))


def _ring_of() -> NDArray[np.int_]:
    """The ring of each coarse pixel, −1 outside all: (64, 64)."""
    x, y = _places(_COARSE)
    ring = np.searchsorted(RINGS, 2 * np.hypot(x - 0.5, y - 0.5), side="right") - 1
    return np.where(ring < len(RINGS) - 1, ring, -1)


def _rings(light: Floats) -> Floats:
    """Medians: (3, 6)."""
    ring, seen = _ring_of(), ~np.isnan(light[..., 1])
    out = np.full((3, len(RINGS) - 1), np.nan)
    for index in range(len(RINGS) - 1):
        chosen = seen & (ring == index)
        if np.count_nonzero(chosen) >= 5:
            out[:, index] = np.median(light[chosen], axis=0)
    return out


def _blotch(green: Floats, rings: Floats) -> tuple[float, float, float, float]:
    ring = _ring_of()
    off = np.where(ring >= 0, green - rings[ring], np.nan)
    seen = ~np.isnan(off)
    off = np.where(seen, off, 0)
    best = (0.0, 0.5, 0.5, _EXTENTS[0])
    weights = seen.astype(np.float64)
    for extent in _EXTENTS:
        kernel = cv2.getGaussianKernel(2 * round(2 * extent * _COARSE) + 1, extent * _COARSE)
        depth = _depths(off, weights, kernel)
        x, y = _places(_COARSE)
        depth[~seen | (np.hypot(x - 0.5, y - 0.5) > 0.35)] = -np.inf
        top = np.unravel_index(int(depth.argmax()), depth.shape)
        if depth[top] > best[0]:
            best = (float(depth[top]), float(x[top]), float(y[top]), extent)
    return (round(best[0], 3), round(best[1], 3), round(best[2], 3), best[3])


def _depths(off: Floats, seen: Floats, kernel: Floats) -> Floats:
    """Least squares of −a k + b with weights k, k the Gaussian around each place and 1 at its middle: a, (64, 64)."""
    k = kernel / kernel.max()

    def total(image: Floats, power: int) -> Floats:
        return np.asarray(cv2.sepFilter2D(image, cv2.CV_64F, k**power, k**power, borderType=cv2.BORDER_CONSTANT))

    w1, w2, w3 = (total(seen, power) for power in (1, 2, 3))
    y1, y2 = total(off * seen, 1), total(off * seen, 2)
    return np.asarray(-(y2 * w1 - y1 * w2) / np.maximum(w3 * w1 - w2**2, 1e-6))


@cache
def frequencies() -> Floats:
    """The frequency of each value of a window's spectrum, in cycles per diameter: (64, 64)."""
    along = np.fft.fftfreq(_TILE) * SIZE
    return np.asarray(np.hypot(along[:, None], along[None]))


def in_bands(power: Floats) -> Floats:
    """Means over `BANDS` of a function of `frequencies()`, (…, 64, 64): (…, 11)."""
    band = [(frequencies() >= low) & (frequencies() < high) for low, high in pairwise(BANDS)]
    return np.stack([power[..., chosen].mean(axis=-1) for chosen in band], axis=-1)


def _spectrum(green: Floats, seen: NDArray[np.bool_]) -> tuple[float, ...]:
    weight = seen.astype(np.float32)
    sigma = SIZE / 32
    mean = cv2.GaussianBlur(green * weight, (0, 0), sigma) / np.maximum(cv2.GaussianBlur(weight, (0, 0), sigma), 1e-3)
    texture = np.where(seen, green / np.maximum(mean, _DARKEST) - 1, 0)
    hann = np.hanning(_TILE + 1)[:_TILE]
    window = np.outer(hann, hann)
    powers = []
    starts = range(0, SIZE - _TILE + 1, _TILE // 2)
    for rows, columns in ((slice(i, i + _TILE), slice(j, j + _TILE)) for i in starts for j in starts):
        if seen[rows, columns].all():
            powers.append(np.abs(np.fft.fft2(texture[rows, columns] * window)) ** 2 / np.sum(window**2))
    if not powers:
        raise NotFundusError("too little retina is seen to measure its detail")
    return tuple(round(float(v), 3) for v in np.log10(in_bands(np.median(powers, axis=0)) + 1e-12))


def _noise(square: Floats, seen: NDArray[np.bool_]) -> tuple[tuple[float, float], ...]:
    mask = np.outer([1, -2, 1], [1, -2, 1]) / 6  # Immerkær's, of unit gain for white noise
    residual = np.abs(cv2.filter2D(square, -1, mask))
    smooth = cv2.blur(square, (5, 5))
    pairs = []
    for channel in range(3):
        value, deviation = smooth[..., channel][seen], residual[..., channel][seen]
        for part in np.array_split(np.argsort(value, kind="stable"), 3):
            level, sigma = float(np.median(value[part])), 1.4826 * float(np.median(deviation[part]))
            pairs.append((round(level, 4), float(f"{sigma**2:.3g}")))
    return tuple(pairs)
