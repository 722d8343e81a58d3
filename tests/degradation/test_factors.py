"""Laws that every factor keeps; all tests sweep the table, so that a new factor is tested when it exists."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cofenet.degradation import Parameters
from cofenet.degradation.canvas import Canvas, Image
from cofenet.degradation.factor import Factor
from cofenet.degradation.noise import Noise
from cofenet.degradation.preset import load_preset
from cofenet.degradation.table import FACTORS
from cofenet.geometry import Circle

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PRESETS = ("published", "training", "clinical", str(ROOT / "recipes/presets/edges.toml"))
DRAWN = [
    pytest.param(preset, name, id=f"{Path(preset).stem}-{name}")
    for preset in PRESETS
    for name in load_preset(preset).order
]


def drawn(side: int = 160) -> Image:
    """A disc with a gradient and dark lines, black around it."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:side, :side] / side
    image = np.stack([0.6 - 0.2 * x, 0.35 - 0.1 * y, 0.2 + 0 * x], axis=2) + rng.normal(0, 0.02, (side, side, 1))
    image[:, side // 3 : side // 3 + 2] *= 0.6
    image[~Circle(side / 2, side / 2, side / 2).mask((side, side))] = 0
    return np.clip(image, 0, 1).astype(np.float32)


def canvas(side: int = 160) -> Canvas:
    return Canvas(side, Circle(side / 2, side / 2, side / 2).mask((side, side)).astype(np.float32))


def draw(preset: str, name: str, seed: int) -> Factor:
    factor: Factor = getattr(load_preset(preset), name).draw(np.random.default_rng(seed))
    return factor


def test_clinical_has_every_factor() -> None:
    assert set(load_preset("clinical").order) == set(FACTORS)


@pytest.mark.parametrize(("preset", "name"), DRAWN)
class TestEveryFactor:
    def test_severity_zero_changes_nothing(self, preset: str, name: str) -> None:
        image = drawn()
        out = draw(preset, name, 3).scaled(0.0).apply(image, canvas())
        np.testing.assert_allclose(out, image, atol=1e-6)

    def test_severity_one_is_the_factor_itself(self, preset: str, name: str) -> None:
        factor = draw(preset, name, 4)
        assert factor.scaled(1.0) == factor

    def test_damage_grows_with_severity(self, preset: str, name: str) -> None:
        image, factor = drawn(), draw(preset, name, 5)
        damage = [
            float(np.abs(factor.scaled(severity).apply(image, canvas()) - image).mean())
            for severity in (0.0, 0.25, 0.5, 0.75, 1.0)
        ]
        assert damage == sorted(damage)
        assert damage[-1] > 1e-5

    def test_never_touches_its_input(self, preset: str, name: str) -> None:
        image = drawn()
        kept = image.copy()
        out = draw(preset, name, 6).apply(image, canvas())
        np.testing.assert_array_equal(image, kept)
        assert not np.may_share_memory(out, image)

    def test_neither_where_there_is_hardly_any_light(self, preset: str, name: str) -> None:
        image = np.full((160, 160, 3), 1 / 255, np.float32)
        assert not np.may_share_memory(draw(preset, name, 6).apply(image, canvas()), image)

    def test_stays_within_range_and_shape(self, preset: str, name: str) -> None:
        out = draw(preset, name, 7).apply(drawn(), canvas())
        assert out.dtype == np.float32
        assert out.shape == (160, 160, 3)
        assert out.min() >= 0
        assert out.max() <= 1 + 1e-6

    def test_replays_bit_for_bit_from_json(self, preset: str, name: str) -> None:
        factor = draw(preset, name, 8)
        (again,) = Parameters.from_json(Parameters(factors=(factor,)).to_json()).factors
        assert again == factor
        np.testing.assert_array_equal(again.apply(drawn(), canvas()), factor.apply(drawn(), canvas()))


@given(seed=st.integers(0, 2**32), of=st.sampled_from([param.values for param in DRAWN]))
@settings(max_examples=60, deadline=None)
def test_one_factor_at_two_sizes_looks_alike(seed: int, of: tuple[str, str]) -> None:
    """The same numbers at 160 and at 480 pixels, reduced, agree: lengths are fractions."""
    factor = draw(*of, seed)
    large = np.repeat(np.repeat(drawn(), 3, axis=0), 3, axis=1)
    reduced = factor.apply(large, canvas(480)).reshape(160, 3, 160, 3, 3).mean(axis=(1, 3))
    error = np.abs(reduced - factor.apply(drawn(), canvas()))
    assert np.sqrt((error**2).mean()) < 10 ** (-35 / 20)


def test_noise_is_that_of_its_seed() -> None:
    """Mean 0, and the variance of the model; another seed, another noise."""
    flat = np.full((200, 200, 3), 0.5, np.float32)
    noise = Noise(shot=0.001, read=0.02, grain=1 / 200, seed=2**64 - 1)
    change = noise.apply(flat, canvas(200)) - flat
    assert change.mean() == pytest.approx(0, abs=5e-4)
    assert change.var() == pytest.approx(0.001 * 0.5 + 0.02**2, rel=0.02)
    other = noise.model_copy(update={"seed": 1}).apply(flat, canvas(200)) - flat
    assert abs(np.corrcoef(change.ravel(), other.ravel())[0, 1]) < 0.02


@pytest.mark.parametrize("name", ["defocus", "motion", "haze"])
def test_what_blurs_mixes_in_no_black_at_the_rim(name: str) -> None:
    rim = canvas()
    flat = np.full((160, 160, 3), 0.5, np.float32) * rim.visible[..., None]
    white = {"level": 1.0, "color": (1.0, 1.0, 1.0)} if name == "haze" else {}
    factor = draw("clinical", name, 0).model_copy(update=white)
    np.testing.assert_allclose(factor.apply(flat, rim)[rim.visible == 1], 0.5, atol=1e-4)


@pytest.mark.parametrize("name", FACTORS)
def test_the_page_shows_every_factor(name: str) -> None:
    page = (DOCS / "degradation.md").read_text("utf-8")
    assert f"### {name}\n" in page
    assert f"(images/degradation/{name}.jpg)" in page
    assert 0 < (DOCS / "images" / "degradation" / f"{name}.jpg").stat().st_size < 30_000
