"""Severities: what the definitions say of photographs that were changed in a known way."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cofenet.degradation.canvas import Canvas
from cofenet.geometry import Circle
from cofenet.metrics import severity

Measure = Callable[[np.ndarray, np.ndarray, np.ndarray], float]
ALL: list[Measure] = [severity.illumination, severity.contrast, severity.artifact, severity.blur]
SIDE = 128


def scene(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    image = cv2.GaussianBlur(rng.random((SIDE, SIDE, 3), np.float32), (0, 0), 1.0)
    mask = Circle(SIDE / 2, SIDE / 2, SIDE / 2 - 4).mask((SIDE, SIDE))
    return np.asarray((0.3 + 0.4 * image) * mask[..., None], np.float32), mask


@pytest.mark.parametrize("measure", ALL)
def test_nothing_taken(measure: Measure) -> None:
    image, mask = scene()
    assert measure(image, image, mask) == pytest.approx(0, abs=1e-6)


@given(st.integers(0, 20), st.integers(0, 20))
def test_a_share(first: int, second: int) -> None:
    (before, mask), (after, _) = scene(first), scene(second)
    assert all(0 <= measure(before, after, mask) <= 1 for measure in ALL)


@given(st.floats(0.05, 1))
def test_half_the_light_is_half_taken(gain: float) -> None:
    image, mask = scene()
    assert severity.illumination(image, image * np.float32(gain), mask) == pytest.approx(1 - gain, abs=1e-3)
    assert severity.illumination(image * np.float32(gain), image, mask) == pytest.approx(1 - gain, abs=1e-3)


@given(st.floats(0, 1))
def test_a_veil_takes_what_it_does_not_let_through(transmission: float) -> None:
    image, mask = scene()
    veiled = image * np.float32(transmission) + np.float32(0.4 * (1 - transmission))
    assert severity.contrast(image, veiled, mask) == pytest.approx(1 - transmission, abs=1e-3)


def test_more_blur_takes_more_and_noise_nothing() -> None:
    image, mask = scene()
    taken = [severity.blur(image, cv2.GaussianBlur(image, (0, 0), sigma), mask) for sigma in (0.5, 1, 2, 4)]
    assert 0 < taken[0] < taken[1] < taken[2] < taken[3] < 1
    noise = np.random.default_rng(1).normal(0, 0.02, image.shape).astype(np.float32)
    assert severity.blur(image, image + noise, mask) < 0.02


def test_a_square_that_covers_a_quarter_has_half_its_side() -> None:
    image, _ = scene()
    mask = np.ones((SIDE, SIDE), np.bool_)
    covered = image.copy()
    covered[: SIDE // 2, : SIDE // 2] += 0.2
    assert severity.artifact(image, covered, mask) == pytest.approx(0.5)


@pytest.mark.parametrize("measure", ALL)
def test_what_lies_outside_the_field_of_view_does_not_count(measure: Measure) -> None:
    image, mask = scene()
    changed = np.where(mask[..., None], image * np.float32(0.7), np.float32(0.9))
    assert measure(image, changed, mask) == pytest.approx(measure(image, image * np.float32(0.7), mask), abs=1e-6)


@pytest.mark.parametrize("measure", ALL)
def test_nothing_there_takes_nothing(measure: Measure) -> None:
    blank = np.zeros((SIDE, SIDE, 3), np.float32)
    assert measure(blank, blank, Canvas(SIDE, np.zeros((SIDE, SIDE), np.float32)).visible > 0) == 0


def test_at_a_fourth_of_the_size_wide_gaussians_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    large = 402  # no multiple of 4
    before, after = (cv2.resize(scene(seed)[0], (large, large), interpolation=cv2.INTER_CUBIC) for seed in (0, 1))
    after = 0.3 * after + 0.5 * before * np.linspace(0.4, 1, large, dtype=np.float32)[:, None]
    mask = Circle(large / 2, large / 2, large / 2 - 12).mask((large, large))
    found = [measure(before, after, mask) for measure in ALL]
    monkeypatch.setattr(severity, "_WIDE", np.inf)
    assert found == pytest.approx([measure(before, after, mask) for measure in ALL], abs=2e-3)
