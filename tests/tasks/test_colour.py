"""Colours of a correction: on the way to what is expected nothing is strange, beside it everything is."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.color import rgb2lab

from cofenet.evaluation import harms
from cofenet.fov import find_fov
from cofenet.geometry import Crop
from cofenet.io import read_photograph
from cofenet.tasks.colour import Colours, colour_strangeness, colours, predictors
from cofenet.tasks.safety import limits
from cofenet.tasks.view import view

SAMPLE = Path(__file__).parents[2] / "samples/good/hrf_03_h.jpg"
_STORED = tomllib.loads(files("cofenet.tasks").joinpath("thresholds.toml").read_text("utf-8"))["colour"]
MODEL = tuple(np.array(_STORED[name]) for name in ("expected", "covariance", "within"))

LAB = st.tuples(st.floats(10, 90), st.floats(-10, 50), st.floats(-10, 60)).map(np.array)
SPREAD = st.tuples(*[st.floats(0, 20)] * 3).map(np.array)
RINGS = st.lists(LAB, min_size=4, max_size=4).map(np.array)


def test_colours_of_the_field_of_view_alone() -> None:
    planes = np.zeros((4, 256, 256), np.float32)
    planes[:, :, :128] = np.array([0.6, 0.3, 0.1, 1.0], np.float32)[:, None, None]
    planes[:3, :, 128:] = 0.9  # not seen
    found = colours(planes)
    np.testing.assert_allclose(found.mean, rgb2lab([[[0.6, 0.3, 0.1]]])[0, 0], atol=0.2)
    np.testing.assert_allclose(found.spread, 0, atol=1e-2)


def test_rings_are_told_from_the_centre_outwards() -> None:
    distance = np.hypot(*np.mgrid[-1:1:256j, -1:1:256j]).astype(np.float32)
    planes = np.stack([*[np.where(distance < 0.5, 0.2, 0.8)] * 3, distance < 1]).astype(np.float32)
    brightness = colours(planes).rings[:, 0]
    assert brightness[0] < brightness[1] < brightness[2] == pytest.approx(brightness[3])
    empty = planes * np.where(distance < 0.5, 1, 0).astype(np.float32)
    np.testing.assert_allclose(colours(empty).rings[3], colours(empty).mean)


@given(LAB, SPREAD, RINGS, st.floats(0, 1))
def test_any_way_towards_what_is_expected_is_not_strange(
    mean: np.ndarray, spread: np.ndarray, rings: np.ndarray, share: float
) -> None:
    before = Colours(mean, spread, rings)
    after = replace(before, mean=mean + share * (MODEL[0] @ predictors(before, MODEL[2]) - mean))
    assert colour_strangeness(before, after, *MODEL) == pytest.approx(0, abs=1e-6)


@given(LAB, SPREAD, RINGS, LAB)
def test_what_stayed_as_it_was_is_not_strange_and_nothing_is_less(
    mean: np.ndarray, spread: np.ndarray, rings: np.ndarray, other: np.ndarray
) -> None:
    before = Colours(mean, spread, rings)
    assert colour_strangeness(before, before, *MODEL) == 0
    expected = MODEL[0] @ predictors(before, MODEL[2])
    off = np.linalg.solve(np.linalg.cholesky(MODEL[1]), other - expected)
    strange = colour_strangeness(before, replace(before, mean=other), *MODEL)
    assert 0 <= strange <= np.linalg.norm(off) + 1e-6


def test_casts_are_found_but_where_they_resemble_a_correction() -> None:
    image = np.asarray(read_photograph(SAMPLE).pixels, np.uint8)
    fov = find_fov(image)
    crop = Crop.around(fov.circle, 512)
    before = colours(view(image, fov, crop))
    tinted = [harms.cast(image, fov, np.random.default_rng(seed)) for seed in range(12)]
    found = [colour_strangeness(before, colours(view(one, fov, crop)), *MODEL) for one in tinted]
    assert sum(value >= limits()["colour"].caution for value in found) >= 9


@pytest.mark.parametrize("strength", [30, 60])
def test_of_colours_that_no_retina_has_the_expected_ones_are_nearer_to_one(strength: int) -> None:
    image = np.asarray(read_photograph(SAMPLE).pixels, np.uint8)
    fov = find_fov(image)
    lab = colours(view(image, fov, Crop.around(fov.circle, 512)))
    blue = replace(lab, mean=lab.mean - [0, 0, 30 + strength], rings=lab.rings - [0, 0, 30 + strength])
    assert blue.mean[2] < (MODEL[0] @ predictors(blue, MODEL[2]))[2]


def test_what_lies_beyond_counts_as_if_it_did_not() -> None:
    mean, spread, rings = np.array([50.0, 20.0, 30.0]), np.array([10.0, 5.0, 4.0]), np.full((4, 3), -7.0)
    found = predictors(Colours(mean, spread, rings), np.array([[0.0] * 18, [25.0] * 18]))
    whole = np.array([25.0, 20, 25, 10, 5, 4])
    np.testing.assert_array_equal(found[:18], [*whole, *[0.0] * 12])
    np.testing.assert_array_equal(found[18:], [whole[i] * whole[j] for i in range(6) for j in range(i, 6)] + [1.0])
