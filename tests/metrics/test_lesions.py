"""Contrast of lesions: what a known change of light, veil or paint does to it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cofenet.metrics.lesions import lesion_contrast_kept, lesion_contrasts

SIDE = 200
FOV = np.ones((SIDE, SIDE), np.bool_)


def scene() -> tuple[np.ndarray, np.ndarray]:
    """A bright and a dark square on grey, and their mask."""
    image, lesions = np.full((SIDE, SIDE, 3), 100, np.uint8), np.zeros((SIDE, SIDE), np.bool_)
    for top, value in ((40, 150), (120, 60)):
        image[top : top + 12, 60:72] = value
        lesions[top : top + 12, 60:72] = True
    return image, lesions


def test_weber_contrast_of_drawn_lesions() -> None:
    image, lesions = scene()
    np.testing.assert_allclose(lesion_contrasts(image, lesions, FOV), [0.5, -0.4])


@given(st.floats(0.3, 1.6))
def test_a_gain_keeps_it(gain: float) -> None:
    image, lesions = scene()
    brighter = np.rint(image * gain).astype(np.uint8)
    assert lesion_contrast_kept(brighter, image, lesions, FOV) == pytest.approx(1, abs=0.05)  # dark levels are rounded


@given(st.floats(0.1, 1))
def test_a_veil_takes_its_share(transmission: float) -> None:
    image, lesions = scene()
    veiled = np.rint(image * transmission + 100 * (1 - transmission)).astype(np.uint8)
    assert lesion_contrast_kept(veiled, image, lesions, FOV) == pytest.approx(transmission, abs=0.03)


def test_erased_and_turned_round() -> None:
    image, lesions = scene()
    assert lesion_contrast_kept(np.full_like(image, 100), image, lesions, FOV) == pytest.approx(0)
    assert lesion_contrast_kept(200 - image, image, lesions, FOV) == pytest.approx(-1)


def test_no_lesion_no_number() -> None:
    image, lesions = scene()
    assert math.isnan(lesion_contrast_kept(image, image, np.zeros_like(lesions), FOV))
    assert math.isnan(lesion_contrast_kept(image, image, lesions, np.zeros_like(FOV)))


def test_neighbours_are_no_surround() -> None:
    image, lesions = scene()
    image[40:52, 75:80], lesions[40:52, 75:80] = 255, True
    assert lesion_contrasts(image, lesions, FOV)[0] == pytest.approx(0.5)
