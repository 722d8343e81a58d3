from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cofenet.degradation import KINDS, sample
from cofenet.degradation.blur import Blur
from cofenet.degradation.color import Color
from cofenet.degradation.defocus import Defocus
from cofenet.degradation.exposure import Exposure
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
    with pytest.raises(ParameterError, match="Generator, got int"):
        sample(0)  # type: ignore[arg-type]
    assert len(KINDS) == 7


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(ParameterError, match="no such preset"):
        sample(np.random.default_rng(0), preset="imaginary")


@given(seed=st.integers(0, 2**32), kind=st.sampled_from(KINDS))
@settings(max_examples=50, deadline=None)
def test_clinical_draws_what_the_kind_asks_for(seed: int, kind: str) -> None:
    """A factor may be absent, but never all of a group that is wanted."""
    parameters = sample(np.random.default_rng(seed), kind, preset="clinical")
    assert parameters.kind == kind
    order = load_preset("clinical").order
    places = [order.index(factor.model_dump()["factor"]) for factor in parameters.factors]
    assert places == sorted(set(places))


def mine_with(tmp_path: Path, **fields: str) -> Path:
    """A preset of exposure, cast and defocus, with a line added to some of its tables."""
    tables = {
        "exposure": "over = 1.0\nstops_over = [1.0, 1.0]\nstops_under = [1.0, 1.0]",
        "cast": "red = [1.1, 1.1]\ngreen = [1.0, 1.0]\nblue = [0.9, 0.9]",
        "defocus": "radius = [0.01, 0.01]",
    }
    text = "".join(f"[{name}]\n{lines}\n{fields.get(name, '')}\n" for name, lines in tables.items())
    path = tmp_path / "mine.toml"
    path.write_text('order = ["exposure", "cast", "defocus"]\n' + text)
    return path


def test_probability_is_how_often_a_factor_is_present(tmp_path: Path) -> None:
    mine, rng = mine_with(tmp_path, exposure="probability = 0.3"), np.random.default_rng(0)
    drawn = [sample(rng, "001", preset=mine).factors for _ in range(400)]
    assert {len(factors) for factors in drawn} == {1, 2}
    assert 0.22 < sum(len(factors) == 2 for factors in drawn) / 400 < 0.38


def test_severity_softens(tmp_path: Path) -> None:
    mine = mine_with(tmp_path, defocus="severity = [0.25, 0.75]")
    for seed in range(20):
        exposure, _, defocus = sample(np.random.default_rng(seed), "101", preset=mine).factors
        assert isinstance(exposure, Exposure)
        assert exposure.stops == 1.0
        assert isinstance(defocus, Defocus)
        assert 0.0025 <= defocus.radius <= 0.0075


def test_a_kind_without_a_factor_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="kind 010 asks for artifact"):
        sample(np.random.default_rng(0), "010", preset=mine_with(tmp_path))


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
        ("[blur]", "[blurr]", r"blurr"),
        ("[hole]", "[hole]\nprobability = 1.5", r"hole\.probability.*less than or equal to 1"),
        ("[hole]", "[hole]\nseverity = [0.9, 0.1]", r"hole\.severity.*lower bound exceeds"),
        ("count = [5, 10]", "count = [5.5, 10]", r"spots\.count\.0.*integer"),
        ('"hole", ', "", r"order: hole is missing"),
        ('"hole", ', '"hole", "haze", ', r"haze: in order, but there is no table"),
        ('"hole", ', '"hole", "mist", ', r"order: mist: no such factor"),
        ('"hole", ', '"hole", "hole", ', r"order: a factor appears twice"),
    ],
)
def test_a_bad_preset_names_the_field(tmp_path: Path, old: str, new: str, message: str) -> None:
    shipped = Path(__file__).parents[2] / "src/cofenet/degradation/presets/published.toml"
    mine = tmp_path / "mine.toml"
    mine.write_text(shipped.read_text().replace(old, new))
    with pytest.raises(ParameterError, match=message):
        load_preset(mine)
