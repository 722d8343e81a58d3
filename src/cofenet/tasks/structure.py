"""Is the structure of a correction that of its input? Compared without ground truth, in the square around the retina.

Light, colour and contrast may change, slowly from place to place; what is fine must be the input's own. So the band of
structures of each of the correction's channels, g, is regressed on the same band of the input's three channels, a, in
Gaussian windows, by least squares that lean towards the weights w₀ of the whole picture:

    w(x) = (⟨a aᵀ⟩ + λ)⁻¹ (⟨a g⟩ + λ w₀),    e = g − w · a,    z = |e| / (f + s · √min(⟨(w · a)²⟩, ⟨g²⟩))

e is what the input does not explain: drawn if the correction has it, erased if w · a has it. z counts it in units of
what honest corrections leave: a floor f, and a share s of the structure that both have there. Regions of high z are
found with hysteresis, so that noise at one threshold neither makes nor breaks them. λ is 0.3 of the picture's mean
⟨a²⟩: with less, something alone in its window explains its own loss as lower contrast.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

_FINEST, _BAND, _NEAR = 1 / 256, (1 / 512, 1 / 32), 1 / 64
"""Standard deviations, parts of the diameter D of the field of view: of the finest part, the band, local means."""

_LINES, _SPOTS = 1 / 16, 1 / 8
"""Windows of the regression: for thin structures, and for those that would fill a narrow one and explain themselves."""

_FLOOR, _SHARE, _LEANING = 0.006, 0.25, 0.3
_LINE_PEAK, _SPOT_PEAK = 3.0, 5.0
"""z that a region must reach somewhere; it extends to where z falls below half of that."""

_REDUCED = 8
"""The regression's weights are smooth: they are solved for on every eighth pixel."""

_RIM = 1 / 40
"""Part of D along the edge of the field of view that is not compared: bands do not end sharply there."""

_LEFT_OUT, _REACH = 0.4, 1 / 64
"""Low-quality activation from which a place counts as a spot that was taken out, and how far that reaches, of D."""

_WIDE = 8.0
"""Standard deviation, pixels, from which a Gaussian is applied to a smaller copy."""

_EDGE, _DRAWN = 0.02, 0.02
"""How near to black or white nothing is seen, and the contrast that counts as structure there, of full range."""


@dataclass(frozen=True)
class Structure:
    """The structure of a correction beside that of its input.

    Attributes:
        unexplained: z of the green channel, float32 (S, S); 0 where it is not compared.
        lines: the largest region that the input does not explain: root of its summed z, in units of D.
        spots: the same of red and green in wider windows, where spots show.
        difference: 1 minus the correlation of the green channel with what the input explains; 0 to 2.
        blur: share of the finest contrast that was lost, as far as contrast as a whole was not; below 0 if sharper.
        invented: share of the field of view with structure where the input is black or white, away from its edge.
    """

    unexplained: Floats
    lines: float
    spots: float
    difference: float
    blur: float
    invented: float


def compare(before: Floats, after: Floats, seen: Mask, activation: Floats) -> Structure:
    """Compare a correction with its input.

    Args:
        before: the input, float32 (S, S, 3), RGB, 0 to 1.
        after: the correction, likewise.
        seen: bool (S, S), the field of view.
        activation: float32 (S, S), 0 to 1, where the network found spots; they are not compared.
    """
    size, bands = len(seen), _Bands(seen)
    inside = within_rim(seen)
    compared = inside & ~taken_for_spots(activation)
    low, high = (sigma * size for sigma in _BAND)
    given = [bands.cut(before[..., colour], low, high) for colour in range(3)]
    made = [bands.cut(after[..., colour], low, high) for colour in range(2)]
    (narrow,) = _weights(given, made[1:], _LINES * size)
    expected = _mixed(narrow, given)
    z = _unexplained(expected, made[1], compared)
    wide = _weights(given, made, _SPOTS * size)
    spots = np.maximum(*(_unexplained(_mixed(w, given), g, compared) for w, g in zip(wide, made, strict=True)))
    p, g = expected[inside], made[1][inside]
    red, green, blue = cv2.split(before)
    brightest, darkest = cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue)
    lost = ((brightest < _EDGE) | (darkest > 1 - _EDGE)) & inside
    drawn = within_rim(lost) & (np.abs(made[1]) - np.abs(given[1]) > _DRAWN)
    return Structure(
        z, largest(z, _LINE_PEAK), largest(spots, _SPOT_PEAK),
        1 - _ratio(float(p @ g), float(np.linalg.norm(p) * np.linalg.norm(g))),
        _blur(before[..., 1], after[..., 1], bands, inside),
        float(np.count_nonzero(drawn)) / max(1, int(np.count_nonzero(inside))),
    )  # fmt: skip


def taken_for_spots(activation: Floats) -> Mask:
    """Where the network took something for a spot and may have taken it out: bool (S, S), as the activation."""
    return _grown(activation > _LEFT_OUT, _REACH * len(activation))


def within_rim(seen: Mask) -> Mask:
    """The field of view, bool (S, S), without its rim."""
    side = 2 * round(_RIM * len(seen)) + 1
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return cv2.erode(seen.astype(np.uint8), element, borderType=cv2.BORDER_CONSTANT, borderValue=0) > 0


def largest(z: Floats, peak: float) -> float:
    """The largest region above half of `peak` that reaches `peak`: the root of its summed z, over the side S."""
    _, labels = cv2.connectedComponents((z > peak / 2).astype(np.uint8))
    tops = np.zeros(int(labels.max()) + 1, np.float32)
    np.maximum.at(tops, labels.ravel().astype(np.intp), z.ravel())
    sums = np.bincount(labels.ravel(), z.ravel(), len(tops))
    found = sums[1:][tops[1:] >= peak]
    return float(np.sqrt(found.max())) / len(z) if len(found) else 0.0


def _blur(before: Floats, after: Floats, bands: _Bands, inside: Mask) -> float:
    """1 minus the slope of the finest contrast on the input's, times the local gain of contrast as a whole."""
    size = len(before)
    low, high = _BAND[0] * size, _NEAR * size
    a, b = (bands.cut(plane, low, high) for plane in (before, after))
    window = _LINES * size
    gain = _blurred(a * b, window) / (_blurred(a * a, window) + np.float32(1e-7))
    finest, made = (bands.cut(plane, 0, _FINEST * size)[inside] for plane in (before, after))
    expected = gain[inside] * finest
    return 1 - _ratio(float(expected @ made), float(expected @ expected))


def _grown(mask: Mask, reach: float) -> Mask:
    side = 2 * max(1, round(reach / 2)) + 1
    return cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8)) > 0


def _unexplained(expected: Floats, made: Floats, compared: Mask) -> Floats:
    near = _NEAR * len(made)
    spread = np.sqrt(np.minimum(_blurred(expected * expected, near), _blurred(made * made, near)))
    return np.asarray(np.abs(_blurred(made - expected, 1.5)) / (_FLOOR + _SHARE * spread) * compared, np.float32)


def _weights(given: list[Floats], made: list[Floats], window: float) -> list[Floats]:
    """For each channel that was made the weights of those that were given, float32 (S, S, 3)."""
    size = len(given[0])
    small = -(-size // _REDUCED)

    def mean(values: Floats) -> Floats:
        reduced = cv2.resize(values, (small, small), interpolation=cv2.INTER_AREA)
        return _blurred(np.asarray(reduced, np.float32), window / _REDUCED)

    gram, right = np.empty((small, small, 3, 3), np.float32), np.empty((small, small, 3, len(made)), np.float32)
    for i in range(3):
        for k, channel in enumerate(made):
            right[..., i, k] = mean(given[i] * channel)
        for j in range(i, 3):
            gram[..., i, j] = gram[..., j, i] = mean(given[i] * given[j])
    whole = gram.mean((0, 1))
    leaning = _LEANING * float(np.trace(whole)) / 3
    common = np.linalg.solve(whole + 1e-6 * np.eye(3), right.mean((0, 1)))
    weights = np.linalg.solve(gram + (leaning + 1e-9) * np.eye(3), right + leaning * common).astype(np.float32)
    return [np.asarray(cv2.resize(np.ascontiguousarray(weights[..., k]), (size, size))) for k in range(len(made))]


def _mixed(weights: Floats, planes: list[Floats]) -> Floats:
    return np.asarray(sum(weights[..., i] * plane for i, plane in enumerate(planes)), np.float32)


class _Bands:
    """Differences of Gaussians inside a field of view."""

    def __init__(self, seen: Mask) -> None:
        self._weight = seen.astype(np.float32)
        self._norms: dict[float, Floats] = {}

    def cut(self, plane: Floats, low: float, high: float) -> Floats:
        """What lies between two standard deviations, in pixels; 0 outside the field of view."""
        if high not in self._norms:
            self._norms[high] = np.maximum(_blurred(self._weight, high), np.float32(1e-3))
        wide = _blurred(plane * self._weight, high) / self._norms[high]
        return np.asarray(((_blurred(plane, low) if low else plane) - wide) * self._weight, np.float32)


def _blurred(plane: Floats, sigma: float) -> Floats:
    """A wide Gaussian is applied to a fourth of the size: it leaves nothing finer."""
    if sigma < _WIDE:
        return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma), np.float32)
    height, width = plane.shape
    small = cv2.resize(plane, (max(1, width // 4), max(1, height // 4)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(cv2.GaussianBlur(small, (0, 0), sigma / 4), (width, height)), np.float32)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 1.0
