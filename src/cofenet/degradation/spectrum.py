"""The fine detail of a photograph: its power spectrum and its noise. Frequencies are in cycles per diameter.

- *Spectrum.* Green over its local mean, minus 1, in Hann windows an eighth of the diameter wide; the power spectrum's
  median over the windows beside the blotch (disc and reflexes are few), averaged in bands of frequency. White noise of
  variance σ² has the power σ² everywhere.
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

from cofenet.errors import NotFundusError

Floats = NDArray[Any]

SIZE = 512
"""Pixels across the field of view at which photographs are measured."""

BANDS = np.array([12, 20, 28, 36, 48, 64, 80, 100, 128, 160, 200, 256])
"""Bounds of the bands of frequency, in cycles per diameter."""

DARKEST = 2.0**-10

_TILE = SIZE // 8


@cache
def frequencies() -> Floats:
    """The frequency of each value of a window's spectrum, in cycles per diameter: (64, 64)."""
    along = np.fft.fftfreq(_TILE) * SIZE
    return np.asarray(np.hypot(along[:, None], along[None]))


def in_bands(power: Floats) -> Floats:
    """Means over `BANDS` of a function of `frequencies()`, (…, 64, 64): (…, 11)."""
    band = [(frequencies() >= low) & (frequencies() < high) for low, high in pairwise(BANDS)]
    return np.stack([power[..., chosen].mean(axis=-1) for chosen in band], axis=-1)


def spectrum(green: Floats, seen: NDArray[np.bool_], beside: NDArray[np.bool_]) -> tuple[float, ...]:
    """The log10 of the power in each of `BANDS`.

    Args:
        green: float32 (SIZE, SIZE), 0 to 1.
        seen: bool, likewise: retina, without the rim.
        beside: bool, likewise: off the blotch.

    Raises:
        NotFundusError: no window is all retina.
    """
    weight = seen.astype(np.float32)
    sigma = SIZE / 32
    mean = cv2.GaussianBlur(green * weight, (0, 0), sigma) / np.maximum(cv2.GaussianBlur(weight, (0, 0), sigma), 1e-3)
    texture = np.where(seen, green / np.maximum(mean, DARKEST) - 1, 0)
    hann = np.hanning(_TILE + 1)[:_TILE]
    window = np.outer(hann, hann)
    powers, clear = [], []
    starts = range(0, SIZE - _TILE + 1, _TILE // 2)
    for rows, columns in ((slice(i, i + _TILE), slice(j, j + _TILE)) for i in starts for j in starts):
        if seen[rows, columns].all():
            powers.append(np.abs(np.fft.fft2(texture[rows, columns] * window)) ** 2 / np.sum(window**2))
            clear.append(beside[rows, columns].mean() > _CLEAR)
    if not powers:
        raise NotFundusError("too little retina is seen to measure its detail")
    chosen = np.array(powers)[np.array(clear) | (not any(clear))]
    return tuple(round(float(v), 3) for v in np.log10(in_bands(np.median(chosen, axis=0)) + 1e-12))


_CLEAR = 0.9
"""Of a window, that a blotch must leave free: it has less contrast, as haze has."""


def noise(square: Floats, seen: NDArray[np.bool_]) -> tuple[tuple[float, float], ...]:
    """Nine pairs of a value, 0 to 1, and the variance of the noise there; three a channel.

    Args:
        square: float32 (S, S, 3), 0 to 1, at the photograph's own scale.
        seen: bool (S, S), retina.
    """
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
