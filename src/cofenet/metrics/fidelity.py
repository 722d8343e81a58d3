"""Fidelity of a restored photograph to the true one: PSNR and SSIM over the pixels of the field of view."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8] | NDArray[np.uint16]


def psnr(image: Pixels, truth: Pixels, mask: NDArray[np.bool_]) -> float:
    """Peak signal-to-noise ratio, dB: 10 log10(peak² / mean squared error) over the pixels and channels in `mask`.

    Args:
        image: uint8 or uint16 (H, W, 3).
        truth: like `image`; the peak is its dtype's largest value.
        mask: bool (H, W).

    Returns:
        dB; infinite for equal pictures.
    """
    difference = image[mask].astype(np.float64) - truth[mask]
    error = float(np.mean(difference**2))
    return math.inf if error == 0 else 10 * math.log10(_peak(truth) ** 2 / error)


def ssim(image: Pixels, truth: Pixels, mask: NDArray[np.bool_]) -> float:
    """Structural similarity, mean over the pixels in `mask` and the three channels.

    Wang et al., IEEE TIP 13(4), 2004, eq. 13: Gaussian window of 11 pixels and sigma 1.5, K1 = 0.01, K2 = 0.03. The
    window is not cut at the edge of the field of view.

    Args:
        image: uint8 or uint16 (H, W, 3).
        truth: like `image`.
        mask: bool (H, W).
    """
    x, y = image.astype(np.float64), truth.astype(np.float64)
    c1, c2 = (0.01 * _peak(truth)) ** 2, (0.03 * _peak(truth)) ** 2
    mean_x, mean_y = _window(x), _window(y)
    var_x, var_y = _window(x * x) - mean_x**2, _window(y * y) - mean_y**2
    covariance = _window(x * y) - mean_x * mean_y
    similarity = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    similarity /= (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    return float(similarity[mask].mean())


def _window(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(cv2.GaussianBlur(x, (11, 11), 1.5, borderType=cv2.BORDER_REFLECT), np.float64)


def _peak(pixels: Pixels) -> int:
    return int(np.iinfo(pixels.dtype).max)
