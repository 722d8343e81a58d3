"""What every factor is given beside the photograph: its size, its visible retina, and smooth shapes drawn on it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
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

_COARSE = 8.0
"""A photograph is blurred at a size at which the kernel has about this many pixels, or at its own."""

_BAND = 1 << 15
"""Pixels in a band: 400 kB of float32 RGB."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """The square around the field of view, in which all fractions are measured.

    Attributes:
        side: pixels a side; a fraction of 1.0 is this many pixels.
        visible: float32 (side, side), 1 where retina is seen, 0 elsewhere.
    """

    side: int
    visible: NDArray[np.float32]
    _spare: list[Image] = field(default_factory=list, init=False, repr=False, compare=False)

    def like(self, image: Image) -> Image:
        """An array like `image`, to be filled. A used one is taken again: fresh memory costs more than filling it."""
        return self._spare.pop() if self._spare else np.empty_like(image)

    def give_back(self, image: Image) -> None:
        """Offer a whole square, float32 (side, side, 3), that nobody reads any more, to the next `like`."""
        self._spare.append(image)

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


def bands(image: NDArray[np.float32]) -> Iterator[slice]:
    """Rows of `image` in bands that stay in the processor's cache while several operations pass over them."""
    rows = max(1, _BAND // image.shape[1])
    for start in range(0, image.shape[0], rows):
        yield slice(start, start + rows)


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
    """Blur float32 (H, W[, C]) by a Gaussian of `sigma` cut off at `kernel` (width, height); all in pixels.

    Beyond its edge, the image is mirrored: at the edge and not at the outermost pixel's centre, which lies elsewhere at
    another size.
    """
    horizontal, vertical = gaussian_kernel(kernel[0], sigma), gaussian_kernel(kernel[1], sigma)
    return np.asarray(cv2.sepFilter2D(image, -1, horizontal, vertical, borderType=cv2.BORDER_REFLECT), np.float32)


def blur_coarsely(image: Image, kernel: tuple[float, float], sigma: float, out: Image) -> Image:
    """What `blur` does, into `out` and quicker: a kernel of many pixels is applied to a reduced photograph.

    Reducing by r averages r pixels, and enlarging interpolates linearly: a variance of r² / 12 and of r² / 6. The
    kernel is narrowed by as much, where it is flat in its width w (variance w² / 12), where it is not in its sigma.
    """
    steps = [max(1, int(min(width, 4 * sigma) / _COARSE)) for width in kernel]
    horizontal, vertical = (_narrowed(k, sigma, step) for k, step in zip(kernel, steps, strict=True))
    if steps == [1, 1]:
        return np.asarray(
            cv2.sepFilter2D(image, -1, horizontal, vertical, dst=out, borderType=cv2.BORDER_REFLECT), np.float32
        )
    height, width = image.shape[:2]
    size = (max(1, round(width / steps[0])), max(1, round(height / steps[1])))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    small = cv2.sepFilter2D(small, -1, horizontal, vertical, borderType=cv2.BORDER_REFLECT)
    return np.asarray(cv2.resize(small, (width, height), dst=out, interpolation=cv2.INTER_LINEAR), np.float32)


def _narrowed(width: float, sigma: float, step: int) -> NDArray[np.float32]:
    if step == 1:
        return gaussian_kernel(width, sigma)
    return gaussian_kernel(math.sqrt(width**2 - 3 * step**2) / step, math.sqrt(sigma**2 - step**2 / 4) / step)
