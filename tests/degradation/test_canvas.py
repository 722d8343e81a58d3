from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cofenet.degradation.canvas import Canvas, Disc, Ring, blur, gaussian_kernel


@pytest.mark.parametrize(("width", "sigma"), [(3, 5.0), (7, 1.2), (149, 99.3)])
def test_whole_odd_kernels_are_opencvs(width: int, sigma: float) -> None:
    expected = cv2.getGaussianKernel(width, sigma, cv2.CV_32F).ravel()
    np.testing.assert_allclose(gaussian_kernel(width, sigma), expected, atol=1e-6)


@given(width=st.floats(0, 60), sigma=st.floats(1e-3, 100))
def test_kernels_sum_to_one_and_are_symmetric(width: float, sigma: float) -> None:
    kernel = gaussian_kernel(width, sigma)
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_array_equal(kernel, kernel[::-1])
    assert len(kernel) % 2 == 1


def test_a_fractional_box_covers_its_width() -> None:
    np.testing.assert_allclose(gaussian_kernel(2.0, 1e6), [0.25, 0.5, 0.25], atol=1e-5)


def test_blurring_a_constant_leaves_it() -> None:
    flat = np.full((40, 50), 0.3, np.float32)
    np.testing.assert_allclose(blur(flat, (9.5, 3.0), 4.0), flat, atol=1e-6)


def test_a_reduced_shape_equals_the_full_one() -> None:
    """Wide kernels are drawn small and enlarged; the slow way is to blur at full size."""
    side, disc = 400, Disc(0.4, 0.55, 0.2)
    fast = Canvas(side, np.ones((side, side), np.float32)).smooth_shape(disc, (0.3, 0.25), 0.2)
    slow = blur(disc(side), (0.3 * side, 0.25 * side), 0.2 * side)
    assert np.abs(fast - slow).max() < 0.01


def test_a_ring_is_what_lies_between() -> None:
    ring = Ring(Disc(0.5, 0.5, 0.2), Disc(0.5, 0.5, 0.4))(100)
    assert ring[50, 50] == 0
    assert ring[50, 80] == 1
    assert ring[50, 95] == 0
