"""Assessment: definitions that hold for any photograph, and scores that fall when a factor is laid on."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from cofenet.degradation import sample, simulate
from cofenet.errors import NotFundusError, UsageError
from cofenet.fov import FieldOfView, find_fov
from cofenet.geometry import Circle
from cofenet.io import read_photograph
from cofenet.tasks.quality import FACTORS, GRADES, assess, shown

SAMPLES = ("samples/good/retina.jpg", "samples/good/hrf_03_g.jpg")


@pytest.fixture(scope="module", params=SAMPLES)
def photograph(request: pytest.FixtureRequest, pytestconfig: pytest.Config) -> np.ndarray:
    pixels = np.asarray(read_photograph(pytestconfig.rootpath / request.param).pixels, np.uint8)
    scale = 512 / max(pixels.shape[:2])
    return np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))


def test_what_all_assessments_have_in_common(draw: Callable[..., np.ndarray]) -> None:
    image = draw(0)
    kept = image.copy()
    found = assess(image)
    np.testing.assert_array_equal(image, kept)
    assert tuple(found.probabilities) == GRADES
    assert tuple(found.factors) == FACTORS
    assert sum(found.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert found.probabilities[found.grade] == max(found.probabilities.values())
    assert found.score == pytest.approx(found.probabilities["good"] + found.probabilities["usable"] / 2)
    assert all(0 <= value <= 1 for value in found.factors.values())


def test_a_good_photograph_is_good_at_any_size_and_depth(photograph: np.ndarray) -> None:
    found = assess(photograph)
    assert found.grade == "good"
    deep = assess(photograph.astype(np.uint16) * 257)
    assert deep.probabilities == pytest.approx(found.probabilities, abs=0.02)  # it is not rounded again when reduced
    for size in (300, 1500):
        other = assess(np.asarray(cv2.resize(photograph, (size, size * photograph.shape[0] // photograph.shape[1]))))
        assert other.grade == "good"
        assert all(abs(other.factors[name] - found.factors[name]) < 0.15 for name in FACTORS)


@pytest.mark.parametrize(("kind", "factor"), [("001", "illumination"), ("010", "artifact"), ("100", "blur")])
def test_each_factor_lowers_its_score(photograph: np.ndarray, kind: str, factor: str) -> None:
    fov = find_fov(photograph)
    harmed = simulate(photograph, sample(np.random.default_rng(3), kind), fov)
    before, after = assess(photograph, fov=fov).factors, assess(harmed, fov=fov).factors
    assert after[factor] < before[factor]  # type: ignore[index]


def test_the_field_of_view_is_measured() -> None:
    shape = (200, 200)
    circle = Circle(100, 100, 90)
    whole = circle.mask(shape)
    half = whole & (np.arange(200)[:, None] < 100)
    assert shown(FieldOfView(whole, circle, 1.0)) == pytest.approx(1, abs=0.01)
    assert shown(FieldOfView(half, circle, 1.0)) == pytest.approx(0.5, abs=0.01)


def test_what_is_no_photograph_is_refused() -> None:
    with pytest.raises(UsageError):
        assess(np.zeros((64, 64), np.uint8))
    with pytest.raises(NotFundusError):
        assess(np.zeros((64, 64, 3), np.uint8))
