"""What several factors need of optics: light that spreads, that veils, and that leaves soft-edged discs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cofenet.degradation.canvas import Canvas, Image
from cofenet.degradation.canvas import blur as gaussian_blur
from cofenet.geometry import resize

Filter = Callable[[NDArray[np.float32]], NDArray[np.float32]]

Kernel = Callable[[int], NDArray[np.float32]]
"""From pixels a side of the photograph to a kernel, float32 (K, K), K odd."""


def spread(image: Image, canvas: Canvas, blur: Filter) -> Image:
    """Blur the retina as though it went on beyond the edge of the field of view.

        x ← (v x ∗ k) / (v ∗ k),    v = 1 where retina is seen, else 0

    The field stop lies behind the optics that blur, so that no black is mixed in at the rim.
    """
    blurred = blur(image * cv2.merge([canvas.visible] * 3))
    share = canvas.visible / np.maximum(blur(canvas.visible), np.float32(1e-3))
    blurred *= cv2.merge([share] * 3)
    return np.clip(blurred, 0, 1, out=blurred)


def with_kernel(kernel: Kernel, extent: float, side: int) -> Filter:
    """Convolution with a kernel that is `extent` wide, a fraction.

    A kernel of many pixels is applied to a reduced photograph, which adds at most a twentieth to its width.
    """
    size = math.ceil(side / (1 + int(extent * side / _COARSE)))
    taps = kernel(size)
    taps = taps / taps.sum()

    def convolve(image: NDArray[np.float32]) -> NDArray[np.float32]:
        blurred = cv2.filter2D(resize(image, (size, size)), -1, taps, borderType=cv2.BORDER_REFLECT)
        return resize(np.asarray(blurred, np.float32), (side, side))

    return convolve


def with_gaussian(sigma: float, side: int) -> Filter:
    """Convolution with a Gaussian of standard deviation `sigma`, a fraction, cut off at 3 sigma on either side.

    A wide one is applied to a reduced photograph, narrowed by what reducing and enlarging add: a variance of r² / 4.
    """
    step = 1 + int(6 * sigma * side / _COARSE)
    size = math.ceil(side / step)
    narrowed = math.sqrt(max((sigma * side / step) ** 2 - (0.25 if step > 1 else 0), 0))

    def convolve(image: NDArray[np.float32]) -> NDArray[np.float32]:
        width = 6 * narrowed + 1
        return resize(gaussian_blur(resize(image, (size, size)), (width, width), narrowed), (side, side))

    return convolve


_COARSE = 12.0
"""Pixels: kernels wider than this are applied to a reduced photograph."""


def mean(image: Image, canvas: Canvas) -> float:
    """The mean of all channels over the visible retina."""
    return float(np.mean(cv2.mean(image, canvas.visible.astype(np.uint8))[:3]))


def cloud(side: int, center: tuple[float, float], extent: tuple[float, float]) -> NDArray[np.float32]:
    """A Gaussian of height 1: float32 (side, side); `center` and standard deviations `extent` in fractions, (x, y)."""
    places = (np.arange(side) + 0.5) / side
    across, down = (np.exp(-0.5 * ((places - c) / e) ** 2) for c, e in zip(center, extent, strict=True))
    return np.outer(down.astype(np.float32), across.astype(np.float32))


def veiled(image: Image, canvas: Canvas, opacity: NDArray[np.float32], light: NDArray[np.float64]) -> Image:
    """Lay light over the visible retina:  x ← (1 − o) x + o · min(1, light)."""
    opacity = opacity * canvas.visible
    veil = np.asarray(cv2.transform(opacity, np.minimum(light, 1)[:, None]), np.float32)
    out = image * cv2.merge([np.float32(1) - opacity] * 3)
    out += veil
    return np.clip(out, 0, 1, out=out)


@dataclass(frozen=True, slots=True)
class SoftDisc:
    """A disc whose edge fades linearly over `edge`: a shadow or a reflex out of focus. Lengths in fractions.

    s(r) = clip(½ + (radius − r) / edge, 0, 1)
    """

    x: float
    y: float
    radius: float
    edge: float

    def window(self, side: int) -> tuple[slice, slice]:
        """Rows and columns that the disc reaches on a square of `side` pixels."""
        reach = (self.radius + self.edge / 2) * side + 2
        top, bottom, left, right = (
            min(max(int(place * side + way * reach), 0), side) for place in (self.y, self.x) for way in (-1, 1)
        )
        return slice(top, bottom), slice(left, right)

    def draw(self, side: int) -> NDArray[np.float32]:
        """Draw s over the window, float32. An edge of less than a pixel is drawn one pixel wide."""
        rows, columns = self.window(side)
        dy = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] + np.float32(0.5 - self.y * side)
        dx = np.arange(columns.start, columns.stop, dtype=np.float32)[None] + np.float32(0.5 - self.x * side)
        inside = np.float32(self.radius * side) - np.hypot(dy, dx)
        return np.asarray(np.clip(0.5 + inside / max(self.edge * side, 1.0), 0, 1), np.float32)
