"""The colour spaces of the fusion network against OpenCV's."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from cofenet.networks.fusion import hsv, lab


@pytest.fixture
def picture() -> np.ndarray:
    values = np.random.default_rng(0).random((40, 40, 3), np.float32)
    values[0] = values[0, :, :1]  # greys
    values[1], values[2] = 0, 1
    return values


def planes(picture: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(picture.transpose(2, 0, 1)[None].copy())


def test_hsv(picture: np.ndarray) -> None:
    ours = hsv(planes(picture))[0].numpy().transpose(1, 2, 0)
    theirs = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV) / np.array([360, 1, 1])
    hue = np.abs(ours[..., 0] - theirs[..., 0])
    assert np.minimum(hue, 1 - hue).max() < 1e-4
    np.testing.assert_allclose(ours[..., 1:], theirs[..., 1:], atol=1e-4)


def test_lab(picture: np.ndarray) -> None:
    ours = lab(planes(picture))[0].numpy().transpose(1, 2, 0)
    theirs = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB) / np.array([100, 255, 255]) + np.array([0, 0.5, 0.5])
    np.testing.assert_allclose(ours, theirs, atol=5e-3)


def test_gradients_are_finite(picture: np.ndarray) -> None:
    seen = planes(picture).requires_grad_()
    (hsv(seen).sum() + lab(seen).sum()).backward()  # type: ignore[no-untyped-call]
    assert seen.grad is not None
    assert seen.grad.isfinite().all()
