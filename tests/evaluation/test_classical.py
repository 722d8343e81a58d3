"""The rivals: what each promises, on drawn photographs."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from cofenet.evaluation.classical import background_subtraction, ben_graham, clahe, gamma, luminosity_contrast, retinex
from cofenet.evaluation.methods import CLASSICAL
from cofenet.fov import FieldOfView, find_fov

Draw = Callable[..., np.ndarray]

CHANGING = sorted(CLASSICAL.keys() - {"input"})
BLIND = {"clahe", "luminosity-contrast", "dpfr"}
"""Whose tiles do not know the field of view, or whose mirror at its rim reads the pixels next to it."""


def seen(draw: Draw, seed: int) -> tuple[np.ndarray, FieldOfView]:
    image = draw(seed)
    return image, find_fov(image)


@pytest.mark.parametrize("name", CHANGING)
def test_only_the_field_of_view_changes(draw: Draw, name: str) -> None:
    image, fov = seen(draw, 0)
    before = image.copy()
    out = CLASSICAL[name](image, fov)
    assert (out.dtype, out.shape) == (image.dtype, image.shape)
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(out[~fov.mask], image[~fov.mask])
    assert (out[fov.mask] != image[fov.mask]).any()


@pytest.mark.parametrize("name", sorted(CLASSICAL.keys() - BLIND))
def test_what_lies_outside_has_no_say(draw: Draw, name: str) -> None:
    image, fov = seen(draw, 1)
    other = np.where(fov.mask[..., None], image, np.uint8(90))
    np.testing.assert_array_equal(CLASSICAL[name](image, fov)[fov.mask], CLASSICAL[name](other, fov)[fov.mask])


def test_clahe_raises_local_contrast(draw: Draw) -> None:
    image, fov = seen(draw, 1)
    assert clahe(image, fov)[fov.mask].std() > image[fov.mask].std()


@pytest.mark.parametrize(("method", "left"), [(background_subtraction, 0.3), (CLASSICAL["dpfr"], 0.7)])
def test_light_is_levelled(draw: Draw, method: Callable[..., np.ndarray], left: float) -> None:
    image, fov = seen(draw, 2)
    slope = np.linspace(0.6, 1.4, image.shape[1])[None, :, None]
    uneven = np.where(fov.mask[..., None], np.clip(image * slope, 0, 255), image).astype(np.uint8)
    out = method(uneven, fov)
    half = image.shape[1] // 2

    def tilt(picture: np.ndarray) -> float:
        return abs(float(picture[:, :half][fov.mask[:, :half]].mean() - picture[:, half:][fov.mask[:, half:]].mean()))

    assert tilt(out) < left * tilt(uneven)


def test_background_subtraction_keeps_the_mean(draw: Draw) -> None:
    image, fov = seen(draw, 2)
    assert background_subtraction(image, fov)[fov.mask].mean() == pytest.approx(image[fov.mask].mean(), abs=6)


def test_ben_graham_makes_plain_retina_grey(draw: Draw) -> None:
    image, fov = seen(draw, 3)
    plain = np.full_like(image, (180, 90, 40))
    np.testing.assert_array_equal(ben_graham(plain, fov)[fov.mask], 128)
    assert ben_graham(image, fov)[fov.mask].mean() == pytest.approx(128, abs=4)


@pytest.mark.parametrize("gain", [0.4, 1.0])
def test_gamma_brings_the_mean_to_one_half_and_keeps_the_order(draw: Draw, gain: float) -> None:
    image, fov = seen(draw, 4)
    dark = (image * gain).astype(np.uint8)
    out = gamma(dark, fov)
    powered = cv2.cvtColor(out, cv2.COLOR_RGB2GRAY)[fov.mask].mean()
    assert powered == pytest.approx(127.5, abs=12)  # the luma of powers is not the power of the luma
    red = dark[..., 0][fov.mask].argsort(kind="stable")
    assert (np.diff(out[..., 0][fov.mask][red].astype(int)) >= 0).all()


def test_retinex_does_not_mind_a_gain_of_the_light(draw: Draw) -> None:
    image, fov = seen(draw, 5)
    bright, dark = (np.rint(image * gain).astype(np.uint8) for gain in (0.9, 0.6))
    luma = [cv2.cvtColor(retinex(picture, fov), cv2.COLOR_RGB2GRAY)[fov.mask].astype(int) for picture in (bright, dark)]
    assert np.abs(luma[0] - luma[1]).mean() < 6
    assert np.abs(bright[fov.mask].astype(int) - dark[fov.mask]).mean() > 25


def test_luminosity_brightens_the_dark_and_keeps_the_hue(draw: Draw) -> None:
    image, fov = seen(draw, 6)
    dark = (image * 0.4).astype(np.uint8)
    out = luminosity_contrast(dark, fov)
    assert out[fov.mask].mean() > 1.5 * dark[fov.mask].mean()
    hues = [cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)[..., 0][fov.mask].astype(int) for picture in (dark, out)]
    assert np.median(np.abs(hues[0] - hues[1])) <= 2


@pytest.mark.parametrize("gain", [0.4, 0.7, 1.0])
def test_dpfr_brings_the_mean_to_its_own(draw: Draw, gain: float) -> None:
    """It is near 0.55 however dark the photograph was, and not above."""
    image, fov = seen(draw, 7)
    out = CLASSICAL["dpfr"]((image * gain).astype(np.uint8), fov)
    assert 0.48 < cv2.cvtColor(out, cv2.COLOR_RGB2GRAY)[fov.mask].mean() / 255 < 0.58
