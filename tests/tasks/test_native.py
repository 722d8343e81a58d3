"""The strip-wise correction against a slow, obvious twin that enlarges everything at once."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cofenet.fov import FieldOfView
from cofenet.geometry import Circle, Crop
from cofenet.tasks.native import Correctors, apply_natively


def correctors(seed: int, size: int = 64, grid: int = 8) -> Correctors:
    rng = np.random.default_rng(seed)
    field = rng.normal(0, 0.1, (3, 4, grid, grid)).astype(np.float32)
    return Correctors(field, rng.normal(0, 0.05, (3, size, size)).astype(np.float32))


def scene(height: int, width: int, radius: float, dtype: type) -> tuple[NDArray[np.uint8], FieldOfView]:
    rng = np.random.default_rng(1)
    circle = Circle(width / 2 + 1, height / 2 - 2, radius)
    image = rng.integers(0, np.iinfo(dtype).max, (height, width, 3), dtype)
    return image, FieldOfView(circle.mask((height, width)), circle, 1.0)


def obvious(image: np.ndarray, fov: FieldOfView, crop: Crop, what: Correctors, strength: float) -> np.ndarray:
    full = np.iinfo(image.dtype).max
    method = cv2.INTER_CUBIC if 2 * crop.side >= what.residual.shape[1] else cv2.INTER_AREA
    enlarge = lambda plane, how: cv2.resize(plane, (crop.side, crop.side), interpolation=how)  # noqa: E731
    residual = np.stack([enlarge(plane, method) for plane in what.residual], axis=2)
    field = np.stack([enlarge(plane, cv2.INTER_CUBIC) for row in what.field for plane in row], axis=2)
    field = field.reshape(crop.side, crop.side, 3, 4)
    rows, columns, inner_rows, inner_columns = crop.visible(image.shape[:2])
    x = image[rows, columns] / full
    y = x + residual[inner_rows, inner_columns]
    matrix = field[inner_rows, inner_columns]
    y = y + np.einsum("hwij,hwj->hwi", matrix[..., :3], y) + matrix[..., 3]
    out = image.astype(float)
    out[rows, columns] = np.where(
        fov.mask[rows, columns][..., None], full * np.clip(x + strength * (y - x), 0, 1), out[rows, columns]
    )
    return out


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    ("height", "width", "radius"), [(150, 180, 70), (150, 180, 110), (60, 70, 25), (36, 40, 14), (140, 140, 32)]
)
def test_equals_the_obvious_way(height: int, width: int, radius: float, dtype: type) -> None:
    image, fov = scene(height, width, radius, dtype)
    crop = Crop.around(fov.circle, 64)
    fast = apply_natively(image, fov, crop, correctors(0), 0.8)
    slow = obvious(image, fov, crop, correctors(0), 0.8)
    assert np.abs(fast - slow).max() <= 0.51 + np.iinfo(dtype).max * 2e-6


@given(seed=st.integers(0, 1000), strength=st.floats(0, 1))
@settings(max_examples=15, deadline=None)
def test_nothing_changes_outside(seed: int, strength: float) -> None:
    image, fov = scene(90, 100, 40, np.uint8)
    kept = image.copy()
    out = apply_natively(image, fov, Crop.around(fov.circle, 64), correctors(seed), strength)
    np.testing.assert_array_equal(out[~fov.mask], image[~fov.mask])
    np.testing.assert_array_equal(image, kept)


def test_no_correctors_change_nothing() -> None:
    image, fov = scene(90, 100, 40, np.uint16)
    nothing = Correctors(np.zeros((3, 4, 8, 8), np.float32), np.zeros((3, 64, 64), np.float32))
    np.testing.assert_array_equal(apply_natively(image, fov, Crop.around(fov.circle, 64), nothing, 1.0), image)


def test_a_smooth_field_leaves_no_grid_or_seam() -> None:
    """On a flat photograph, second differences of the result stay as small as those of the smooth field itself."""
    side = 600
    image = np.full((side, side, 3), 30000, np.uint16)
    fov = FieldOfView(np.ones((side, side), np.bool_), Circle(side / 2, side / 2, side / 2), 1.0)
    y, x = np.mgrid[:16, :16] / 16
    field = np.zeros((3, 4, 16, 16), np.float32)
    field[:, 3] = 0.2 * np.sin(3 * x) * np.cos(2 * y)
    what = Correctors(field, np.zeros((3, 64, 64), np.float32))
    out = apply_natively(image, fov, Crop.around(fov.circle, 64), what, 1.0).astype(float)
    bends = max(float(np.abs(np.diff(out, 2, axis)).max()) for axis in (0, 1))
    assert bends <= 8  # a step of half a grey level of 8 bits would bend by 128
