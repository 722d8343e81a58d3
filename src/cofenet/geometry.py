"""Sizes, circles, boxes and crops: frozen and invertible.

All lengths here are pixels of one photograph. Degradation parameters are fractions of the field-of-view diameter, so
that they fit a photograph of any size; `degradation.canvas` makes pixels of them.

Pixel coordinates: x to the right, y down; pixel (column i, row j) covers [i, i+1) × [j, j+1), its centre is at
(i + 0.5, j + 0.5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

Value = TypeVar("Value", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Circle:
    """A circle in pixels: centre (`x`, `y`) and `radius`."""

    x: float
    y: float
    radius: float

    @property
    def diameter(self) -> float:
        """Twice the radius, in pixels."""
        return 2.0 * self.radius

    def scaled(self, factor: float) -> Circle:
        """The same circle in a photograph resized by `factor`."""
        return Circle(self.x * factor, self.y * factor, self.radius * factor)

    def distance(self, shape: tuple[int, int]) -> NDArray[np.float32]:
        """Distance of each pixel centre from the circle's centre, in pixels: float32 of `shape` (H, W)."""
        dy = np.arange(shape[0], dtype=np.float32)[:, None] + np.float32(0.5 - self.y)
        dx = np.arange(shape[1], dtype=np.float32)[None, :] + np.float32(0.5 - self.x)
        return np.asarray(np.hypot(dy, dx), np.float32)

    def coverage(self, shape: tuple[int, int]) -> NDArray[np.float32]:
        """How much of each pixel the disc covers, 0 to 1: float32 of `shape` (H, W)."""
        return np.asarray(np.clip(self.radius + 0.5 - self.distance(shape), 0, 1), np.float32)

    def mask(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Pixels whose centre lies inside: bool of `shape` (H, W)."""
        return self.distance(shape) <= self.radius


@dataclass(frozen=True, slots=True)
class Crop:
    """A square cut-out of a photograph resized to `size` × `size`; parts beyond the photograph are zero.

    `left`, `top` and `side` are whole pixels of the photograph, so that the cut-out itself is exact.
    """

    left: int
    top: int
    side: int
    size: int

    @classmethod
    def around(cls, circle: Circle, size: int) -> Crop:
        """The smallest whole-pixel square that holds `circle`."""
        side = max(1, round(circle.diameter))
        return cls(round(circle.x - side / 2), round(circle.y - side / 2), side, size)

    def visible(self, shape: tuple[int, int]) -> tuple[slice, slice, slice, slice]:
        """The part of the square inside a photograph of `shape` (H, W).

        Returns:
            Rows and columns of the photograph, then the matching rows and columns of the (side, side) square.
        """
        top, bottom = max(self.top, 0), min(self.top + self.side, shape[0])
        left, right = max(self.left, 0), min(self.left + self.side, shape[1])
        rows, columns = slice(top, max(top, bottom)), slice(left, max(left, right))
        inner_rows = slice(rows.start - self.top, rows.stop - self.top)
        inner_columns = slice(columns.start - self.left, columns.stop - self.left)
        return rows, columns, inner_rows, inner_columns

    def take(self, image: NDArray[Value]) -> NDArray[Value]:
        """Cut out and resize `image` (H, W) or (H, W, C): the same dtype, (size, size[, C]).

        Shrinking averages areas; enlarging is bilinear.
        """
        rows, columns, inner_rows, inner_columns = self.visible(image.shape[:2])
        square = image[rows, columns]
        if square.shape[:2] != (self.side, self.side) or self.side == self.size:
            square = np.zeros((self.side, self.side, *image.shape[2:]), image.dtype)
            square[inner_rows, inner_columns] = image[rows, columns]
        return resize(square, (self.size, self.size))

    def take_mask(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Cut out and resize `mask`, bool (H, W): bool (size, size), where half of a pixel or more is covered."""
        return self.take(mask.view(np.uint8) * np.uint8(255)) > np.uint8(127)


def grown(mask: NDArray[np.bool_], reach: float) -> NDArray[np.bool_]:
    """`mask`, bool (H, W), with all that lies within `reach` pixels of it, one at least."""
    side = 2 * max(1, round(reach)) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return np.asarray(cv2.dilate(mask.astype(np.uint8), disc) > 0)


def resize(image: NDArray[Value], shape: tuple[int, int]) -> NDArray[Value]:
    """Resize to `shape` (H, W) by area averaging when shrinking, bilinearly when enlarging; keeps the dtype."""
    if image.shape[:2] == shape:
        return image
    shrinks = shape[0] * shape[1] < image.shape[0] * image.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    pixels: Any = image
    return np.asarray(cv2.resize(pixels, (shape[1], shape[0]), interpolation=method), dtype=image.dtype)
