"""What a network sees of a photograph: a square of it, with the field of view as a fourth channel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cofenet.errors import UsageError
from cofenet.fov import FieldOfView
from cofenet.geometry import Crop

Pixels = NDArray[np.uint8] | NDArray[np.uint16]
Floats = NDArray[np.float32]


def check_pixels(image: object) -> None:
    """Refuse what is no photograph.

    Raises:
        UsageError: it is not uint8 or uint16 (H, W, 3).
    """
    if not isinstance(image, np.ndarray):
        raise UsageError(f"expected an array, uint8 or uint16 (H, W, 3), got {type(image).__name__}")
    if image.dtype not in (np.uint8, np.uint16) or image.ndim != 3 or image.shape[2] != 3:
        raise UsageError(f"expected uint8 or uint16 (H, W, 3), got {image.dtype} {image.shape}")


def view(image: Pixels, fov: FieldOfView, crop: Crop) -> Floats:
    """Cut a square out of a photograph.

    Args:
        image: uint8 or uint16 (H, W, 3), RGB, full range.
        fov: the field of view; outside it the square is black.
        crop: which square, and at which size.

    Returns:
        float32 (size, size, 4), RGB and field of view, 0 to 1.
    """
    mask = (crop.take(np.where(fov.mask, np.uint8(255), np.uint8(0))) > 127).astype(np.float32)
    pixels = crop.take(image).astype(np.float32) / np.float32(np.iinfo(image.dtype).max)
    return np.asarray(np.dstack([pixels * mask[..., None], mask]), np.float32)


def batch(picture: Floats) -> Floats:
    """(H, W, C) to (1, C, H, W)."""
    return np.ascontiguousarray(picture.transpose(2, 0, 1)[None])
