"""Laws that every factor keeps; all tests sweep the family, so that a new factor is tested when it exists."""

from __future__ import annotations

import typing

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cofenet.degradation import sample
from cofenet.degradation.canvas import Canvas, Image
from cofenet.degradation.factor import Factor
from cofenet.degradation.parameters import AnyFactor
from cofenet.geometry import Circle

FAMILY: tuple[type[Factor], ...] = typing.get_args(typing.get_args(AnyFactor)[0])


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


def drawn_factors(seed: int, preset: str = "published") -> dict[str, Factor]:
    factors = sample(np.random.default_rng(seed), "111", preset=preset).factors
    return {type(factor).__name__: factor for factor in factors}


def test_the_presets_draw_the_whole_family() -> None:
    assert set(drawn_factors(0)) == {factor.__name__ for factor in FAMILY}


@pytest.mark.parametrize("kind", FAMILY, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("preset", ["published", "training"])
class TestEveryFactor:
    def test_severity_zero_changes_nothing(self, kind: type[Factor], preset: str) -> None:
        image = drawn()
        out = drawn_factors(3, preset)[kind.__name__].scaled(0.0).apply(image, canvas())
        np.testing.assert_allclose(out, image, atol=1e-6)

    def test_severity_one_is_the_factor_itself(self, kind: type[Factor], preset: str) -> None:
        factor = drawn_factors(4, preset)[kind.__name__]
        assert factor.scaled(1.0) == factor

    def test_damage_grows_with_severity(self, kind: type[Factor], preset: str) -> None:
        image, factor = drawn(), drawn_factors(5, preset)[kind.__name__]
        damage = [
            float(np.abs(factor.scaled(severity).apply(image, canvas()) - image).mean())
            for severity in (0.0, 0.25, 0.5, 0.75, 1.0)
        ]
        assert damage == sorted(damage)
        assert damage[-1] > 1e-4

    def test_never_touches_its_input(self, kind: type[Factor], preset: str) -> None:
        image = drawn()
        kept = image.copy()
        drawn_factors(6, preset)[kind.__name__].apply(image, canvas())
        np.testing.assert_array_equal(image, kept)

    def test_stays_within_range_and_shape(self, kind: type[Factor], preset: str) -> None:
        out = drawn_factors(7, preset)[kind.__name__].apply(drawn(), canvas())
        assert out.dtype == np.float32
        assert out.shape == (160, 160, 3)
        assert out.min() >= 0
        assert out.max() <= 1 + 1e-6


@given(seed=st.integers(0, 2**32), name=st.sampled_from([kind.__name__ for kind in FAMILY]))
@settings(max_examples=20, deadline=None)
def test_one_factor_at_two_sizes_looks_alike(seed: int, name: str) -> None:
    """The same numbers at 160 and at 480 pixels, reduced, agree: lengths are fractions."""
    factor = drawn_factors(seed)[name]
    large = np.repeat(np.repeat(drawn(), 3, axis=0), 3, axis=1)
    reduced = factor.apply(large, canvas(480)).reshape(160, 3, 160, 3, 3).mean(axis=(1, 3))
    error = np.abs(reduced - factor.apply(drawn(), canvas()))
    assert np.sqrt((error**2).mean()) < 10 ** (-35 / 20)
