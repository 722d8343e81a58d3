"""Was what a correction took out as a spot white?

Dust and drops on the optics add the same light to each colour (cofenet.degradation.spots). A correction that took out
more of one colour than of another took out a lesion, too, or nothing else: exudates are yellow, haemorrhages red.
"""

from __future__ import annotations

import cv2
import numpy as np

from cofenet.geometry import resize
from cofenet.tasks.structure import Floats, Mask, summed, taken_for_spots, within_rim

_SIZE = 256
"""Pixels a side at which colours are compared."""

_FINE, _NEAR = 1 / 256, 1 / 24
"""Standard deviations, parts of the side: of what is too fine to have a colour, and of the surroundings of a spot."""

_UNEVEN = 0.35
"""By how much, as a part of the most, less may be taken of one colour than of another.

Of 607 spots that were taken out honestly the least is 0.82 of the most for three of four, and below 0.66 for one in
fifty; that was before what the light raises was allowed for.
"""

_FLOOR, _PEAK = 0.015, 1.5
"""Colour, of full range, that counts as one, and how many of it a place must reach somewhere."""

_ALONE = 0.02
"""Share of surroundings that are no spot below which nothing is told, and of clipped pixels from which on."""

_FAINT = 0.1
"""Of white light that is added, what is left of a colour, below which it is taken for that."""

_EDGE = 1 / 255
"""How near to black or white a colour is clipped."""


def tinted(
    before: Floats, plain: Floats, after: Floats, seen: Mask, activation: Floats, white: Floats | None = None
) -> float:
    """The coloured places that were taken out as spots, together: see `cofenet.tasks.structure.summed`.

    Args:
        before: the input, float32 (3, S, S), RGB, 0 to 1.
        plain: what of the correction can draw nothing makes of it, likewise.
        after: the correction, likewise.
        seen: bool (S, S), the field of view.
        activation: float32 (S, S), 0 to 1, where the network found spots.
        white: float32 (3, G, G), what the correction makes of white light that is added; white, if it is not given.
    """
    gains = _gains(white)
    inside = _small(within_rim(seen).astype(np.float32)) == 1
    spot = (_small(taken_for_spots(activation).astype(np.float32)) > 0) & inside
    if not spot.any():
        return 0.0
    around = (inside & ~spot).astype(np.float32)
    share = _blurred(around, _NEAR)
    most, least = np.full_like(share, -1), np.full_like(share, 1)
    for found, given, made, gain in zip(before, plain, after, gains, strict=True):
        difference = _small(given - made)
        elsewhere = _blurred(difference * around, _NEAR) / np.maximum(share, _ALONE)
        taken = _blurred(np.asarray((difference - elsewhere) / gain, np.float32), _FINE)
        known = _blurred(_small(_clipped(found, given, made)), _FINE) < _ALONE
        np.maximum(most, taken, out=most, where=known)
        np.minimum(least, taken, out=least, where=known)
    colour = most - least - np.float32(_UNEVEN) * np.maximum(most, -least)
    told = spot & (share > _ALONE)
    return summed(np.asarray(np.maximum(colour, 0) / _FLOOR * told, np.float32), _PEAK)


def _gains(white: Floats | None) -> Floats:
    """How much more a correction raises what is white in each colour than in the mean of all, of the small size."""
    if white is None:
        return np.ones((3, 1, 1), np.float32)
    small = np.maximum(np.stack([cv2.resize(plane, (_SIZE, _SIZE)) for plane in white]), np.float32(_FAINT))
    return np.asarray(small / small.mean(0), np.float32)


def _clipped(*planes: Floats) -> Floats:
    """1 where one of them is black or burnt out: more of that colour may have been taken than it tells."""
    ends = [(plane <= _EDGE) | (plane >= 1 - _EDGE) for plane in planes]
    return np.asarray(np.logical_or.reduce(ends), np.float32)


def _small(plane: Floats) -> Floats:
    return resize(plane, (_SIZE, _SIZE))


def _blurred(plane: Floats, sigma: float) -> Floats:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma * _SIZE), np.float32)
