from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cofenet.degradation import KINDS, sample
from cofenet.degradation.blur import Blur
from cofenet.degradation.color import Color
from cofenet.degradation.halo import Halo
from cofenet.degradation.hole import Hole
from cofenet.degradation.preset import load_preset
from cofenet.degradation.spots import Spots
from cofenet.errors import ParameterError


def test_equal_generators_give_equal_parameters() -> None:
    assert sample(np.random.default_rng(1)) == sample(np.random.default_rng(1))
    assert sample(np.random.default_rng(1)) != sample(np.random.default_rng(2))


@given(seed=st.integers(0, 2**32))
@settings(max_examples=50, deadline=None)
def test_the_published_ranges_hold(seed: int) -> None:
    """Ranges of the released code at 512 pixels."""
    color, halo, hole, spots, blur = sample(np.random.default_rng(seed)).factors
    assert isinstance(color, Color)
    assert 0.7 <= color.brightness <= 1.2
    assert 0.6 <= color.contrast <= 1.4
    assert isinstance(halo, Halo)
    assert 0.75 <= 2 * halo.inner_radius <= 1.0
    assert 715 / 512 - 0.01 <= 2 * halo.outer_radius <= 1220 / 512
    assert 3 / 512 - 1e-9 <= halo.kernel <= 255 / 512 + 0.01
    assert isinstance(hole, Hole)
    assert 204 / 512 - 1e-3 <= 2 * hole.radius <= 358 / 512 + 1e-3
    assert isinstance(spots, Spots)
    assert 5 <= len(spots.spots) <= 10
    assert all(0.06 <= spot.amplitude <= 0.21 for spot in spots.spots)
    assert isinstance(blur, Blur)
    assert round(blur.kernel_x * 512, 6) in {1, 3, 5, 7}


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ParameterError, match="kind must be one of 001"):
        sample(np.random.default_rng(0), "000")
    assert len(KINDS) == 7


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(ParameterError, match="no such preset"):
        sample(np.random.default_rng(0), preset="imaginary")


def test_a_preset_of_ones_own(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[2] / "src/cofenet/degradation/presets/published.toml"
    mine = tmp_path / "mine.toml"
    mine.write_text(shipped.read_text().replace("brightness = [0.7, 1.2]", "brightness = [0.5, 0.5]"))
    color = sample(np.random.default_rng(0), "001", preset=mine).factors[0]
    assert isinstance(color, Color)
    assert color.brightness == 0.5


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("contrast = [0.6, 1.4]", "contrast = [1.4, 0.6]", r"color\.contrast.*lower bound exceeds"),
        ("contrast = [0.6, 1.4]", "", r"color\.contrast.*required"),
        ("threshold = 0.25", "treshold = 0.25", r"hole\.treshold"),
        ("[blur]", "[blur", "mine.toml"),
    ],
)
def test_a_bad_preset_names_the_field(tmp_path: Path, old: str, new: str, message: str) -> None:
    shipped = Path(__file__).parents[2] / "src/cofenet/degradation/presets/published.toml"
    mine = tmp_path / "mine.toml"
    mine.write_text(shipped.read_text().replace(old, new))
    with pytest.raises(ParameterError, match=message):
        load_preset(mine)
