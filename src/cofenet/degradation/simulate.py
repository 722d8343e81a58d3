"""The one forward model: a photograph and parameters in, the low-quality photograph out. No chance is involved."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from cofenet.degradation.canvas import Canvas, bands
from cofenet.degradation.parameters import Parameters
from cofenet.errors import UsageError
from cofenet.fov import FieldOfView, find_fov
from cofenet.geometry import Crop

Pixels = NDArray[np.uint8] | NDArray[np.uint16]


def simulate(image: Pixels, parameters: Parameters, fov: FieldOfView | None = None) -> Pixels:
    """Degrade a photograph.

    Factors are applied in their order in the square around the field of view; outside the field of view nothing
    changes. The image is not modified.

    Args:
        image: uint8 or uint16 (H, W, 3), RGB, full range.
        parameters: what to do.
        fov: where the retina is; found if not given.

    Returns:
        An array like `image`.

    Raises:
        UsageError: `image` has another dtype or shape, or `parameters` are none.
        NotFundusError: no field of view is given and none is found.
    """
    if not isinstance(image, np.ndarray):
        raise UsageError(f"expected an array, uint8 or uint16 (H, W, 3), got {type(image).__name__}")
    if image.dtype not in (np.uint8, np.uint16) or image.ndim != 3 or image.shape[2] != 3:
        raise UsageError(f"expected uint8 or uint16 (H, W, 3), got {image.dtype} {image.shape}")
    if not isinstance(parameters, Parameters):
        raise UsageError(f"expected Parameters, got {type(parameters).__name__}; Parameters.from_json reads JSON")
    fov = fov or find_fov(image)
    if not parameters.factors:
        return image.copy()
    full = np.float32(np.iinfo(image.dtype).max)
    crop = Crop.around(fov.circle, round(fov.circle.diameter))
    rows, columns, inner_rows, inner_columns = crop.visible(image.shape[:2])
    seen = fov.mask[rows, columns].astype(np.uint8)
    canvas = Canvas(crop.side, np.zeros((crop.side, crop.side), np.float32))
    canvas.visible[inner_rows, inner_columns] = seen
    square = np.zeros((crop.side, crop.side, 3), np.float32)
    retina = cv2.copyTo(image[rows, columns], seen)
    np.multiply(retina, np.float32(1) / full, out=square[inner_rows, inner_columns])
    for factor in parameters.factors:
        before, square = square, factor.apply(square, canvas)
        canvas.give_back(before)
    out = image.copy()
    square, window = square[inner_rows, inner_columns], out[rows, columns]
    for band in bands(square):
        if image.dtype == np.uint8:
            levels = cv2.convertScaleAbs(square[band], alpha=float(full))  # rounds, too
        else:
            levels = np.rint(square[band] * full).astype(image.dtype)
        cv2.copyTo(levels, seen[band], window[band])
    return out
