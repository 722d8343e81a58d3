"""Are the colours of a correction plausible? Compared with what good photographs look like, and with the input.

Colour is CIE L*a*b* (D65) of the mean colour of the field of view. From good photographs of several cameras, and what
simulation makes of them, one learns by least squares which colour p a photograph had before it became the input, and
how unsure that is (covariance C); the input tells it by its colour, by how much its colours differ from place to place,
by products of two of these, and by the colours of four rings of the field of view. An honest correction goes from the
input's colour towards p, some way or all of it; so strange is how far, in standard deviations (Mahalanobis 1936, by C),
it lies from the line between the two. A photograph that stays as it was is never strange, whatever its camera.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cofenet.geometry import Circle, resize
from cofenet.tasks.view import Floats

_SMALL = 128
"""Pixels a side at which colours are told: neither noise nor blur shows."""

_RINGS = (0.35, 0.65, 0.85)
"""Radii between the rings, of the field of view's."""


@dataclass(frozen=True)
class Colours:
    """Of a photograph's field of view.

    Attributes:
        mean: (3,), L*, a*, b* of the mean colour.
        spread: (3,), standard deviations of L*, a*, b*.
        rings: (4, 3), means of L*, a*, b* from the centre outwards.
    """

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    rings: NDArray[np.float64]


def colours(planes: Floats) -> Colours:
    """Tell the colours of planes, float32 (4, S, S): red, green, blue and field of view, 0 to 1."""
    small = np.stack([resize(plane, (_SMALL, _SMALL)) for plane in planes], 2)
    seen = small[..., 3] > 0.5
    retina = small[seen][None, :, :3]
    lab = cv2.cvtColor(np.ascontiguousarray(retina), cv2.COLOR_RGB2LAB)[0].astype(np.float64)
    mean = cv2.cvtColor(retina.mean(1, keepdims=True), cv2.COLOR_RGB2LAB)[0, 0].astype(np.float64)
    half = _SMALL / 2
    ring = np.digitize(Circle(half, half, half).distance(seen.shape)[seen] / half, _RINGS)
    members = [lab[ring == number] for number in range(len(_RINGS) + 1)]
    rings = [one.mean(0) if len(one) else mean for one in members]
    return Colours(mean, lab.std(0), np.stack(rings))


def colour_strangeness(
    before: Colours,
    after: Colours,
    expected: NDArray[np.float64],
    covariance: NDArray[np.float64],
    within: NDArray[np.float64],
) -> float:
    """How strange the mean colour of a correction is, beside its input's, in standard deviations; 0 if it is the same.

    Args:
        before: of the input.
        after: of the correction.
        expected: (3, 40), what gives p from `predictors` of the input.
        covariance: (3, 3), of p.
        within: (2, 18), as of `predictors`.
    """
    start = before.mean
    whiten = np.linalg.inv(np.linalg.cholesky(covariance))
    way, gone = whiten @ (expected @ predictors(before, within) - start), whiten @ (after.mean - start)
    length = float(way @ way)
    share = min(1.0, max(0.0, float(gone @ way) / length)) if length > 0 else 0.0
    return float(np.linalg.norm(gone - share * way))


def predictors(before: Colours, within: NDArray[np.float64]) -> NDArray[np.float64]:
    """What p is told by, (40,): the input's mean, spread and rings, all products of two of the first six, and 1.

    Args:
        before: of the input.
        within: (2, 18), lowest and highest of the first 18 that were learned from: what lies beyond counts as if it did
            not, for squares would lead anywhere.
    """
    told = np.clip(np.concatenate([before.mean, before.spread, before.rings.ravel()]), *within)
    products = np.outer(told[:6], told[:6])[np.triu_indices(6)]
    return np.concatenate([told, products, [1.0]])
