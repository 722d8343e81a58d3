"""What every factor is given beside the photograph: its size, its visible retina, and smooth shapes drawn on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from cofenet.geometry import Circle

Image = NDArray[np.float32]


class Draw(Protocol):
    """From pixels a side to a picture of a shape."""

    def __call__(self, size: int, /) -> NDArray[np.float32]:
        """Draw the shape: float32 (size, size)."""


_FINE = 16.0
"""A shape blurred over more pixels than this is drawn smaller and enlarged: the enlarging error stays under 1/500."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """The square around the field of view, in which all fractions are measured.

    Attributes:
        side: pixels a side; a fraction of 1.0 is this many pixels.
        visible: float32 (side, side), 1 where retina is seen, 0 elsewhere.
    """

    side: int
    visible: NDArray[np.float32]

    def smooth_shape(self, draw: Draw, kernel: tuple[float, float], sigma: float) -> NDArray[np.float32]:
        """Draw a shape and blur it by a truncated Gaussian.

        Args:
            draw: gives the shape as float32 (n, n) on a canvas of n pixels a side.
            kernel: full width and height of the Gaussian's support, fractions.
            sigma: its standard deviation, a fraction.

        Returns:
            float32 (side, side).
        """
        reduction = max(1, int(min(kernel) * self.side / _FINE))
        size = max(8, round(self.side / reduction))
        shape = blur(draw(size), (kernel[0] * size, kernel[1] * size), sigma * size)
        if size == self.side:
            return shape
        return np.asarray(cv2.resize(shape, (self.side, self.side), interpolation=cv2.INTER_LINEAR), np.float32)


@dataclass(frozen=True, slots=True)
class Disc:
    """A filled disc, anti-aliased; centre and radius in fractions."""

    x: float
    y: float
    radius: float

    def __call__(self, size: int, /) -> NDArray[np.float32]:
        """Draw the disc: float32 (size, size)."""
        circle = Circle(self.x * size, self.y * size, self.radius * size)
        return circle.coverage((size, size))


@dataclass(frozen=True, slots=True)
class Ring:
    """What lies in exactly one of two concentric discs."""

    inner: Disc
    outer: Disc

    def __call__(self, size: int, /) -> NDArray[np.float32]:
        """Draw the ring: float32 (size, size)."""
        return np.asarray(np.abs(self.outer(size) - self.inner(size)), np.float32)


def gaussian_kernel(width: float, sigma: float) -> NDArray[np.float32]:
    """A Gaussian cut off at `width` pixels across, which need not be whole: sums to 1, odd length.

    The end taps weigh as much as they lie inside the width, so that the same kernel can be written for any pixel size;
    for odd whole widths it is OpenCV's.
    """
    half = max(0, int(np.ceil((width - 1.0) / 2.0 - 1e-6)))
    taps = np.arange(-half, half + 1, dtype=np.float64)
    covered = np.clip(width / 2.0 - (np.abs(taps) - 0.5), 0.0, 1.0)
    weights = covered * np.exp(-0.5 * (taps / max(sigma, 1e-6)) ** 2)
    return np.asarray(weights / weights.sum(), np.float32)


def blur(image: NDArray[np.float32], kernel: tuple[float, float], sigma: float) -> NDArray[np.float32]:
    """Blur float32 (H, W[, C]) by a Gaussian of `sigma` cut off at `kernel` (width, height); all in pixels."""
    horizontal, vertical = gaussian_kernel(kernel[0], sigma), gaussian_kernel(kernel[1], sigma)
    return np.asarray(cv2.sepFilter2D(image, -1, horizontal, vertical), np.float32)
