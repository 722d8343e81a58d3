"""Colour cut to bytes: the quick way in bytes against the published steps, one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from cofenet.degradation.canvas import Canvas
from cofenet.degradation.color import Color

_LUMA = np.array([0.299, 0.587, 0.114])


def step_by_step(levels: NDArray[np.float64], color: Color) -> NDArray[np.float64]:
    """Brightness, contrast, saturation; each cut to whole levels of 255 and clipped."""
    cut = lambda values: np.clip(np.floor(values + 5e-4), 0, 255)  # noqa: E731
    x = cut(levels * color.brightness)
    mean = round(float((x @ _LUMA).mean()))
    x = cut(mean + color.contrast * (x - mean))
    luma = (x @ _LUMA)[..., None]
    return cut(luma + color.saturation * (x - luma))


@given(st.integers(0, 99), st.floats(0, 3), st.floats(0, 3), st.floats(0, 3))
def test_bytes_are_cut_as_published(seed: int, brightness: float, contrast: float, saturation: float) -> None:
    levels = np.random.default_rng(seed).integers(0, 256, (24, 24, 3))
    color = Color(brightness=brightness, contrast=contrast, saturation=saturation, levels=255)
    image = (levels / 255).astype(np.float32)
    out = color.apply(image, Canvas(24, np.ones((24, 24), np.float32))) * 255
    # Where a product lies within an error of arithmetic of a whole level, either is right; contrast amplifies it.
    far = np.abs(out - step_by_step(levels.astype(float), color))
    assert (far > 0.01).mean() < 0.01
    assert far.max() <= 3 + 3 * contrast * saturation
