"""Tiling: what does not depend on the place comes out as if there were no tiles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cofenet.engine.tiling import OVERLAP, tiled


@given(st.integers(1, 700), st.integers(1, 400), st.sampled_from([160, 224]))
@settings(max_examples=25)
def test_pixelwise_work_is_not_changed(height: int, width: int, size: int) -> None:
    picture = np.random.default_rng(0).random((2, height, width), np.float32)
    out = tiled(picture, size, 3, lambda tile: np.stack([*tile, tile.sum(0)]))
    expected = np.stack([*picture, picture.sum(0)])
    np.testing.assert_allclose(out, expected, atol=1e-6)


@pytest.mark.parametrize(("length", "count"), [(100, 1), (256, 1), (257, 2), (448, 2), (449, 3)])
def test_as_few_tiles_as_needed(length: int, count: int) -> None:
    seen = 0

    def look(tile: np.ndarray) -> np.ndarray:
        nonlocal seen
        seen += 1
        assert tile.shape == (1, 256, 256)
        return tile

    tiled(np.zeros((1, length, 30), np.float32), 256, 1, look)
    assert seen == count


def test_disagreeing_tiles_fade_into_each_other() -> None:
    """Tiles that answer with their number leave no step larger than the fading's."""
    numbers = iter(range(100))
    out = tiled(np.zeros((1, 192, 960), np.float32), 192, 1, lambda tile: np.full((1, 192, 192), next(numbers), "f"))
    assert np.abs(np.diff(out[0], axis=1)).max() <= 1.5 / OVERLAP
    assert out[0, 0, 0] == 0
    assert out[0, 0, -1] == next(numbers) - 1
