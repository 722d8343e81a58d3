"""Is the structure of a correction that of its input? Compared without ground truth, in the square around the retina.

What slow light and one filter for the whole photograph make of the input can draw nothing (`cofenet.tasks.proposal`);
where that is known, it stands for the input, where it is not, the input itself does. Beyond it light and contrast may
change, slowly from place to place, and blur may be undone; what is fine must be the input's own. So the band of
structures of each of the correction's channels, g, is regressed in Gaussian windows on four of the input, a: the same
band of its three channels, and what is finest in the green one, x − G_s x (G: Gaussian), by which any sharpening
begins: x + α (x − G_s x). Least squares that lean towards the weights w₀ of the whole picture:

    w(x) = (⟨a aᵀ⟩ + Λ)⁻¹ (⟨a g⟩ + Λ w₀),    e = g − w · a,    z = |e| / (f + s · √min(⟨(w · a)²⟩, ⟨g²⟩))

e is what the input does not explain: drawn if the correction has it, erased if w · a has it. Where g differs less from
the input's own band of that channel, e is that difference: what was left as it was is honest, even where its colours
are like no others in the window, as those of the cup are. z counts e in units of
what honest corrections leave: a floor f, and a share s of the structure that both have there. Regions of high z are
found with hysteresis, so that noise at one threshold neither makes nor breaks them, and add up. Λ is diagonal: 0.3 of
the picture's mean ⟨a²⟩, of the colours one mean; with less, something alone in its window explains its own loss.

Where the network took something for a spot, only what no spot is counts, for spots are bright and blurred: what is
darker in the correction than its surroundings and the input, in green or red, and what was dark and narrow and is gone.
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

_REDUCED = 16
"""The regression's weights are smooth: they are solved for on every 16th pixel."""

_RIM = 1 / 40
"""Part of D along the edge of the field of view that is not compared: bands do not end sharply there."""

_LEFT_OUT, _REACH = 0.4, 1 / 64
"""Low-quality activation from which a place counts as a spot that was taken out, and how far that reaches, of D."""

_NARROW = 0.07
"""What is dark and narrower than that, of D, is no spot, but a vessel (up to 0.02 D) or a haemorrhage."""

_WIDE = 8.0
"""Standard deviation, pixels, from which a Gaussian is applied to a smaller copy."""

_EDGE, _DRAWN = 0.02, 0.02
"""How near to black or white nothing is seen, and the contrast that counts as structure there, of full range."""

_GREYED = 0.04
"""Contrast by which red must be darker where a spot was taken out too well, which leaves it grey."""


@dataclass(frozen=True)
class Structure:
    """The structure of a correction beside that of its input.

    Attributes:
        unexplained: z of the green channel, float32 (S, S); 0 where it is not compared.
        lines: what the input does not explain: root of the summed z of its regions, in units of D.
        spots: the same of red and green in wider windows, where spots show.
        hidden: as `lines`, but where the network took something for a spot, of what no spot explains.
        difference: 1 minus the correlation of the green channel with what the input explains; 0 to 2.
        blur: share of the finest contrast that was lost, as far as contrast as a whole was not; below 0 if sharper.
        invented: share of the field of view with structure where the input is black or white, away from its edge.
        uncompared: share of the field of view, without its rim, that the network took for spots.
    """

    unexplained: Floats
    lines: float
    spots: float
    hidden: float
    difference: float
    blur: float
    invented: float
    uncompared: float


def compare(before: Floats, plain: Floats, after: Floats, seen: Mask, activation: Floats) -> Structure:
    """Compare a correction with its input.

    Args:
        before: the input, float32 (3, S, S), RGB, 0 to 1, 0 where not seen; S is a multiple of 16.
        plain: what of the correction can draw nothing makes of it, likewise; the input itself if that is not known.
        after: the correction, likewise.
        seen: bool (S, S), the field of view.
        activation: float32 (S, S), 0 to 1, where the network found spots.
    """
    bands, inside = _Bands(seen), within_rim(seen)
    red, green, blue = before
    finest = bands.finest(plain[1])
    given = [*(bands.cut(plane) for plane in plain), bands.smoothed(finest)]
    made = [bands.cut(plane) for plane in after[:2]]
    regression = _Regression(given, made)
    expected = regression.expected(_LINES, 1)
    z = _unexplained(expected, given[1], made[1])
    wide_expected = [regression.expected(_SPOTS, k) for k in (0, 1)]
    red_z, green_z = (_unexplained(*planes) for planes in zip(wide_expected, given[:2], made, strict=True))
    spot = taken_for_spots(activation) & inside
    compared = inside & ~spot
    lost_dark = _dark_and_narrow(green) & (expected < 0)
    hidden = spot * np.maximum.reduce([
        -z * _darker(expected, given[1], made[1], _DRAWN),
        -red_z * _darker(wide_expected[0], given[0], made[0], _GREYED),
        z * lost_dark, green_z * lost_dark,
    ])  # fmt: skip
    z, wide = np.abs(z) * compared, np.maximum(np.abs(red_z), np.abs(green_z)) * compared
    brightest, darkest = cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue)
    lost = ((brightest < _EDGE) | (darkest > 1 - _EDGE)) & inside
    drawn = within_rim(lost) & (np.abs(made[1]) - np.abs(bands.cut(green)) > _DRAWN)
    p, g, retina = expected[inside], made[1][inside], max(1, int(np.count_nonzero(inside)))
    return Structure(
        z, summed(z, _LINE_PEAK), summed(wide, _SPOT_PEAK), summed(hidden, _LINE_PEAK),
        1 - _ratio(float(p @ g), float(np.linalg.norm(p) * np.linalg.norm(g))),
        _blur(given[1], made[1], finest, bands.finest(after[1]), inside),
        float(np.count_nonzero(drawn)) / retina, float(np.count_nonzero(spot)) / retina,
    )  # fmt: skip


def taken_for_spots(activation: Floats) -> Mask:
    """Where the network took something for a spot and may have taken it out: bool (S, S), as the activation."""
    side = 2 * max(1, round(_REACH * len(activation) / 2)) + 1
    return cv2.dilate((activation > _LEFT_OUT).astype(np.uint8), np.ones((side, side), np.uint8)) > 0


def within_rim(seen: Mask) -> Mask:
    """The field of view, bool (S, S), without its rim."""
    if not seen.any():
        return seen
    padded = np.pad(seen.astype(np.uint8), 1)  # beyond the square nothing is seen
    return np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1] > round(_RIM * len(seen)))


def summed(z: Floats, peak: float) -> float:
    """The regions above half of `peak` that reach `peak`, together: the root of their summed z, over the side S."""
    if float(z.max()) < peak:
        return 0.0
    _, labels = cv2.connectedComponents((z > peak / 2).astype(np.uint8))
    reaching = np.zeros(int(labels.max()) + 1, bool)
    reaching[labels[z >= peak]] = True
    return float(np.sqrt(z[reaching[labels]].sum())) / len(z)


def _unexplained(expected: Floats, given: Floats, made: Floats) -> Floats:
    """The signed z, below 0 where the correction is darker than what is expected, or given, whichever is nearer."""
    near = _NEAR * len(made)
    energy = np.minimum(*(_small(plane * plane, near) for plane in (expected, made)))
    spread = cv2.resize(_FLOOR + _SHARE * np.sqrt(energy), made.shape[::-1])
    left, changed = (_blurred(made - plane, 1.5) for plane in (expected, given))
    return np.asarray(np.where(np.abs(left) < np.abs(changed), left, changed) / spread, np.float32)


def _darker(expected: Floats, given: Floats, made: Floats, contrast: float) -> Mask:
    """Where the correction is darker than its surroundings, and than what is expected and given, by that contrast."""
    return np.asarray(made < np.minimum(np.minimum(expected, given), 0) - np.float32(contrast))


def _dark_and_narrow(green: Floats) -> Mask:
    """What a closing fills (Serra 1982): nothing around what is bright, where a band of frequencies is dark."""
    side = 2 * round(_NARROW * len(green) / 2) + 1
    smooth = _blurred(green, 1.0)
    filled = cv2.morphologyEx(smooth, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    return np.asarray(filled - smooth > _DRAWN)


def _blur(before: Floats, after: Floats, finest: Floats, made: Floats, inside: Mask) -> float:
    """1 minus the slope of the finest contrast on the input's, times the local gain of contrast as a whole."""
    window = _LINES * len(before)
    gain = _blurred(before * after, window) / (_blurred(before * before, window) + np.float32(1e-7))
    expected = (gain * finest)[inside]
    return 1 - _ratio(float(expected @ made[inside]), float(expected @ expected))


class _Regression:
    """Some planes regressed on others, in windows."""

    def __init__(self, given: list[Floats], made: list[Floats]) -> None:
        """The planes that are `given` explain those that were `made`; all are float32 (S, S)."""
        self._given, blocks = given, len(given[0]) // _REDUCED
        self._products = np.empty((blocks, blocks, len(given), len(given) + len(made)), np.float32)
        for i, plane in enumerate(given):
            for j, other in enumerate([*given, *made][i:], i):
                product = cv2.resize(cv2.multiply(plane, other), (blocks, blocks), interpolation=cv2.INTER_AREA)
                self._products[..., i, j] = product
                if j < len(given):
                    self._products[..., j, i] = product
        self._weights: dict[float, Floats] = {}

    def expected(self, window: float, index: int) -> Floats:
        """What explains the plane `index` of the made in windows of that standard deviation, a part of the side."""
        if window not in self._weights:
            self._weights[window] = self._solved(window)
        total = np.zeros_like(self._given[0])
        for k, plane in enumerate(self._given):
            weight = np.ascontiguousarray(self._weights[window][..., k, index])
            cv2.accumulateProduct(cv2.resize(weight, plane.shape), plane, total)
        return total

    def _solved(self, window: float) -> Floats:
        n, shape = len(self._given), self._products.shape
        flat = self._products.reshape(*shape[:2], -1)
        means = cv2.GaussianBlur(flat, (0, 0), window * shape[0]).reshape(shape)
        gram, right = means[..., :n], means[..., n:]
        whole = gram.mean((0, 1))
        energy = np.diag(whole).copy()
        energy[:3] = energy[:3].mean()
        leaning = np.diag(_LEANING * energy + 1e-9)
        common = np.linalg.solve(whole + 1e-6 * np.eye(n), right.mean((0, 1)))
        return np.linalg.solve(gram + leaning, right + leaning @ common).astype(np.float32)


class _Bands:
    """Differences of Gaussians inside a field of view, of planes that are 0 outside it."""

    def __init__(self, seen: Mask) -> None:
        self._weight, self._size = seen.astype(np.float32), len(seen)
        self._norms: dict[float, Floats] = {}

    def cut(self, plane: Floats) -> Floats:
        """The band of structures that is compared."""
        low, high = _BAND
        return np.asarray((_blurred(plane, low * self._size) - self._mean(plane, high)) * self._weight)

    def finest(self, plane: Floats) -> Floats:
        """What the finest Gaussian takes away."""
        return np.asarray((plane - self._mean(plane, _FINEST)) * self._weight)

    def smoothed(self, plane: Floats) -> Floats:
        """As much as the band is."""
        return _blurred(plane, _BAND[0] * self._size)

    def _mean(self, plane: Floats, sigma: float) -> Floats:
        if sigma not in self._norms:
            self._norms[sigma] = np.maximum(_blurred(self._weight, sigma * self._size), np.float32(1e-3))
        return np.asarray(_blurred(plane, sigma * self._size) / self._norms[sigma])


def _blurred(plane: Floats, sigma: float) -> Floats:
    """A wide Gaussian is applied to a fourth of the size: it leaves nothing finer."""
    if sigma < _WIDE:
        return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma), np.float32)
    return np.asarray(cv2.resize(_small(plane, sigma), plane.shape[::-1]), np.float32)


def _small(plane: Floats, sigma: float) -> Floats:
    """Blurred, at a fourth of the size."""
    height, width = plane.shape
    small = cv2.resize(plane, (max(1, width // 4), max(1, height // 4)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), sigma / 4), np.float32)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 1.0
