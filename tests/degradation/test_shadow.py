"""A blotch's shape: how steep its edge is, and how it is turned."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cofenet.degradation.canvas import Canvas
from cofenet.degradation.shadow import Shadow, ShadowRanges

SIDE = 200
CANVAS = Canvas(SIDE, np.ones((SIDE, SIDE), np.float32))
BLOTCH = Shadow(x=0.5, y=0.5, extent_x=0.2, extent_y=0.1, depth=1, level=0, color=(1, 1, 1))
RANGES = ShadowRanges(
    x=(0.4, 0.6), y=(0.4, 0.6), extent=(0.1, 0.2), depth=(0.5, 0.9), level=(0.2, 0.4), colors=((1.0, 1.0, 1.0),)
)


def opacity(blotch: Shadow) -> np.ndarray:
    """How much of a white picture is taken away, (200, 200)."""
    return 1 - blotch.apply(np.ones((SIDE, SIDE, 3), np.float32), CANVAS)[..., 0]


@pytest.mark.parametrize("steepness", [1, 2, 3.5, 6])
def test_one_extent_off_the_middle_it_has_the_same_opacity_however_steep(steepness: float) -> None:
    found = opacity(BLOTCH.model_copy(update={"steepness": steepness}))
    assert found[100, 140] == pytest.approx(math.exp(-0.5), abs=0.02 * steepness)
    assert found[120, 100] == pytest.approx(math.exp(-0.5), abs=0.02 * steepness)


def test_a_steeper_one_has_a_flatter_floor_and_ends_earlier() -> None:
    smooth, steep = (opacity(BLOTCH.model_copy(update={"steepness": s}))[100] for s in (2, 6))
    assert steep[100 + 24] > smooth[100 + 24] + 0.1
    assert steep[100 + 60] < smooth[100 + 60] - 0.2


def test_turned_by_a_quarter_it_is_as_wide_as_it_was_high() -> None:
    turned = opacity(BLOTCH.model_copy(update={"angle": math.pi / 2}))
    np.testing.assert_allclose(turned, opacity(BLOTCH).T, atol=1e-5)


def test_it_turns_from_x_towards_y() -> None:
    turned = opacity(BLOTCH.model_copy(update={"angle": math.pi / 4}))
    assert turned[130, 130] > turned[70, 130] + 0.4


def test_ranges_that_say_nothing_of_shape_draw_what_they_drew_before_there_was_a_choice() -> None:
    plain, told = np.random.default_rng(1), np.random.default_rng(1)
    shaped = RANGES.model_copy(update={"angle": (0.0, 1.0), "steepness": (3.0, 6.0)})
    before, after = RANGES.draw(plain), shaped.draw(told)
    assert (before.angle, before.steepness) == (0, 2)
    assert after.model_copy(update={"angle": 0.0, "steepness": 2.0}) == before
    assert 3 <= after.steepness <= 6
