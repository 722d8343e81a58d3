"""Planted harms stay where they were planted, are visible, and are the same again for the same numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from cofenet.evaluation import harms
from cofenet.fov import FieldOfView, find_fov
from cofenet.tasks.segmentation import Disc

Draw = Callable[..., np.ndarray]
SIMPLE = [harms.draw_vessel, harms.cast, harms.blur]


@pytest.fixture(scope="module")
def image(draw: Draw) -> np.ndarray:
    return draw(3, 400, 420)


@pytest.fixture(scope="module")
def fov(image: np.ndarray) -> FieldOfView:
    return find_fov(image)


@pytest.mark.parametrize("harm", SIMPLE)
@pytest.mark.parametrize("seed", range(4))
def test_a_harm_is_seen_inside_the_field_of_view_alone(
    image: np.ndarray, fov: FieldOfView, harm: Callable[..., np.ndarray], seed: int
) -> None:
    kept = image.copy()
    harmed, again = (harm(image, fov, np.random.default_rng(seed)) for _ in range(2))
    np.testing.assert_array_equal(harmed, again)
    np.testing.assert_array_equal(image, kept)
    np.testing.assert_array_equal(harmed[~fov.mask], image[~fov.mask])
    assert np.abs(harmed.astype(int) - image).max() > 10


def test_a_drawn_vessel_is_darker_and_a_thin_line(image: np.ndarray, fov: FieldOfView) -> None:
    harmed = harms.draw_vessel(image, fov, np.random.default_rng(0))
    assert (harmed <= image).all()
    drawn = (image.astype(int) - harmed).max(2) > 4
    rows, columns = np.nonzero(drawn)
    extent = np.hypot(np.ptp(rows), np.ptp(columns)) / fov.circle.diameter
    assert 0.1 < extent < 0.35
    assert drawn.sum() / extent / fov.circle.diameter**2 < 0.03


def test_an_erased_vessel_is_brighter_along_it(image: np.ndarray, fov: FieldOfView) -> None:
    dark = image[..., 1] < 0.85 * np.median(image[fov.mask][:, 1])
    vessels = dark & (fov.circle.distance(image.shape[:2]) < 0.9 * fov.circle.radius)
    erased = harms.erase_vessel(image, fov, vessels, np.random.default_rng(1))
    assert erased is not None
    changed = (erased != image).any(2)
    assert 0.001 < changed[fov.mask].mean() < 0.1
    there = changed & vessels
    assert erased[there, 1].mean() > image[there, 1].mean() + 5


def test_no_vessel_is_erased_where_there_is_none(image: np.ndarray, fov: FieldOfView) -> None:
    assert harms.erase_vessel(image, fov, np.zeros_like(fov.mask), np.random.default_rng(0)) is None


@pytest.mark.parametrize("seed", range(6))
def test_a_lesion_that_is_painted_over_is_gone(image: np.ndarray, fov: FieldOfView, seed: int) -> None:
    drawn, where = harms.draw_lesion(image, fov, np.random.default_rng(seed))
    assert 0.0004 < where[fov.mask].mean() < 0.006
    gone = harms.paint_over(drawn, where, np.random.default_rng(seed))
    before, after = (np.abs(picture[where].astype(float) - image[where]).mean() for picture in (drawn, gone))
    assert after < 0.6 * before


def test_the_disc_moves_as_far_as_is_said(image: np.ndarray, fov: FieldOfView) -> None:
    plain = np.full_like(image, 80)
    rows, columns = np.indices(image.shape[:2])
    plain[np.hypot(columns + 0.5 - 200, rows + 0.5 - 190) < 25] = 200
    moved = harms.shift_disc(plain, fov, Disc(200, 190, 50, 50, None), np.random.default_rng(2))
    bright = moved[..., 0] > 140
    away = np.hypot(columns[bright].mean() + 0.5 - 200, rows[bright].mean() + 0.5 - 190)
    assert 0.3 * 50 - 1.5 < away < 0.5 * 50 + 1.5
    assert bright.sum() == pytest.approx((plain[..., 0] > 140).sum(), rel=0.1)


def test_another_eye_lies_upon_this_one(image: np.ndarray, fov: FieldOfView, draw: Draw) -> None:
    other = draw(8, 300, 300)
    placed = harms.other_eye(image, fov, other, find_fov(other))
    np.testing.assert_array_equal(placed[~fov.mask], image[~fov.mask])
    assert (placed[fov.mask] != image[fov.mask]).any(1).mean() > 0.9
    np.testing.assert_array_equal(harms.other_eye(image, fov, image, fov), image)
