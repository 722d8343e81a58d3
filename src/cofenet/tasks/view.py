"""What a network sees of a photograph: a square of it, with the field of view as a fourth channel."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from cofenet.errors import NotFundusError, UsageError
from cofenet.fov import FieldOfView, find_fov
from cofenet.geometry import Crop

Pixels = NDArray[np.uint8] | NDArray[np.uint16]
Floats = NDArray[np.float32]

_BLACK, _FEW = 4095, 1e-3
"""What 12 bits can tell, in 16 bits black: half a percent of the light (sRGB); and the share that must be brighter."""


def check_pixels(image: object) -> None:
    """Refuse what is no photograph.

    Raises:
        UsageError: it is not uint8 or uint16 (H, W, 3).
    """
    if not isinstance(image, np.ndarray):
        raise UsageError(f"expected an array, uint8 or uint16 (H, W, 3), got {type(image).__name__}")
    if image.dtype not in (np.uint8, np.uint16) or image.ndim != 3 or image.shape[2] != 3:
        raise UsageError(f"expected uint8 or uint16 (H, W, 3), got {image.dtype} {image.shape}")


def known_fov(image: Pixels, fov: FieldOfView | None) -> FieldOfView:
    """The field of view that was given, or the one that is found.

    Raises:
        UsageError: the given one is of another shape than the photograph, or empty.
        NotFundusError: none is given and none is found; or it is black in uint16, as 12 bits are.
    """
    if fov is None:
        fov = find_fov(image)
    elif fov.mask.shape != image.shape[:2] or not fov.mask.any():
        raise UsageError(f"the field of view must be some of the photograph's {image.shape[:2]}, got {fov.mask.shape}")
    if image.dtype == np.uint16 and np.mean(image[fov.mask] > _BLACK) < _FEW:
        raise NotFundusError(
            f"the field of view is black: hardly a value is above {_BLACK} of 65535; "
            "those of 12 bits or fewer must be brought to full range"
        )
    return fov


def view(image: Pixels, fov: FieldOfView, crop: Crop) -> Floats:
    """Cut a square out of a photograph.

    Args:
        image: uint8 or uint16 (H, W, 3), RGB, full range.
        fov: the field of view; outside it the square is black.
        crop: which square, and at which size.

    Returns:
        float32 (4, size, size): red, green, blue and field of view, 0 to 1.
    """
    return view_alike(image, crop.take_mask(fov.mask).astype(np.float32), crop)


def view_alike(image: Pixels, seen: Floats, crop: Crop) -> Floats:
    """The same square of another photograph: `seen`, float32 (size, size), is the field of view of its `view`."""
    planes = np.empty((4, crop.size, crop.size), np.float32)
    planes[3] = seen
    for plane, colour in zip(planes, cv2.split(crop.take(image)), strict=False):
        cv2.multiply(colour, seen, dst=plane, scale=1.0 / np.iinfo(image.dtype).max, dtype=cv2.CV_32F)
    return planes


def is_grey(planes: Floats) -> bool:
    """Whether the first three of planes (4, S, S), red, green and blue, are alike."""
    return all(np.array_equal(planes[0], plane) for plane in planes[1:3])
