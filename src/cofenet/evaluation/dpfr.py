"""Double-pass fundus reflection: light, then scattering, of an eye that light passes twice.

S. Zhang, C. A. B. Webers, T. T. J. M. Berendschot, *A double-pass fundus reflection model for efficient single retinal
image enhancement*, Signal Processing 192, 2022. With Y the luma, in [0, 1]:

1. the background is filled by reflecting the field of view at its rim;
2. coarse light: log Y - log Y ∗ G, its mean put back (Retinex, sigma = root of the area / 20);
3. fine light: Y / t, t = 1 - a dark(1 - Y), with a such that 2 % of the pixels are clipped;
4. scattering: 1 - (1 - Y) / T², T = 1 - b dark(Y), with b such that the mean of Y is 0.55;
5. every colour times what Y was changed by.

dark is the minimum over 7 × 7 pixels (He, Sun, Tang, CVPR 2009); t and T are smoothed by a guided filter (radius 15,
epsilon 0.001). Written from the paper's outline: the authors' programme differs in places (it ends with `clahe`, too).
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from cofenet.fov import FieldOfView

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

_CLIPPED, _MEAN = 0.02, 0.55
_WINDOW, _RADIUS, _EPSILON = 7, 15, 1e-3
_GOLDEN = (5**0.5 - 1) / 2
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""ITU-R BT.601."""


def dpfr(image: Image, fov: FieldOfView) -> Image:
    """Correct light and scattering. uint8 (H, W, 3), RGB, and like it; unchanged outside the field of view."""
    luma = np.maximum(_reflected(image, fov) @ _LUMA / np.float32(255), np.float32(1 / 255))
    even = _evenly_lit(luma)
    inverted = _dark(1 - even)
    lit = _searched(
        lambda strength: even / _guided(1 - np.float32(strength) * inverted, even),
        lambda y: abs(float((y[fov.mask] > 1).mean()) - _CLIPPED),
    )
    lit = np.clip(lit, 0, 1)
    veil = _dark(lit)
    clear = _searched(
        lambda strength: 1 - (1 - lit) / _guided(1 - np.float32(strength) * veil, lit) ** 2,
        lambda y: abs(float(np.clip(y, 0, 1)[fov.mask].mean()) - _MEAN),
    )
    ratio = (np.clip(clear, 0, 1) / luma)[..., None]
    result = np.clip(np.rint(image * ratio), 0, 255).astype(np.uint8)
    return np.asarray(np.where(fov.mask[..., None], result, image))


def _reflected(image: Image, fov: FieldOfView) -> Floats:
    """The photograph, with what lies beyond the field of view seen in a mirror along its rim: float32 (H, W, 3)."""
    distance = fov.circle.distance((image.shape[0], image.shape[1]))
    scale = np.where(distance > fov.circle.radius, 2 * fov.circle.radius / np.maximum(distance, 1) - 1, 1)
    scale = np.clip(scale, 0, 1).astype(np.float32)
    rows, columns = np.indices(distance.shape, np.float32)
    x, y = np.float32(fov.circle.x - 0.5), np.float32(fov.circle.y - 0.5)
    places = x + (columns - x) * scale, y + (rows - y) * scale
    mirrored = cv2.remap(image, *places, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    seen = cv2.remap(fov.mask.astype(np.uint8), *places, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT)
    mean = image[fov.mask].mean(0)  # beyond a straight cut even the mirror shows nothing
    filled = np.where(fov.mask[..., None], image, np.where(seen[..., None] > 0, mirrored, mean))
    return filled.astype(np.float32)


def _evenly_lit(luma: Floats) -> Floats:
    log = np.log(luma)
    light = cv2.GaussianBlur(log, (0, 0), float(np.sqrt(luma.size)) / 20)
    return np.asarray(np.clip(np.exp(log - light + np.log(luma.mean())), 0, 1), np.float32)


def _dark(plane: Floats) -> Floats:
    return np.asarray(cv2.erode(plane, np.ones((_WINDOW, _WINDOW), np.uint8)), np.float32)


def _guided(plane: Floats, guide: Floats) -> Floats:
    """Guided filter (He, Sun, Tang, IEEE TPAMI 35(6), 2013, algorithm 1); at least 0.05."""
    mean_guide, mean_plane = _box(guide), _box(plane)
    slope = (_box(guide * plane) - mean_guide * mean_plane) / (_box(guide * guide) - mean_guide**2 + _EPSILON)
    return np.asarray(np.maximum(_box(slope) * guide + _box(mean_plane - slope * mean_guide), 0.05), np.float32)


def _box(plane: Floats) -> Floats:
    return np.asarray(cv2.blur(plane, (2 * _RADIUS + 1,) * 2, borderType=cv2.BORDER_REFLECT), np.float32)


def _searched(picture: Callable[[float], Floats], miss: Callable[[Floats], float]) -> Floats:
    """The picture at the strength from 0 to 1 that misses least, by golden section (Kiefer 1953)."""
    low, high = 0.0, 1.0
    inner = [high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)]
    misses = [miss(picture(strength)) for strength in inner]
    for _ in range(10):
        if misses[0] < misses[1]:  # equals: nothing is clipped yet, and more is needed
            high, inner[1], misses[1] = inner[1], inner[0], misses[0]
            inner[0] = high - _GOLDEN * (high - low)
            misses[0] = miss(picture(inner[0]))
        else:
            low, inner[0], misses[0] = inner[0], inner[1], misses[1]
            inner[1] = low + _GOLDEN * (high - low)
            misses[1] = miss(picture(inner[1]))
    return picture((low + high) / 2)
