"""Which good photographs are lit evenly enough."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cofenet.degradation import Parameters, simulate
from cofenet.degradation.factor import Factor
from cofenet.degradation.halo import Halo
from cofenet.degradation.shadow import Shadow
from cofenet.errors import UsageError
from cofenet.geometry import Circle
from cofenet.io import Photograph, write_photograph
from cofenet.training.evenness import evenly_lit
from cofenet.training.examples import filled
from cofenet.training.objectives import objective
from cofenet.training.photographs import Photographs
from cofenet.training.recipe import Recipe

SIDE = 128
MASK = Circle(SIDE / 2, SIDE / 2, SIDE / 2).mask((SIDE, SIDE))
EVEN = np.where(MASK[..., None], np.uint8([170, 90, 50]), np.uint8(0))
BLOTCH = Shadow(x=0.4, y=0.5, extent_x=0.1, extent_y=0.1, depth=0.8, level=0.2, color=(1, 1, 1), steepness=4)
RIM = Halo(x=0.5, y=0.5, inner_radius=0.45, outer_radius=1, color=(1, 1, 1), gain=1.5, kernel=0.05, sigma=0.02)


def lit(*factors: Factor) -> np.ndarray:
    return np.asarray(simulate(EVEN, Parameters(factors=factors), filled(MASK)), np.uint8)


@given(level=st.floats(0.2, 1.2))
@settings(max_examples=20, deadline=None)
def test_even_light_is_even_however_bright(level: float) -> None:
    assert evenly_lit((EVEN * level).astype(np.uint8), MASK)


def test_a_vessel_and_a_small_lesion_are_no_light() -> None:
    image = EVEN.copy()
    image[:, 60:63] //= 3
    image[40:44, 80:84] //= 4
    assert evenly_lit(image, MASK)


@pytest.mark.parametrize("factor", [BLOTCH, RIM], ids=["blotch", "rim"])
def test_light_of_its_own_is_seen_the_more_the_stronger(factor: Factor) -> None:
    assert not evenly_lit(lit(factor), MASK)
    assert evenly_lit(lit(factor.scaled(0.1)), MASK)


def test_top_and_bottom_may_be_cut_off() -> None:
    mask = MASK.copy()
    mask[:20] = mask[-20:] = False
    assert evenly_lit(EVEN * mask[..., None], mask)
    assert not evenly_lit(lit(BLOTCH) * mask[..., None], mask)


def test_nothing_seen_is_not_even() -> None:
    assert not evenly_lit(np.zeros_like(EVEN), np.zeros_like(MASK))


def test_those_that_are_wanted_are_left(photographs: Photographs) -> None:
    left = photographs.chosen([True, False, True])
    assert left.paths == (photographs.paths[0], photographs.paths[2])
    np.testing.assert_array_equal(left.images, photographs.images[[0, 2]])
    with pytest.raises(UsageError, match="none of 3 photographs is left"):
        photographs.chosen([False] * 3)


def test_a_recipe_may_leave_out_uneven_ones(recipes: dict[str, Recipe], tmp_path: Path) -> None:
    images = {"even.png": EVEN, "blotch.png": lit(BLOTCH), "rim.png": lit(RIM)}
    for name, image in images.items():
        write_photograph(tmp_path / name, Photograph(np.pad(image, ((9, 9), (9, 9), (0, 0)))))
    rows = "".join(f"{name},train,meadow,clean,\n" for name in images)
    manifest = tmp_path / "manifest.csv"
    manifest.write_text(f"path,split,source,task,label\n{rows}")
    names = []
    for even in (False, True):
        goal = objective(recipes["field"].model_copy(update={"even": even, "canvas": SIDE}))
        names.append([path.name for path in goal.data(manifest, "train", tmp_path / "cache").paths])
    assert names == [[*images], ["even.png"]]
