from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cofenet.degradation import KINDS, Parameters, sample, simulate
from cofenet.errors import NotFundusError, UsageError
from cofenet.fov import FieldOfView
from cofenet.geometry import Circle


def photograph(height: int = 200, width: int = 240, radius: float = 95) -> tuple[np.ndarray, FieldOfView]:
    """A drawn retina, not centred, on a dark but not black border, cut at the top."""
    rng = np.random.default_rng(0)
    circle = Circle(width / 2 + 3, height / 2 - 5, radius)
    mask = circle.mask((height, width))
    mask[:12] = False
    image = np.full((height, width, 3), 4, np.uint8)
    image[mask] = np.clip(rng.normal((150, 90, 50), 10, (int(mask.sum()), 3)), 0, 255)
    return image, FieldOfView(mask, circle, 1.0)


@given(seed=st.integers(0, 2**32), kind=st.sampled_from(KINDS))
@settings(max_examples=25, deadline=None)
def test_nothing_changes_outside_and_something_inside(seed: int, kind: str) -> None:
    image, fov = photograph()
    kept = image.copy()
    out = simulate(image, sample(np.random.default_rng(seed), kind), fov)
    np.testing.assert_array_equal(image, kept)
    np.testing.assert_array_equal(out[~fov.mask], image[~fov.mask])
    assert out.dtype == image.dtype
    if kind != "100":  # some published kernels are one pixel wide
        assert (out[fov.mask] != image[fov.mask]).any()


def test_replays_bit_for_bit_from_json() -> None:
    image, fov = photograph()
    parameters = sample(np.random.default_rng(5))
    again = Parameters.from_json(parameters.to_json())
    np.testing.assert_array_equal(simulate(image, parameters, fov), simulate(image, again, fov))


@pytest.mark.parametrize("kind", KINDS)
def test_severity_zero_is_the_photograph_itself(kind: str) -> None:
    image, fov = photograph()
    np.testing.assert_array_equal(simulate(image, sample(np.random.default_rng(0), kind, 0.0), fov), image)
    np.testing.assert_array_equal(simulate(image, Parameters(), fov), image)


def test_sixteen_bits_agree_with_eight() -> None:
    image, fov = photograph()
    parameters = sample(np.random.default_rng(8))
    deep = simulate((image.astype(np.uint16) * 257), parameters, fov)
    assert deep.dtype == np.uint16
    assert np.abs(deep / 257 - simulate(image, parameters, fov)).max() <= 0.51


def test_the_same_parameters_at_two_sizes_agree() -> None:
    """35 dB between a degraded photograph and the same one degraded at three times the size and reduced."""
    image, fov = photograph()
    large = np.repeat(np.repeat(image, 3, axis=0), 3, axis=1)
    large_fov = FieldOfView(np.repeat(np.repeat(fov.mask, 3, axis=0), 3, axis=1), fov.circle.scaled(3), 1.0)
    for seed in range(4):
        parameters = sample(np.random.default_rng(seed))
        small = simulate(image, parameters, fov).astype(float)
        reduced = simulate(large, parameters, large_fov).reshape(200, 3, 240, 3, 3).mean(axis=(1, 3))
        error = ((small - reduced)[fov.mask] ** 2).mean()
        assert 10 * np.log10(255**2 / error) > 35


def test_a_field_of_view_beyond_the_frame() -> None:
    image, _ = photograph(120, 120)
    fov = FieldOfView(np.ones((120, 120), np.bool_), Circle(60, 60, 85), 1.0)
    assert simulate(image, sample(np.random.default_rng(0)), fov).shape == image.shape


def test_parameters_are_no_json() -> None:
    image, fov = photograph(120, 120)
    with pytest.raises(UsageError, match=r"got str; Parameters\.from_json"):
        simulate(image, Parameters().to_json(), fov)  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", [np.zeros((9, 9, 3), np.float32), np.zeros((9, 9), np.uint8), None])
def test_other_arrays_are_refused(bad: np.ndarray) -> None:
    with pytest.raises(UsageError, match="uint8 or uint16"):
        simulate(bad, Parameters())


def test_no_fundus_is_refused() -> None:
    with pytest.raises(NotFundusError):
        simulate(np.zeros((100, 100, 3), np.uint8), sample(np.random.default_rng(0)))
