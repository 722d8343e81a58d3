from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cofenet.geometry import Circle, Crop, grown, resize

LENGTHS = st.floats(1, 500)


def test_a_mask_holds_the_pixels_whose_centres_lie_inside() -> None:
    mask = Circle(2.0, 2.0, 1.6).mask((4, 4))
    assert mask.astype(int).tolist() == [[0, 1, 1, 0], [1, 1, 1, 1], [1, 1, 1, 1], [0, 1, 1, 0]]


def test_coverage_sums_to_the_area() -> None:
    assert Circle(50.3, 49.6, 30.2).coverage((100, 100)).sum() == pytest.approx(np.pi * 30.2**2, rel=2e-3)


@given(
    left=st.integers(-30, 30), top=st.integers(-30, 30), side=st.integers(1, 60),
    height=st.integers(1, 40), width=st.integers(1, 40),
)  # fmt: skip
def test_a_crop_at_its_own_size_is_the_pixels_themselves(
    left: int, top: int, side: int, height: int, width: int
) -> None:
    image = np.arange(1, height * width + 1, dtype=np.uint16).reshape(height, width)
    crop = Crop(left, top, side, side)
    square = crop.take(image)
    rows, columns, inner_rows, inner_columns = crop.visible((height, width))
    np.testing.assert_array_equal(square[inner_rows, inner_columns], image[rows, columns])
    assert not np.shares_memory(square, image)
    square[inner_rows, inner_columns] = 0
    assert not square.any()


@given(left=st.integers(-30, 50), top=st.integers(-30, 50), side=st.integers(20, 60), size=st.integers(5, 60))
def test_where_a_crop_lies_makes_no_difference(left: int, top: int, side: int, size: int) -> None:
    image = np.random.default_rng(0).integers(1, 255, (80, 90, 3), np.uint8)
    around = np.pad(image, ((30, 30), (30, 30), (0, 0)))
    inside = Crop(left + 30, top + 30, side, size).take(around)
    np.testing.assert_array_equal(Crop(left, top, side, size).take(image), inside)


def test_a_crop_around_a_circle_holds_it() -> None:
    crop = Crop.around(Circle(100.2, 80.7, 60.1), 512)
    assert (crop.left, crop.top, crop.side) == (40, 21, 120)


def test_what_is_grown_reaches_as_far_as_told() -> None:
    mask = np.zeros((21, 21), np.bool_)
    mask[10, 10] = True
    rows, columns = np.nonzero(grown(mask, 6.3))
    away = np.hypot(rows - 10, columns - 10)
    assert 6 <= away.max() < 6.5
    assert len(away) == pytest.approx(np.pi * 6**2, rel=0.1)
    assert grown(mask, 0.2).sum() == 5


def test_shrinking_averages() -> None:
    image = np.array([[0, 100], [200, 100]], np.uint8)
    assert resize(image, (1, 1)).tolist() == [[100]]
    assert resize(image, (2, 2)) is image


def test_a_mask_that_is_cut_out_stays_one() -> None:
    mask = Circle(20.0, 22.0, 15.0).mask((40, 50))
    cut = Crop(3, 5, 34, 17).take_mask(mask)
    assert cut.dtype == np.bool_
    assert cut.sum() == pytest.approx(mask.sum() / 4, rel=0.05)
    np.testing.assert_array_equal(Crop(0, 0, 50, 50).take_mask(mask)[:40], mask)
