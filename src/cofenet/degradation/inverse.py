"""Invert the forward model: strengths of the simulator's own factors from what one photograph measures.

Each is relative to what is usual for good photographs.

| factor | strength that one photograph shows | adds as |
|---|---|---|
| exposure | 2.2 × log2 of green in the middle over that of good photographs | stops |
| cast | red and blue over green, over those of good photographs; green's gain is 1: exposure holds it | log gain |
| vignetting | green's rings without the halo, over good ones' = c (1 + (2 r tangent)²)^(−2/2.2) | tangent² |
| halo | the light at the rim of the halo that `glow.find_glow` finds, over the mean of the retina | light |
| shadow | the darkest blotch near the middle, in red, 1 − 2^−a; of two the darker one is seen | the larger |
| haze | contrast 1 − √A, where spectrum = A · good · H² + N | log(1 − density) |
| defocus | H = 2 J₁(2π f radius) / (2π f radius), the transfer function of a disc | radius² |
| noise | variance of the residual = shot · x + read², weighted least squares | shot, read² |

N is white noise, f the frequency. The transfer function: J. W. Goodman, "Introduction to Fourier Optics".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cofenet.degradation.glow import Glow, find_glow
from cofenet.degradation.measure import RINGS, SECTORS, Measurement
from cofenet.degradation.spectrum import DARKEST, frequencies, in_bands

Floats = NDArray[np.floating[Any]]

RHO = (RINGS[1:] + RINGS[:-1]) / 2
"""The rings' middles, in radii of the field of view."""

_TANGENTS = np.linspace(-2, 2, 161)
"""Negative for a rim that is brighter than in good photographs."""

_RADII = np.linspace(0, 0.03, 61)
_FLOORS = np.array([0, 0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.75, 0.9])
"""Of the most noise that a spectrum leaves room for."""

_CONTRASTS = np.linspace(-4, 3, 71)
"""ln A."""


@dataclass(frozen=True)
class Usual:
    """What good photographs show: medians of the rings (3, 8), log2; a sharp one's spectrum (11,), as ln."""

    rings: Floats
    spectrum: Floats

    @classmethod
    def of(cls, good: Sequence[Measurement]) -> Usual:
        """Take medians; for the spectrum the sharpest tenth, so that a photograph is sharp or less, never more."""
        rings = np.nanmedian([rings_of(light_of(one)) for one in good], axis=0)
        spectra = np.log(10) * np.array([one.spectrum for one in good])
        contrast = spectra[:, :3].mean(axis=1, keepdims=True)
        return cls(rings, np.quantile(spectra - contrast, 0.9, axis=0) + np.median(contrast))


def strengths(one: Measurement, usual: Usual) -> dict[str, float]:
    """What one photograph shows, in the coordinates in which degradations add (see the module); NaN where unseen."""
    halo = glow(one, usual)
    rings = rings_of(np.log2(np.maximum(2 ** light_of(one) - one.mean * halo.light, DARKEST)))
    ratios = np.where(rings < _CLIPPED, rings - usual.rings, np.nan)
    tangent, level = _radial(rings[1] - usual.rings[1])
    contrast, radius = _detail(np.log(10) * np.array(one.spectrum), usual.spectrum)
    shot, read2 = _shot_and_read(np.array(one.noise))
    return {
        "stops": 2.2 * level, "red": _median((ratios[0] - ratios[1])[:_INNER]),
        "blue": _median((ratios[2] - ratios[1])[:_INNER]), "tangent2": tangent * abs(tangent), "rim": halo.rim,
        "blotch": one.blotch.depth, "contrast": -contrast / 2,
        "radius2": radius**2, "shot": shot, "read2": read2,
    }  # fmt: skip


_CLIPPED = np.log2(0.97)

_INNER = 3
"""Rings that no light from the rim reaches."""


def _median(values: Floats) -> float:
    return float(np.nanmedian(values)) if np.isfinite(values).any() else float("nan")


def light_of(one: Measurement) -> Floats:
    """log2 of the light, (3, 8, 12); NaN where no retina is seen."""
    return np.array(one.light, np.float64)


def rings_of(light: Floats) -> Floats:
    """Medians over the sectors, (3, 8), of (3, 8, 12); NaN where fewer than a third of a ring is seen."""
    seen = np.isfinite(light).sum(axis=-1) >= SECTORS / 3
    return np.where(seen, np.nanmedian(np.where(seen[..., None], light, 0), axis=-1), np.nan)


def glow(one: Measurement, usual: Usual) -> Glow:
    """The photograph's halo."""
    return find_glow(2 ** light_of(one) / one.mean, 2**usual.rings)


def hazed(one: Measurement, density: float, extent: float, veil: Floats) -> Measurement:
    """What the photograph would measure in light and blotch through a haze in its middle: `haze.Haze`.

    `veil` is red, green and blue over the mean of the retina.
    """
    veil = np.minimum(one.mean * np.asarray(veil), 1)
    opacity = density * np.exp(-0.5 * (RHO / 2 / extent) ** 2)[:, None]
    through = np.log2((1 - opacity) * 2 ** light_of(one) + opacity * veil[:, None, None])
    listed = tuple(tuple(tuple(None if np.isnan(v) else float(v) for v in r) for r in c) for c in through)
    blotch = one.blotch
    there = density * np.exp(-0.5 * (np.hypot(blotch.x - 0.5, blotch.y - 0.5) / extent) ** 2)
    dark = (1 - there) * blotch.light[0] * one.mean
    depth = np.log2((dark * 2.0**blotch.depth + there * veil[0]) / (dark + there * veil[0]))
    return one.model_copy(update={"light": listed, "blotch": blotch.model_copy(update={"depth": float(depth)})})


def _radial(profile: Floats) -> tuple[float, float]:
    """Tangent, negative for a brighter rim, and level c (log2), of a profile over the rings (8,)."""
    seen = np.isfinite(profile)
    if not seen.any():
        return 0.0, float("nan")
    shapes = -np.sign(_TANGENTS)[:, None] / 1.1 * np.log2(1 + (RHO * _TANGENTS[:, None]) ** 2)
    off = (profile - shapes)[:, seen]
    level = np.median(off, axis=1)
    best = int(np.abs(off - level[:, None]).sum(axis=1).argmin())
    return float(_TANGENTS[best]), float(level[best])


def _detail(spectrum: Floats, usual: Floats) -> tuple[float, float]:
    """Contrast as ln A and the radius of defocus, of a spectrum (11,): least squares of logarithms, over a grid."""
    shapes = _floor_shapes()
    most = np.min(np.exp(spectrum) / shapes, axis=1, keepdims=True) * shapes
    floors = (_FLOORS[:, None] * most[:, None]).reshape(-1, len(usual))
    sharp = np.exp(usual) * _transfer()
    model = np.log(np.exp(_CONTRASTS)[:, None, None, None] * sharp[:, None] + floors)
    cost = ((spectrum - model) ** 2).sum(axis=-1)
    contrast, radius, _ = np.unravel_index(int(cost.argmin()), cost.shape)
    return float(_CONTRASTS[contrast]), float(_RADII[radius])


@cache
def _floor_shapes() -> Floats:
    """Power in each band of noise that is white, and of white noise interpolated linearly once and twice: (3, 11)."""
    along = np.sinc(np.fft.fftfreq(len(frequencies()))) ** 4
    return in_bands(np.stack([np.outer(along, along) ** times for times in range(3)]))


@cache
def _transfer() -> Floats:
    """H² in each band for each of `_RADII`: (61, 11)."""
    turns = 2 * np.pi * frequencies() * _RADII[:, None, None]
    angle = (np.arange(64) + 0.5) * np.pi / 64
    # 2 J₁(u)/u = (2/π) ∫₀^π cos(u cos φ) sin²φ dφ: Poisson's integral, so that SciPy is not needed
    transfer = sum(np.cos(turns * np.cos(phi)) * np.sin(phi) ** 2 for phi in angle) * (2 / 64)
    return in_bands(np.asarray(transfer) ** 2)


def _shot_and_read(pairs: Floats) -> tuple[float, float]:
    """Shot and read², which may be below 0, of pairs (n, 2); weighted, as the error of a variance grows with it."""
    value, variance = pairs.T
    weight = 1 / np.maximum(variance, (0.3 / 255) ** 2)
    design = np.column_stack([value, np.ones_like(value)]) * weight[:, None]
    shot, read2 = np.linalg.lstsq(design, variance * weight, rcond=None)[0]
    return float(shot), float(read2)
