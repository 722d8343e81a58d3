"""Vessels and disc of two pictures: alike in the same picture, and what is gone or has come is told."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

import cofenet
from cofenet.evaluation import harms
from cofenet.fov import FieldOfView
from cofenet.geometry import Circle, Crop
from cofenet.io import read_photograph
from cofenet.tasks import anatomy
from cofenet.tasks.anatomy import disc_changed, vessels_changed, vessels_faded
from cofenet.tasks.segmentation import Disc
from cofenet.tasks.view import view

SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.fixture(scope="module")
def fov() -> FieldOfView:
    return FieldOfView(Circle(256, 256, 256).mask((512, 512)), Circle(256, 256, 256), 1.0)


@pytest.fixture(scope="module")
def image(fov: FieldOfView) -> np.ndarray:
    pixels = np.asarray(read_photograph(SAMPLES / "good/hrf_06_h.jpg").pixels, np.uint8)
    return np.where(fov.mask[..., None], Crop.around(cofenet.find_fov(pixels).circle, 512).take(pixels), np.uint8(0))


@pytest.fixture(scope="module")
def disc(image: np.ndarray, fov: FieldOfView) -> Disc:
    found = cofenet.segment(image, structures=["disc"], fov=fov).measurements.disc
    assert found is not None
    return found


def planes(picture: np.ndarray, fov: FieldOfView) -> np.ndarray:
    return view(picture, fov, Crop(0, 0, 512, 512))


def where(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return 10 * (np.abs(one.astype(int) - other).max(2) > 3).astype(np.float32)


@pytest.mark.parametrize("seed", range(3))
def test_a_vessel_that_came_was_added_and_one_that_went_was_erased(
    image: np.ndarray, fov: FieldOfView, seed: int
) -> None:
    drawn = harms.draw_vessel(image, fov, np.random.default_rng(seed))
    pictures = planes(image, fov), planes(drawn, fov)
    added, erased = vessels_changed(*pictures, where(image, drawn))
    assert added >= 0.01
    assert erased < added / 2
    assert vessels_changed(*pictures[::-1], where(image, drawn)) == pytest.approx((erased, added), abs=0.02)


def test_where_the_picture_did_not_change_no_vessel_did(image: np.ndarray, fov: FieldOfView) -> None:
    drawn = harms.draw_vessel(image, fov, np.random.default_rng(0))
    assert vessels_changed(planes(image, fov), planes(drawn, fov), np.zeros((512, 512), np.float32)) == (0, 0)
    assert vessels_changed(planes(image, fov), planes(image, fov), np.full((512, 512), 9, np.float32)) == (0, 0)


def test_two_places_far_apart_are_both_looked_at(image: np.ndarray, fov: FieldOfView) -> None:
    changed = np.zeros((512, 512), np.float32)
    changed[60:100, 200:240], changed[400:430, 300:340] = 5, 3
    places = list(anatomy._most_changed(changed, 240))
    assert len(places) == 2
    held = np.zeros_like(changed)
    for place in places:
        assert changed[place].shape == (240, 240)
        held[place] = 1
    assert held[changed > 0].all()


def test_vessels_that_red_alone_shows_fade_in_fog(image: np.ndarray, fov: FieldOfView) -> None:
    dark, fog = image.copy(), image.copy()
    dark[:, :256, 1:], fog[:, :256] = 0, cv2.GaussianBlur(image, (0, 0), 12)[:, :256]
    assert vessels_faded(planes(dark, fov), planes(fog, fov)) > 0.3
    assert vessels_faded(planes(dark, fov), planes(image, fov)) < 0.02
    assert vessels_faded(planes(image, fov), planes(fog, fov)) == 0  # green shows them, and other rules look there
    dark[50:] = image[50:]
    assert vessels_faded(planes(dark, fov), planes(fog, fov)) == 0  # little is black


def test_the_disc_stays_moves_or_goes(image: np.ndarray, fov: FieldOfView, disc: Disc) -> None:
    assert disc_changed(image, image, fov) == (0, 0, 0)
    moved = disc_changed(image, harms.shift_disc(image, fov, disc, np.random.default_rng(0)), fov)
    assert moved is not None
    assert 0.2 < moved[0] < 1
    covered = Circle(disc.x, disc.y, 0.9 * disc.vertical_diameter).mask((512, 512))
    gone = harms.paint_over(image, covered, np.random.default_rng(0))
    assert disc_changed(image, gone, fov)[0] == 1
    assert disc_changed(gone, image, fov) is None


def test_a_disc_of_which_less_is_sure_is_doubtful_and_one_of_which_more_is_is_not(
    image: np.ndarray, fov: FieldOfView
) -> None:
    smeared = np.where(fov.mask[..., None], cv2.GaussianBlur(image, (0, 0), 4), np.uint8(0))
    changed = disc_changed(image, smeared, fov)
    assert changed is not None
    assert 0.04 < changed[1] < 1
    assert disc_changed(smeared, image, fov)[1] == 0  # type: ignore[index]


@pytest.mark.parametrize(("old", "new", "answer"), [(0.5, None, 0), (None, 0.5, 0), (0.5, 0.2, 0.3), (None, None, 0)])
def test_a_cup_that_is_not_seen_says_nothing(
    image: np.ndarray, fov: FieldOfView, monkeypatch: pytest.MonkeyPatch, old: float, new: float, answer: float
) -> None:
    discs = iter([Disc(80, 80, 60, 60, old), Disc(80, 80, 60, 60, new)])
    monkeypatch.setattr(anatomy, "measure_disc", lambda *_: next(discs))
    assert disc_changed(image, image, fov)[0] == pytest.approx(answer)


def test_a_cup_that_was_taken_for_a_spot_is_greyed_unless_light_explains_it(
    image: np.ndarray, fov: FieldOfView, disc: Disc
) -> None:
    assert disc.cup_to_disc
    white = cv2.circle(image.copy(), (round(disc.x), round(disc.y)), 6, (250, 245, 240), -1)
    grey = cv2.circle(white.copy(), (round(disc.x), round(disc.y)), 6, (150, 150, 150), -1)
    assert disc_changed(white, white, fov)[2] == 0  # type: ignore[index]
    assert disc_changed(white, grey, fov)[2] > 0.1  # type: ignore[index]
    assert disc_changed(grey, white, fov)[2] == 0  # type: ignore[index]
    assert disc_changed(white, grey, fov, explained=grey)[2] == 0  # type: ignore[index]
