"""Structure of two pictures: light, contrast and sharpness may change, what is drawn or gone is seen."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cofenet
from cofenet.evaluation import harms
from cofenet.fov import FieldOfView
from cofenet.geometry import Circle, Crop
from cofenet.io import read_photograph
from cofenet.tasks.safety import limits
from cofenet.tasks.structure import Structure, compare, summed, within_rim

SAMPLES = Path(__file__).parents[2] / "samples"
CIRCLE = Circle(256, 256, 256)
FOV = FieldOfView(CIRCLE.mask((512, 512)), CIRCLE, 1.0)
NO_SPOTS = np.zeros((512, 512), np.float32)


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    pixels = np.asarray(read_photograph(SAMPLES / "good/hrf_06_h.jpg").pixels, np.uint8)
    return np.where(FOV.mask[..., None], Crop.around(cofenet.find_fov(pixels).circle, 512).take(pixels), np.uint8(0))


def compared(
    one: np.ndarray, other: np.ndarray, activation: np.ndarray = NO_SPOTS, plain: np.ndarray | None = None
) -> Structure:
    before, explained, after = (
        np.ascontiguousarray((picture.astype(np.float32) / 255 * FOV.mask[..., None]).transpose(2, 0, 1))
        for picture in (one, one if plain is None else plain, other)
    )
    return compare(before, explained, after, FOV.mask, activation)


def sharpened(image: np.ndarray, sigma: float, amount: float) -> np.ndarray:
    picture = image.astype(np.float32)
    return np.clip(picture + amount * (picture - cv2.GaussianBlur(picture, (0, 0), sigma)), 0, 255)


@pytest.mark.parametrize("sigma", [1.5, 2.0, 3.0])
@pytest.mark.parametrize("amount", [0.5, 1.0])
def test_linear_sharpening_is_explained(image: np.ndarray, sigma: float, amount: float) -> None:
    blurred = np.asarray(cv2.GaussianBlur(image, (0, 0), 1.5))
    found = compared(blurred, sharpened(blurred, sigma, amount))
    assert found.lines < 0.5 * limits()["lines"].caution
    assert found.spots < 0.5 * limits()["spots"].caution
    assert found.blur <= 0


def test_what_is_known_to_draw_nothing_is_explained_wholly(image: np.ndarray) -> None:
    """As a filter that swings on, which no regression on the input's finest part tells from what was drawn."""
    rows = cv2.getGaborKernel((1, 31), 40, 0, 3.0, 1, 0)
    swinging = np.clip(image + 0.5 * cv2.filter2D(image.astype(np.float32), -1, rows / np.abs(rows).sum()), 0, 255)
    assert compared(image, swinging).difference > 3 * compared(image, swinging, plain=swinging).difference
    drawn = harms.draw_vessel(np.asarray(swinging, np.uint8), FOV, np.random.default_rng(0))
    assert compared(image, drawn, plain=swinging).lines > limits()["lines"].caution


def test_what_was_left_as_it_was_is_not_suspected_for_what_was_done_around_it(image: np.ndarray) -> None:
    given = image.astype(np.float32)
    mixed = given.copy()
    mixed[:, 256:, 1] -= 0.8 * (given[:, 256:, 2] - given[..., 2].mean())
    assert compared(image, np.clip(mixed, 0, 255)).unexplained[:, :160].max() == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_a_vessel_drawn_into_what_was_sharpened_is_found(image: np.ndarray, seed: int) -> None:
    blurred = np.asarray(cv2.GaussianBlur(image, (0, 0), 1.5))
    drawn = harms.draw_vessel(blurred, FOV, np.random.default_rng(seed))
    honest = compared(blurred, sharpened(blurred, 2.0, 1.0)).lines
    assert compared(blurred, sharpened(drawn, 2.0, 1.0)).lines >= 0.05 + 2 * honest


@settings(max_examples=8, deadline=None)
@given(gain=st.floats(0.6, 1.4), offset=st.floats(-10, 10))
def test_light_and_contrast_are_explained(image: np.ndarray, gain: float, offset: float) -> None:
    found = compared(image, np.clip(image * gain + offset, 0, 255))
    assert found.lines < limits()["lines"].caution
    assert found.hidden == 0


def test_what_is_taken_for_a_spot_is_told(image: np.ndarray) -> None:
    activation = NO_SPOTS.copy()
    activation[200:300, 200:300] = 1
    retina = np.count_nonzero(within_rim(FOV.mask))
    assert compared(image, image, activation).uncompared == pytest.approx(100**2 / retina, rel=0.25)
    assert compared(image, image).uncompared == 0
    assert compared(image, image, NO_SPOTS + 1).uncompared == 1


def test_regions_that_reach_the_peak_add_up() -> None:
    z = np.zeros((100, 100), np.float32)
    z[10:12, 10:12] = 4
    one = summed(z, 3)
    assert one == pytest.approx(np.sqrt(16) / 100)
    z[50:52, 50:52] = 4
    assert summed(z, 3) == pytest.approx(np.sqrt(2) * one)
    z[80:90, 80:90] = 2  # reaches no peak
    assert summed(z, 3) == pytest.approx(np.sqrt(2) * one)
    z[52, 50:60] = 1.6  # hangs on one that does
    assert summed(z, 3) > np.sqrt(2) * one
    assert summed(np.zeros_like(z), 3) == 0


def test_the_rim_is_a_fortieth_of_the_side() -> None:
    inside = within_rim(FOV.mask)
    assert not inside[~Circle(256, 256, 256 - 12).mask((512, 512))].any()
    assert np.count_nonzero(inside) == pytest.approx(np.pi * (256 - 13) ** 2, rel=0.01)
    assert not within_rim(np.zeros((64, 64), bool)).any()


def test_a_spot_that_was_taken_out_too_well_leaves_a_trace(image: np.ndarray) -> None:
    """It greys the place: where the network took something for a spot, too."""
    place = cv2.GaussianBlur(Circle(300, 330, 9).coverage((512, 512)), (0, 0), 2)
    spotted = np.clip(image + 60 * place[..., None], 0, 255)
    greyed = np.clip(image - place[..., None] * np.array([40, 0, -10]), 0, 255)
    activation = (place > 0.1).astype(np.float32)
    assert compared(spotted, greyed, activation).hidden > 0.02
    assert compared(spotted, image, activation).hidden == 0
