from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from cofenet.degradation import KINDS, degradation_maps, sample
from cofenet.fov import find_fov

Draw = Callable[..., NDArray[np.uint8]]


@pytest.mark.parametrize("kind", KINDS)
def test_each_map_belongs_to_its_bit(draw: Draw, kind: str) -> None:
    image = draw(1)
    fov = find_fov(image)
    maps = degradation_maps(image, sample(np.random.default_rng(2), kind), fov)
    assert maps.illumination.shape == image.shape
    assert maps.artifact.shape == image.shape[:2]
    assert bool(maps.illumination.any()) == (kind[2] == "1")
    assert bool(maps.artifact.any()) == (kind[1] == "1")
    assert not maps.illumination[~fov.mask].any()
    assert not maps.artifact[~fov.mask].any()
    assert np.abs(maps.illumination).max() <= 1
    assert maps.artifact.min() >= 0


def test_depth_does_not_matter(draw: Draw) -> None:
    image, parameters = draw(1), sample(np.random.default_rng(2))
    fov = find_fov(image)
    deep = degradation_maps(image.astype(np.uint16) * 257, parameters, fov)
    np.testing.assert_allclose(deep.illumination, degradation_maps(image, parameters, fov).illumination, atol=0.004)
