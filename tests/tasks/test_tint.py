"""A spot that is taken out is white; a lesion is not."""

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
from cofenet.tasks.tint import tinted

SAMPLES = Path(__file__).parents[2] / "samples"
CIRCLE = Circle(256, 256, 256)
FOV = FieldOfView(CIRCLE.mask((512, 512)), CIRCLE, 1.0)


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    pixels = np.asarray(read_photograph(SAMPLES / "good/hrf_06_h.jpg").pixels, np.uint8)
    return np.where(FOV.mask[..., None], Crop.around(cofenet.find_fov(pixels).circle, 512).take(pixels), np.uint8(0))


def found(given: np.ndarray, made: np.ndarray, place: np.ndarray, white: np.ndarray | None = None) -> float:
    """What is found where `place`, (512, 512), is above a tenth, and was taken for a spot."""
    plain, after = (
        np.ascontiguousarray((np.clip(x, 0, 255).astype(np.float32) / 255 * FOV.mask[..., None]).transpose(2, 0, 1))
        for x in (given, made)
    )
    return tinted(plain, plain, after, FOV.mask, (place > 0.1).astype(np.float32), white)


def spot(x: float, y: float, radius: float) -> np.ndarray:
    return np.asarray(cv2.GaussianBlur(Circle(x, y, radius).coverage((512, 512)), (0, 0), radius / 3), np.float32)


@settings(max_examples=20, deadline=None)
@given(
    x=st.floats(120, 390), y=st.floats(120, 390), radius=st.floats(4, 25), amplitude=st.floats(5, 60),
    gains=st.tuples(*[st.floats(0.85, 1.15)] * 3),
)  # fmt: skip
def test_a_white_spot_has_no_colour_in_whatever_light(
    image: np.ndarray, x: float, y: float, radius: float, amplitude: float, gains: tuple[float, ...]
) -> None:
    place, dimmed = spot(x, y, radius), 0.6 * image  # nothing is burnt out
    lit = dimmed * np.array(gains)
    assert found((dimmed + amplitude * place[..., None]) * np.array(gains), lit, place) < limits()["tinted"].caution


def test_nor_where_light_raises_white_unevenly(image: np.ndarray) -> None:
    place, lit, gains = spot(300, 200, 15), 0.3 * image, np.array([0.8, 2.0, 1.2])
    spotted, white = (lit + 20 * place[..., None]) * gains, np.broadcast_to(gains[:, None, None], (3, 64, 64))
    assert found(spotted, lit * gains, place, white.astype(np.float32)) < limits()["tinted"].caution
    assert found(spotted, lit * gains, place) >= limits()["tinted"].caution  # who does not know of the light


def test_nor_where_red_is_burnt_out(image: np.ndarray) -> None:
    place, lit = spot(300, 200, 15), np.clip(image * np.array([1.6, 0.8, 0.8]), 0, 250)
    assert found(lit + 50 * place[..., None], lit, place) < limits()["tinted"].caution


@pytest.mark.parametrize("seed", range(4))
def test_a_lesion_that_was_painted_over_as_a_spot_has(image: np.ndarray, seed: int) -> None:
    drawn, where = harms.draw_lesion(image, FOV, np.random.default_rng(seed))
    gone = harms.paint_over(drawn, where, np.random.default_rng(seed))
    assert found(drawn, gone, where.astype(np.float32)) >= limits()["tinted"].caution
    white = np.float32([1.2, 1.0, 0.8])[:, None, None] * np.ones((3, 32, 32), np.float32)
    assert found(drawn, gone, where.astype(np.float32), white) >= limits()["tinted"].caution


def test_so_has_one_that_lay_under_a_spot(image: np.ndarray) -> None:
    drawn, where = harms.draw_lesion(image, FOV, np.random.default_rng(1))
    rows, columns = np.nonzero(where)
    place = spot(float(columns.mean()), float(rows.mean()), 25)
    gone = harms.paint_over(drawn, where, np.random.default_rng(1))
    spotted = drawn + 15 * place[..., None]
    assert found(spotted, drawn, place) < limits()["tinted"].caution <= found(spotted, gone, place)


def test_nothing_is_told_where_no_spot_was_taken_out(image: np.ndarray) -> None:
    drawn, where = harms.draw_lesion(image, FOV, np.random.default_rng(1))
    assert found(drawn, image, np.zeros((512, 512))) == 0  # the rules of structure look there
    assert found(drawn, drawn, where.astype(np.float32)) == 0
    assert found(drawn, image, np.ones((512, 512))) == 0  # no surroundings to compare with


def test_nothing_is_told_where_nothing_is_seen() -> None:
    nothing = np.zeros((3, 512, 512), np.float32)
    assert tinted(nothing, nothing, nothing, np.zeros((512, 512), bool), np.ones((512, 512), np.float32)) == 0
