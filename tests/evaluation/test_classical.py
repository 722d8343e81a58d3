from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from cofenet.evaluation.classical import background_subtraction, clahe
from cofenet.evaluation.restoration import METHODS, score
from cofenet.fov import find_fov
from cofenet.geometry import resize

Draw = Callable[..., np.ndarray]


@pytest.mark.parametrize("method", [clahe, background_subtraction])
def test_only_the_field_of_view_changes(draw: Draw, method: Callable[..., np.ndarray]) -> None:
    image = draw(0)
    fov = find_fov(image)
    out = method(image, fov)
    np.testing.assert_array_equal(out[~fov.mask], image[~fov.mask])
    assert (out[fov.mask] != image[fov.mask]).any()


def test_clahe_raises_local_contrast(draw: Draw) -> None:
    image = draw(1)
    fov = find_fov(image)
    assert clahe(image, fov)[fov.mask].std() > image[fov.mask].std()


def test_background_subtraction_levels_the_light_and_keeps_the_mean(draw: Draw) -> None:
    image = draw(2)
    fov = find_fov(image)
    slope = np.linspace(0.6, 1.4, image.shape[1])[None, :, None]
    uneven = np.where(fov.mask[..., None], np.clip(image * slope, 0, 255), image).astype(np.uint8)
    out = background_subtraction(uneven, fov)
    half = image.shape[1] // 2

    def tilt(picture: np.ndarray) -> float:
        return abs(float(picture[:, :half][fov.mask[:, :half]].mean() - picture[:, half:][fov.mask[:, half:]].mean()))

    assert tilt(out) < 0.3 * tilt(uneven)
    assert out[fov.mask].mean() == pytest.approx(uneven[fov.mask].mean(), abs=6)


def test_every_method_is_scored_on_the_same_degraded_photograph(draw: Draw) -> None:
    clean = resize(draw(3, 400, 400), (512, 512))
    fov = find_fov(clean)
    first, again = (list(score("a.jpg", clean, fov, "111")) for _ in range(2))
    assert [item.method for item in first] == list(METHODS)
    assert first == again
    other = list(score("b.jpg", clean, fov, "111"))
    assert other[0].psnr != first[0].psnr
    good = list(score("a.jpg", clean, fov, "000"))
    assert good[0].psnr == float("inf")
