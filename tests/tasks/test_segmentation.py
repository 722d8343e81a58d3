"""Segmentation: at home at any size, on either eye, and honest where there is nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import cofenet
from cofenet.engine.card import card_path
from cofenet.engine.session import Session
from cofenet.errors import NotFundusError, UsageError
from cofenet.fov import FieldOfView, find_fov
from cofenet.geometry import Circle, resize
from cofenet.io import read_photograph
from cofenet.metrics.overlap import dice
from cofenet.tasks.overlay import overlay
from cofenet.tasks.segmentation import Segmentation, measure_disc, segment, vessel_probability

GOOD = Path(__file__).parents[2] / "samples" / "good"


def sample(name: str = "hrf_03_h", width: int = 640) -> np.ndarray:
    pixels = read_photograph(GOOD / f"{name}.jpg").pixels
    return resize(np.asarray(pixels, np.uint8), (width * pixels.shape[0] // pixels.shape[1], width))


@pytest.fixture(scope="module")
def found() -> Segmentation:
    return segment(sample())


def test_structures_are_where_they_are(found: Segmentation) -> None:
    image = sample()
    assert found.vessels is not None
    assert found.disc is not None
    assert found.cup is not None
    shape = image.shape[:2]
    assert found.vessels.shape == found.disc.shape == found.cup.shape == shape
    assert found.vessels.dtype == found.disc.dtype == np.bool_
    green = image[..., 1].astype(float)
    assert green[found.vessels].mean() < green[found.fov.mask].mean() < green[found.disc].mean()
    assert not (found.cup & ~found.disc).any()
    assert not (found.vessels & ~found.fov.mask).any()


def test_measurements_are_of_the_masks(found: Segmentation) -> None:
    measured = found.measurements
    assert found.vessels is not None
    assert measured.vessel_density == found.vessels[found.fov.mask].mean()
    assert 0.03 < measured.vessel_density < 0.25
    assert measured.disc is not None
    assert measured.disc_confidence is not None
    assert measured.disc_confidence > 0.5
    assert 0.08 < measured.disc.vertical_diameter / found.fov.circle.diameter < 0.25
    assert measured.disc.cup_to_disc is not None
    assert 0.1 < measured.disc.cup_to_disc < 0.9


@pytest.mark.slow
@pytest.mark.parametrize("width", [300, 1300, 4000])
def test_size_does_not_matter(found: Segmentation, width: int) -> None:
    other = segment(sample(width=width))
    assert found.disc is not None
    assert other.disc is not None
    brought = resize(other.disc.astype(np.uint8), found.disc.shape).astype(bool)  # type: ignore[arg-type]
    assert dice(brought, found.disc, found.fov.mask) > 0.85
    assert other.measurements.vessel_density == pytest.approx(found.measurements.vessel_density, rel=0.5)


@pytest.mark.slow
def test_the_other_eye_is_the_mirror_image(found: Segmentation) -> None:
    mirrored = segment(np.ascontiguousarray(sample()[:, ::-1]))
    for ours, theirs in ((found.vessels, mirrored.vessels), (found.disc, mirrored.disc)):
        assert ours is not None
        assert theirs is not None
        assert dice(theirs[:, ::-1], ours, found.fov.mask) > 0.85


def test_depth_does_not_matter(found: Segmentation) -> None:
    deep = segment(sample().astype(np.uint16) * 257)
    for ours, theirs in ((deep.vessels, found.vessels), (deep.disc, found.disc), (deep.cup, found.cup)):
        assert ours is not None
        assert theirs is not None
        assert dice(ours, theirs, found.fov.mask) > 0.98


def test_only_what_is_asked_for(found: Segmentation) -> None:
    cup = segment(sample(), structures=["cup"])
    assert cup.vessels is None
    assert cup.disc is None
    assert cup.probabilities.keys() == {"cup"}
    assert cup.measurements.vessel_density is None
    assert cup.measurements.disc == found.measurements.disc
    np.testing.assert_array_equal(cup.cup, found.cup)


def test_a_photograph_centred_on_the_disc(found: Segmentation) -> None:
    """Half the diameter around the disc, behind a round aperture of its own."""
    disc = found.measurements.disc
    assert disc is not None
    side = round(found.fov.circle.radius)
    left, top = round(disc.x) - side // 2, round(disc.y) - side // 2
    image = np.ascontiguousarray(sample()[max(0, top) : top + side, max(0, left) : left + side])
    image[~Circle(disc.x - max(0, left), disc.y - max(0, top), side / 2).mask(image.shape[:2])] = 0
    centred = segment(image)
    assert centred.disc is not None
    assert found.disc is not None
    place = found.disc[max(0, top) : top + side, max(0, left) : left + side]
    assert dice(centred.disc, place, np.ones_like(place)) > 0.8


def test_a_frame_inside_the_retina_is_seen_in_one_tile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its circle is larger than itself, but there is nothing to see in the rest of it."""
    seen: list[tuple[int, ...]] = []

    def look(_: Session, picture: np.ndarray) -> np.ndarray:
        seen.append(picture.shape)
        return picture[:1]

    monkeypatch.setattr("cofenet.tasks.segmentation._run", look)
    image = np.full((400, 400, 3), 90, np.uint8)
    fov = FieldOfView(np.ones((400, 400), np.bool_), Circle(200, 200, 283), 0.2)
    found = vessel_probability(image, fov)
    assert seen == [(4, 512, 512)]
    np.testing.assert_allclose(found, 90 / 255, atol=0.01)


def test_the_networks_together_are_small() -> None:
    assert (
        sum(card_path(name).with_suffix(".onnx").stat().st_size for name in ("vessels", "disc-finder", "disc")) < 25e6
    )


@pytest.mark.parametrize("name", ["hrf_03_g", "hrf_06_h", "retina"])
def test_a_part_without_disc_has_none(name: str) -> None:
    image = sample(name)
    disc = segment(image, structures=["disc"]).measurements.disc
    assert disc is not None
    part = image[:, : int(disc.x) - 80] if disc.x > 320 else image[:, int(disc.x) + 80 :]
    found = segment(np.ascontiguousarray(part), structures=["disc", "cup"])
    assert found.disc is not None
    assert found.cup is not None
    assert not found.disc.any()
    assert not found.cup.any()
    assert found.measurements.disc is None
    assert found.measurements.disc_confidence is not None
    assert found.measurements.disc_confidence < 0.5


def test_measures_of_a_drawn_disc() -> None:
    disc, cup = np.zeros((50, 60), np.bool_), np.zeros((50, 60), np.bool_)
    disc[10:30, 20:36], cup[15:25, 24:30] = True, True
    measured = measure_disc(disc, cup)
    assert measured is not None
    assert (measured.x, measured.y) == (28, 20)
    assert (measured.vertical_diameter, measured.horizontal_diameter) == (20, 16)
    assert measured.cup_to_disc == 0.5
    without = measure_disc(disc, np.zeros_like(cup))
    assert without is not None
    assert without.cup_to_disc is None
    assert measure_disc(cup & False, cup) is None


def test_overlay_draws_inside_the_field_of_view(found: Segmentation) -> None:
    image = sample()
    kept = image.copy()
    drawn = overlay(image, found)
    assert drawn.shape == image.shape
    assert drawn.dtype == np.uint8
    assert (drawn != image).any()
    np.testing.assert_array_equal(image, kept)
    np.testing.assert_array_equal(drawn[~found.fov.mask], image[~found.fov.mask])
    assert overlay(image.astype(np.uint16) * 257, found).dtype == np.uint8


def test_what_cannot_be_segmented_is_refused() -> None:
    with pytest.raises(UsageError, match="fovea"):
        cofenet.segment(sample(), structures=["fovea"])  # type: ignore[list-item]
    with pytest.raises(UsageError, match="none"):
        cofenet.segment(sample(), structures=[])
    with pytest.raises(UsageError, match="float64"):
        cofenet.segment(np.zeros((64, 64, 3)))  # type: ignore[arg-type]
    with pytest.raises(NotFundusError):
        cofenet.segment(np.random.default_rng(0).integers(0, 255, (99, 99, 3), np.uint8))


def test_a_field_of_view_of_another_shape_is_refused(draw: Callable[..., np.ndarray]) -> None:
    image = draw(0)
    fov = find_fov(image)
    for mask in (np.ones((300, 300), np.bool_), np.zeros_like(fov.mask)):
        with pytest.raises(UsageError, match="field of view"):
            segment(image, fov=FieldOfView(mask, fov.circle, 1.0))
