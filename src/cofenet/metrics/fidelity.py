"""Fidelity of a restored photograph to the true one: PSNR, SSIM and MS-SSIM over the pixels of the field of view."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8] | NDArray[np.uint16]
Floats = NDArray[np.float64]

SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Weight of each scale of MS-SSIM, finest first: Wang, Simoncelli, Bovik, Asilomar 2003, section 3.2."""


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
    luminance, structure = _similarity(image.astype(np.float64), truth.astype(np.float64), _peak(truth))
    return float((luminance * structure)[mask].mean())


def ms_ssim(image: Pixels, truth: Pixels, mask: NDArray[np.bool_]) -> float:
    """Multi-scale structural similarity (Wang, Simoncelli, Bovik, Asilomar 2003, eq. 7), mean of the three channels.

    Contrast and structure are compared at five scales, each half the size of the one before (means of 2 × 2 pixels),
    luminance at the coarsest; at each scale the mean over the pixels of the field of view is taken, then the weighted
    product. A channel whose structure is negative at some scale counts as 0. Windows as of `ssim`.

    Args:
        image: uint8 or uint16 (H, W, 3), at least 176 pixels a side, so that the window fits the coarsest scale.
        truth: like `image`.
        mask: bool (H, W).

    Returns:
        0 to 1. Not a number if no pixel of the mask is left at the coarsest scale.
    """
    x, y, seen = image.astype(np.float64), truth.astype(np.float64), mask.astype(np.float64)
    product = np.ones(x.shape[2])
    for scale, weight in enumerate(SCALES):
        luminance, structure = _similarity(x, y, _peak(truth))
        similarity = luminance * structure if scale == len(SCALES) - 1 else structure
        inside = seen > 0.5
        if not inside.any():
            return math.nan
        product *= np.maximum(similarity[inside].mean(0), 0) ** weight
        x, y, seen = _halved(x), _halved(y), _halved(seen)
    return float(product.mean())


def _similarity(x: Floats, y: Floats, peak: int) -> tuple[Floats, Floats]:
    """The luminance, and the contrast times structure, of SSIM: each float64 (H, W, 3)."""
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    mean_x, mean_y = _window(x), _window(y)
    var_x, var_y = _window(x * x) - mean_x**2, _window(y * y) - mean_y**2
    covariance = _window(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return luminance, (2 * covariance + c2) / (var_x + var_y + c2)


def _halved(x: Floats) -> Floats:
    rows, columns = x.shape[0] // 2, x.shape[1] // 2
    return np.asarray(cv2.resize(x[: 2 * rows, : 2 * columns], (columns, rows), interpolation=cv2.INTER_AREA))


def _window(x: Floats) -> Floats:
    return np.asarray(cv2.GaussianBlur(x, (11, 11), 1.5, borderType=cv2.BORDER_REFLECT), np.float64)


def _peak(pixels: Pixels) -> int:
    return int(np.iinfo(pixels.dtype).max)
