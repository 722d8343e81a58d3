"""Contrast in bands of sizes: blur takes the finest, spots add what is bright, the field of view is all that counts."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from cofenet.geometry import Circle
from cofenet.networks.bands import BANDS, Bands, contrasts

SIDE = 128


def seen(image: np.ndarray) -> Tensor:
    mask = Circle(SIDE / 2, SIDE / 2, SIDE / 2).mask((SIDE, SIDE)).astype(np.float32)
    planes = [*np.moveaxis(image, 2, 0).astype(np.float32) / 255 * mask, mask]
    return torch.from_numpy(np.stack(planes))[None]


@pytest.fixture
def image(draw: Callable[..., np.ndarray]) -> np.ndarray:
    return draw(3, SIDE, SIDE)


def kinds(image: np.ndarray) -> np.ndarray:
    """(BANDS, 4): mean, relative mean, bright, dark."""
    return contrasts(seen(image))[0].numpy().reshape(BANDS, 4)


def test_blur_takes_most_from_the_finest(image: np.ndarray) -> None:
    lost = kinds(image) - kinds(cv2.GaussianBlur(image, (0, 0), 1.5))
    assert lost[0, 0] > 0.05
    assert lost[0, 0] > 2 * abs(lost[3, 0])


def test_spots_add_what_is_bright(image: np.ndarray) -> None:
    spotted = cv2.circle(image.copy(), (60, 50), 4, (200, 200, 200), -1)
    added = kinds(spotted) - kinds(image)
    assert added[2, 2] > 0.05
    assert added[2, 2] > 2 * abs(added[2, 0])


def test_light_scales_all_but_what_is_relative(image: np.ndarray) -> None:
    change = kinds(image // 2) - kinds(image)
    assert (change[1:4, 0] < -0.1).all()  # a half is - log 2 / 5
    assert (np.abs(change[1:4, 1]) < np.abs(change[1:4, 0]) * 0.6).all()


def test_beyond_the_field_of_view_nothing_counts(image: np.ndarray) -> None:
    x = seen(image)
    other = x.clone()
    other[:, :3] += (1 - x[:, 3:]) * torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(contrasts(x), contrasts(other), atol=1e-5)


def test_black_has_none() -> None:
    assert contrasts(torch.zeros(2, 4, SIDE, SIDE)).abs().max() < 0.2


def test_at_first_it_adds_nothing(image: np.ndarray) -> None:
    assert not Bands(8, 4)(seen(image), torch.ones(1, 8)).any()
