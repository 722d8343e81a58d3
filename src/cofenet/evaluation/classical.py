"""What people use today instead of a network; the rivals every figure is set beside."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from cofenet.fov import FieldOfView

Image = NDArray[np.uint8]


def clahe(image: Image, fov: FieldOfView) -> Image:
    """Contrast-limited adaptive histogram equalisation of L of LAB, clip limit 2, 8 × 8 tiles. uint8 (H, W, 3)."""
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    lab[..., 0] = cv2.createCLAHE(2.0, (8, 8)).apply(lab[..., 0])
    return _inside(np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), np.uint8), image, fov)


def background_subtraction(image: Image, fov: FieldOfView) -> Image:
    """Subtract a Gaussian background (sigma = width / 12, inside the field of view) and keep the mean colour."""
    mask = fov.mask.astype(np.float32)
    sigma = image.shape[1] / 12
    weight = np.maximum(cv2.GaussianBlur(mask, (0, 0), sigma), 1e-3)[..., None]
    x = image.astype(np.float32) * mask[..., None]
    background = np.asarray(cv2.GaussianBlur(x, (0, 0), sigma), np.float32) / weight
    mean = image[fov.mask].mean(0)
    return _inside(np.clip(np.rint(image - background + mean), 0, 255).astype(np.uint8), image, fov)


def _inside(result: Image, image: Image, fov: FieldOfView) -> Image:
    return np.where(fov.mask[..., None], result, image)
