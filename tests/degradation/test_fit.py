"""Known degradations of drawn photographs are found again."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from cofenet.degradation import Parameters, sample, simulate
from cofenet.degradation.cast import Cast
from cofenet.degradation.defocus import Defocus
from cofenet.degradation.exposure import Exposure
from cofenet.degradation.factor import Factor
from cofenet.degradation.fit import FEWEST, KIND, fit, good_photographs
from cofenet.degradation.halo import Halo
from cofenet.degradation.inverse import Usual, glow, light_of
from cofenet.degradation.measure import Measurement, measure
from cofenet.degradation.mixture import Limits, differ, unmix
from cofenet.degradation.noise import Noise
from cofenet.degradation.preset import load_preset
from cofenet.degradation.shadow import Shadow
from cofenet.degradation.vignetting import Vignetting
from cofenet.errors import NotFundusError, UsageError
from cofenet.fov import FieldOfView
from cofenet.geometry import Circle

pytestmark = pytest.mark.slow

SIZE = 512
COUNT = 24
FOV = FieldOfView(Circle(256, 256, 250).mask((SIZE, SIZE)), Circle(256, 256, 256), 1.0)


def drawn(seed: int) -> np.ndarray:
    """A retina of 512 pixels with a texture whose spectrum falls as a real one's; others are otherwise lit."""
    rng = np.random.default_rng(seed)
    places = (np.arange(SIZE) + 0.5) / SIZE - 0.5
    x, y = np.meshgrid(places, places)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(SIZE), np.fft.fftfreq(SIZE))) * SIZE
    spectrum = np.fft.fft2(rng.normal(size=(SIZE, SIZE))) / (4 + frequency) ** 1.3
    texture = np.real(np.fft.ifft2(spectrum))
    light = 1 + 0.06 * texture / texture.std() - rng.uniform(0.2, 0.6) * (x**2 + y**2) + rng.uniform(-0.2, 0.2) * x
    macula = 1 - 0.3 * np.exp(-((x - 0.05) ** 2 + y**2) / 0.02)
    level = rng.uniform(0.9, 1.1)
    colour = level * np.array([0.6, 0.36, 0.2]) * rng.uniform(0.95, 1.05, 3)
    image = (light * macula)[..., None] * colour * FOV.mask[..., None]
    return np.asarray(np.rint(255 * np.clip(image, 0, 1)), np.uint8)


@pytest.fixture(scope="module")
def clean() -> list[np.ndarray]:
    return [drawn(seed) for seed in range(COUNT)]


@pytest.fixture(scope="module")
def good() -> list[Measurement]:
    return [measure(drawn(seed), FOV) for seed in range(100, 100 + COUNT)]


def degraded(images: Iterable[np.ndarray], factors: Callable[[np.random.Generator], list[Factor]]) -> list[Measurement]:
    rng = np.random.default_rng(0)
    return [measure(simulate(image, Parameters(factors=tuple(factors(rng))), FOV), FOV) for image in images]


def fitted(photographs: list[Measurement], good: list[Measurement]) -> dict[str, Any]:
    return tomllib.loads(fit(photographs, good))


def near(found: list[float], low: float, high: float, tolerance: float) -> bool:
    return abs(found[0] - low) <= tolerance and abs(found[1] - high) <= tolerance


def test_undegraded_photographs_need_nothing(clean: list[np.ndarray], good: list[Measurement]) -> None:
    preset = fitted([measure(image, FOV) for image in clean], good)
    assert preset["order"] == ["cast", "noise"]  # a preset holds something; these change nothing
    assert preset["cast"] == {"red": [1, 1], "green": [1, 1], "blue": [1, 1]}
    assert (preset["noise"]["shot"], preset["noise"]["read"]) == ([0, 0], [0, 0])


def test_exposure_is_found_to_half_a_stop(clean: list[np.ndarray], good: list[Measurement]) -> None:
    preset = fitted(degraded(clean, lambda rng: [Exposure(stops=-rng.uniform(1, 3))]), good)
    assert preset["exposure"]["probability"] > 0.9
    assert preset["exposure"]["over"] < 0.1
    assert near(preset["exposure"]["stops_under"], 1, 3, 0.5)
    assert not {"halo", "vignetting", "haze", "defocus"} & preset.keys()


def test_cast_is_found_to_a_twentieth(clean: list[np.ndarray], good: list[Measurement]) -> None:
    preset = fitted(
        degraded(clean, lambda rng: [Cast(red=rng.uniform(0.6, 0.9), green=1, blue=rng.uniform(1.1, 1.6))]), good
    )
    assert near(preset["cast"]["red"], 0.6, 0.9, 0.05)
    assert near(preset["cast"]["blue"], 1.1, 1.6, 0.1)


def test_vignetting_is_found_to_a_fifth(clean: list[np.ndarray], good: list[Measurement]) -> None:
    preset = fitted(degraded(clean, lambda rng: [Vignetting(x=0.5, y=0.5, tangent=rng.uniform(0.6, 1.4))]), good)
    assert preset["vignetting"]["probability"] > 0.8
    assert near(preset["vignetting"]["tangent"], 0.6, 1.4, 0.2)
    assert not {"halo", "haze", "defocus"} & preset.keys()


def halo(rng: np.random.Generator, gain: float) -> Halo:
    turn = rng.uniform(0, 2 * np.pi)
    return Halo(
        x=0.5 + 0.07 * np.cos(turn), y=0.5 + 0.07 * np.sin(turn), inner_radius=0.46, outer_radius=1.0,
        color=(0.6, 1.0, 0.8), gain=gain, kernel=0.15, sigma=0.075,
    )  # fmt: skip


def test_the_halo_of_one_photograph_is_found_with_its_side_and_colour(good: list[Measurement]) -> None:
    wanted = halo(np.random.default_rng(1), 0.8)
    found = glow(measure(simulate(drawn(0), Parameters(factors=(wanted,)), FOV), FOV), Usual.of(good))
    assert np.hypot(0.5 + found.shape.offset[0] - wanted.x, 0.5 + found.shape.offset[1] - wanted.y) < 0.05
    np.testing.assert_allclose(found.color, wanted.color, atol=0.1)
    assert glow(measure(drawn(0), FOV), Usual.of(good)).rim < found.rim / 3


def test_halos_and_their_share_are_found(clean: list[np.ndarray], good: list[Measurement]) -> None:
    lit = degraded(clean[::2], lambda rng: [halo(rng, rng.uniform(0.6, 1.2))])
    preset = fitted([*lit, *degraded(clean[1::2], lambda _: [])], good)
    share, (low, high) = preset["halo"]["probability"], preset["halo"]["gain"]
    assert share == pytest.approx(0.5, abs=0.3)
    assert high == pytest.approx(1.2, abs=0.2)
    assert share * (low + high) / 2 == pytest.approx(0.5 * 0.9, abs=0.1)  # few strong ones or many weak ones
    assert all(green == 1 and red < 0.75 for red, green, _ in preset["halo"]["colors"])
    assert not {"haze", "shadow", "vignetting"} & preset.keys()


def test_dark_blotches_their_place_and_their_colour_are_found(clean: list[np.ndarray], good: list[Measurement]) -> None:
    def shaded(rng: np.random.Generator) -> list[Factor]:
        x, depth = rng.uniform(0.6, 0.7), rng.uniform(0.6, 0.9)
        return [Shadow(x=x, y=0.5, extent_x=0.15, extent_y=0.1, depth=depth, level=0.3, color=(0.6, 0.8, 1))]

    preset = fitted([*degraded(clean[::2], shaded), *degraded(clean[1::2], lambda _: [])], good)
    assert preset["shadow"]["probability"] == pytest.approx(0.5, abs=0.2)
    assert near(preset["shadow"]["x"], 0.6, 0.7, 0.06)
    assert near(preset["shadow"]["y"], 0.5, 0.5, 0.06)
    assert near(preset["shadow"]["depth"], 0.6, 0.9, 0.25)
    assert all(blue == 1 for _, _, blue in preset["shadow"]["colors"])
    assert "haze" not in preset
    assert preset.get("halo", {"gain": [0, 0]})["gain"][1] < 0.1


def test_defocus_and_noise_are_told_apart(clean: list[np.ndarray], good: list[Measurement]) -> None:
    def soft(rng: np.random.Generator) -> list[Factor]:
        noise = Noise(shot=0.001, read=rng.uniform(0.01, 0.03), grain=1 / SIZE, seed=int(rng.integers(1 << 32)))
        return [Defocus(radius=rng.uniform(0.004, 0.01)), noise]

    preset = fitted(degraded(clean, soft), good)
    assert preset["defocus"]["probability"] > 0.9
    assert near(preset["defocus"]["radius"], 0.004, 0.01, 0.0015)
    assert near(preset["noise"]["read"], 0.01, 0.03, 0.003)
    assert near(preset["noise"]["shot"], 0.001, 0.001, 0.0005)


def test_the_share_of_a_factor_is_found(clean: list[np.ndarray], good: list[Measurement]) -> None:
    def blurred(rng: np.random.Generator) -> list[Factor]:
        return [Defocus(radius=rng.uniform(0.006, 0.012))]

    preset = fitted([*degraded(clean[::2], blurred), *degraded(clean[1::2], lambda _: [])], good)
    assert preset["defocus"]["probability"] == pytest.approx(0.5, abs=0.2)
    assert near(preset["defocus"]["radius"], 0.006, 0.012, 0.0025)


def test_the_order_of_photographs_does_not_matter_and_the_result_loads(
    clean: list[np.ndarray], good: list[Measurement], tmp_path: Path
) -> None:
    photographs = degraded(clean, lambda rng: [Exposure(stops=-rng.uniform(1, 3)), Defocus(radius=0.008)])
    text = fit(photographs, good)
    assert fit(photographs[::-1], good[::-1]) == text
    assert f"to {COUNT} photographs, against {COUNT} good" in text
    (tmp_path / "mine.toml").write_text(text, "utf-8")
    assert load_preset(tmp_path / "mine.toml").order == tuple(tomllib.loads(text)["order"])
    parameters = sample(np.random.default_rng(0), KIND, preset=tmp_path / "mine.toml")
    assert parameters.kind == KIND


def test_too_few_photographs_are_refused(good: list[Measurement]) -> None:
    with pytest.raises(UsageError, match="too few"):
        fit(good[: FEWEST - 1])
    with pytest.raises(UsageError, match="good photographs are too few"):
        fit(good, good[: FEWEST - 1])


def test_the_package_holds_good_photographs_as_numbers() -> None:
    stored = good_photographs()
    assert len(stored) >= 50
    assert "several cameras" in fit(list(stored))
    assert tomllib.loads(fit(list(stored)))["order"] == ["cast", "noise"]


@pytest.mark.parametrize("size", [200, 512, 900])
def test_size_and_depth_make_little_difference(size: int) -> None:
    image = drawn(3)
    resized = np.asarray(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA))
    scale = size / SIZE
    circle = FOV.circle.scaled(scale)
    fov = FieldOfView(Circle(circle.x, circle.y, 250 * scale).mask((size, size)), circle, 1.0)
    one, other = measure(image, FOV), measure(resized.astype(np.uint16) * 257, fov)
    np.testing.assert_allclose(light_of(other), light_of(one), atol=0.1)
    assert other.pixels == min(size, 512)
    np.testing.assert_allclose(other.spectrum[:3], one.spectrum[:3], atol=0.15)


def test_a_photograph_with_hardly_any_retina_is_refused() -> None:
    image = np.full((SIZE, SIZE, 3), 100, np.uint8)
    fov = FieldOfView(Circle(256, 256, 60).mask((SIZE, SIZE)), FOV.circle, 1.0)
    with pytest.raises(NotFundusError, match="too little retina"):
        measure(image, fov)


def test_unmix_finds_share_and_range_behind_natural_scatter() -> None:
    rng = np.random.default_rng(0)
    good, scatter = rng.normal(0, 1, 200), rng.normal(0, 1, 200)
    added = np.where(rng.uniform(size=200) < 0.5, rng.uniform(4, 8, 200), 0)
    (side,) = unmix(scatter + added, good, lambda z: z, Limits(0, 20))
    assert side.share == pytest.approx(0.5, abs=0.1)
    assert near([side.low, side.high], 4, 8, 1)
    assert not differ(scatter, good)
    assert unmix(scatter, good, lambda z: z, Limits(0, 20))[0].share == 0
