"""Are the colours of a correction plausible? Compared with what good photographs look like, and with the input.

Colour is CIE L*a*b* of the mean colour of the field of view (D65). From good photographs of several cameras, and what
simulation makes of them, one learns linearly which colour p a photograph had before it became the input, and how unsure
that is (covariance C). An honest correction goes from the input's colour towards p, some way or all of it; so strange
is how far, in standard deviations (Mahalanobis 1936, by C), it lies from the line between the two. A photograph that
stays as it was is never strange, whatever its camera.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def colour_strangeness(
    before: NDArray[np.floating],
    after: NDArray[np.floating],
    expected: NDArray[np.float64],
    covariance: NDArray[np.float64],
) -> float:
    """How strange the mean colour of a correction is, beside its input's, in standard deviations; 0 if it is the same.

    Args:
        before: mean red, green, blue of the input's field of view, 0 to 1.
        after: the same of the correction.
        expected: (3, 4), what gives p from the input's L*, a*, b* and 1.
        covariance: (3, 3), of p.
    """
    start, end = _lab(before), _lab(after)
    whiten = np.linalg.inv(np.linalg.cholesky(covariance))
    way, gone = whiten @ (expected @ np.append(start, 1.0) - start), whiten @ (end - start)
    length = float(way @ way)
    share = min(1.0, max(0.0, float(gone @ way) / length)) if length > 0 else 0.0
    return float(np.linalg.norm(gone - share * way))


def _lab(colour: NDArray[np.floating]) -> NDArray[np.float64]:
    pixel = np.asarray(colour, np.float32)[None, None]
    return np.asarray(cv2.cvtColor(pixel, cv2.COLOR_RGB2LAB)[0, 0], np.float64)
