"""How well lesions stand out from what is around them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from cofenet.geometry import grown

Pixels = NDArray[np.uint8] | NDArray[np.uint16]
Mask = NDArray[np.bool_]

_GAP, _RING = 1 / 200, 1 / 50
"""Of the side of the square: the surround of a lesion begins and ends so far from it. Ours."""

_SMALLEST = 4
"""Pixels below which a region is no lesion that can be measured."""


def lesion_contrasts(image: Pixels, lesions: Mask, fov: Mask) -> NDArray[np.float64]:
    """Weber contrast of each lesion in the green channel: (mean inside - mean of the ring around it) / the latter.

    The ring reaches from 1/200 to 1/50 of the picture's side beyond the lesion; other lesions and what lies outside the
    field of view are left out of it. Positive for exudates, negative for haemorrhages. A gain of the light does not
    change it; a veil takes its share of it.

    Args:
        image: uint8 or uint16 (S, S, 3), RGB, the square around the field of view.
        lesions: bool (S, S); each connected region is a lesion, those below 4 pixels are left out.
        fov: bool (S, S).

    Returns:
        (N,), in the order of the regions, which depends on `lesions` and `fov` alone; so does N.
    """
    green, side = image[..., 1].astype(np.float64), len(image)
    near = grown(lesions, _GAP * side)
    count, labels = cv2.connectedComponents((lesions & fov).astype(np.uint8))
    found = []
    for number in range(1, count):
        region = labels == number
        ring = grown(region, (_GAP + _RING) * side) & fov & ~near
        if region.sum() < _SMALLEST or not ring.any():
            continue
        around = float(green[ring].mean())
        found.append((float(green[region].mean()) - around) / max(around, 1.0))
    return np.array(found)


def lesion_contrast_kept(image: Pixels, truth: Pixels, lesions: Mask, fov: Mask) -> float:
    """How many times the contrast of the truth lesions have: sum c t / sum t², over the lesions' contrasts c and t.

    1 where all are as they were, below where they are paler, above where they are exaggerated, negative where bright
    became dark. Not a number without a lesion. Arguments as of `lesion_contrasts`.
    """
    ours, theirs = (lesion_contrasts(picture, lesions, fov) for picture in (image, truth))
    whole = float(theirs @ theirs)
    return float(ours @ theirs) / whole if whole > 0 else float("nan")
