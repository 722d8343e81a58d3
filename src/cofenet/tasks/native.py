"""Apply a correction seen small to a photograph at its own size, a strip of rows at a time.

Field and residual are enlarged by bicubic convolution (Keys 1981, a = -0.75, as OpenCV and PyTorch have it): smooth,
so that no grid shows. Memory beyond the photograph is bounded by the strip.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cofenet.engine.threads import threads
from cofenet.fov import FieldOfView
from cofenet.geometry import Crop, resize

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8] | NDArray[np.uint16]

_STRIP = 1 << 16
"""Pixels worked on at a time: enough to make a call worth while, few enough to stay in the processor's cache."""


@dataclass(frozen=True)
class Correctors:
    """What to change, in the square around the field of view.

    Attributes:
        field: float32 (3, 4, G, G): for each output colour three weights and an offset, as differences from identity.
        residual: float32 (3, S, S), added first.
    """

    field: Floats
    residual: Floats


def apply_natively(image: Pixels, fov: FieldOfView, crop: Crop, correctors: Correctors, strength: float) -> Pixels:
    """Correct inside the field of view; see `cofenet.tasks.correction` for the equation.

    Args:
        image: uint8 or uint16 (H, W, 3), RGB.
        fov: where.
        crop: the square that the correctors describe.
        correctors: what to change.
        strength: how much of it, 0 to 1.

    Returns:
        A new array like `image`.
    """
    rows, columns, inner_rows, inner_columns = crop.visible(image.shape[:2])
    out = image.copy()
    target, seen = out[rows, columns], fov.mask[rows, columns].view(np.uint8)
    full = np.float32(np.iinfo(image.dtype).max)
    units = np.array([1, 1, 1, full], np.float32)[:, None, None]  # offsets and residual in steps of the photograph
    planes = (correctors.field * units * np.float32(strength)).reshape(12, *correctors.field.shape[2:])
    field = _Enlarged(planes, crop.side, inner_columns)
    residual = _Enlarged(correctors.residual * full, crop.side, inner_columns)
    workers = threads()
    height = max(1, min(_STRIP // max(1, target.shape[1]), -(-target.shape[0] // workers)))

    def work(worker: int) -> None:
        benches = field.bench(height), residual.bench(height)
        for top in range(worker * height, target.shape[0], workers * height):
            strip = slice(top, min(top + height, target.shape[0]))
            inner = slice(inner_rows.start + strip.start, inner_rows.start + strip.stop)
            changes = field.rows(inner, benches[0]), residual.rows(inner, benches[1])
            cv2.copyTo(_correct_strip(target[strip], *changes, strength), seen[strip], target[strip])

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(workers)))
    return out


def _correct_strip(strip: Pixels, field: Floats, residual: Floats, strength: float) -> Pixels:
    """Correct rows (h, w, 3) by field (12, h, w), already weakened, and residual (3, h, w); `field` is used up."""
    colours = cv2.split(strip)
    cleaned = [cv2.add(x, r, dtype=cv2.CV_32F) for x, r in zip(colours, residual, strict=True)]
    corrected = []
    for colour, x in enumerate(colours):
        *weights, total = field[4 * colour : 4 * colour + 4]
        for weight, plane in zip(weights, cleaned, strict=True):
            cv2.accumulateProduct(weight, plane, total)
        cv2.scaleAdd(residual[colour], strength, total, total)
        corrected.append(cv2.add(x, total, dtype=cv2.CV_8U if strip.dtype == np.uint8 else cv2.CV_16U))
    changed = np.empty(strip.shape, strip.dtype)
    cv2.merge(corrected, dst=changed)
    return changed


class _Enlarged:
    """Planes (C, S, S) seen at (C, side, side), some rows at a time, and only some columns."""

    def __init__(self, planes: Floats, side: int, columns: slice) -> None:
        if side < planes.shape[1]:
            planes = np.stack([_reduced(plane, side) for plane in planes])
        self._planes, self._side, self._columns = planes, side, columns
        self._weights = _bicubic(planes.shape[1], side) if side > planes.shape[1] else None

    def bench(self, height: int) -> Floats:
        """An array for `rows` to fill again and again: to ask for fresh memory takes longer than to fill it."""
        return np.empty((len(self._planes) * height, self._side), np.float32)

    def rows(self, rows: slice, bench: Floats) -> Floats:
        """float32 (C, rows, columns); they lie in `bench`, or are the planes themselves if those need no enlarging."""
        if self._weights is None:
            return self._planes[:, rows, self._columns]
        weights = self._weights[rows]
        used = np.flatnonzero(weights.any(0))
        near = slice(int(used[0]), int(used[-1]) + 1)
        tall = np.matmul(weights[:, near], self._planes[:, near])  # C, rows, S
        flat, wide = tall.reshape(-1, tall.shape[2]), bench[: tall.shape[0] * tall.shape[1]]
        cv2.resize(flat, (self._side, len(flat)), dst=wide, interpolation=cv2.INTER_CUBIC)
        return wide.reshape(*tall.shape[:2], self._side)[..., self._columns]


def _reduced(plane: Floats, side: int) -> Floats:
    """A plane (S, S) at (side, side): as if enlarged, which keeps it sharp, while no two pixels fall on one."""
    if 2 * side < len(plane):
        return resize(plane, (side, side))
    return np.asarray(cv2.resize(plane, (side, side), interpolation=cv2.INTER_CUBIC), np.float32)


def _bicubic(source: int, target: int) -> Floats:
    """Weights (target, source) of bicubic interpolation between pixel centres, edges repeated."""
    centres = (np.arange(target) + 0.5) * source / target - 0.5
    first = np.floor(centres).astype(int) - 1
    weights = np.zeros((target, source), np.float32)
    for tap in range(4):
        distance = np.abs(centres - (first + tap))
        np.add.at(weights, (np.arange(target), np.clip(first + tap, 0, source - 1)), _keys(distance))
    return weights


def _keys(distance: NDArray[np.float64], a: float = -0.75) -> NDArray[np.float64]:
    """Keys' cubic convolution kernel (IEEE TASSP 29(6), 1981, eq. 15 with free a)."""
    near = (a + 2) * distance**3 - (a + 3) * distance**2 + 1
    far = a * (distance**3 - 5 * distance**2 + 8 * distance - 4)
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0.0))
