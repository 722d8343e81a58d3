"""Invert the forward model: strengths of the simulator's own factors from what one photograph measures.

Each is relative to what is usual for good photographs.

| factor | strength that one photograph shows | adds as |
|---|---|---|
| exposure | 2.2 × log2 of green in the middle over that of good photographs | stops |
| cast | red and blue over green, over those of good photographs; green's gain is 1: exposure holds it | log gain |
| vignetting | green's rings over good ones' = c (1 + (2 r tangent)²)^(−2/2.2), least absolute deviations | tangent² |
| halo | the same with the inverse: a rim that is brighter | tangent² |
| shadow | the darkest blotch near the middle, 1 − 2^−a; of two the darker one is seen | the larger |
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

from cofenet.degradation.measure import RINGS, Measurement, frequencies, in_bands

Floats = NDArray[np.floating[Any]]

RHO = (RINGS[1:] + RINGS[:-1]) / 2
"""The rings' middles, in radii of the field of view."""

_TANGENTS = np.linspace(-2, 2, 161)
_RADII = np.linspace(0, 0.03, 61)
_FLOORS = np.array([0, 0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.75, 0.9])
"""Of the most noise that a spectrum leaves room for."""

_CONTRASTS = np.linspace(-4, 3, 71)
"""ln A."""


@dataclass(frozen=True)
class Usual:
    """What good photographs show: medians of the rings (3, 6), log2; a sharp one's spectrum (11,), as ln."""

    rings: Floats
    spectrum: Floats

    @classmethod
    def of(cls, good: Sequence[Measurement]) -> Usual:
        """Take medians; for the spectrum the sharpest tenth, so that a photograph is sharp or less, never more."""
        rings = np.nanmedian([rings_of(one) for one in good], axis=0)
        spectra = np.log(10) * np.array([one.spectrum for one in good])
        contrast = spectra[:, :3].mean(axis=1, keepdims=True)
        return cls(rings, np.quantile(spectra - contrast, 0.9, axis=0) + np.median(contrast))


def strengths(one: Measurement, usual: Usual) -> dict[str, float]:
    """What one photograph shows, in the coordinates in which degradations add (see the module); NaN where unseen."""
    rings = rings_of(one) - usual.rings
    tangent, level = _radial(rings[1])
    ratios = np.where(rings_of(one) < _CLIPPED, rings - rings[1], np.nan)
    contrast, radius = _detail(np.log(10) * np.array(one.spectrum), usual.spectrum)
    shot, read2 = _shot_and_read(np.array(one.noise))
    return {
        "stops": 2.2 * level, "red": _median(ratios[0, :_INNER]), "blue": _median(ratios[2, :_INNER]),
        "tangent2": tangent * abs(tangent), "blotch": one.blotch[0], "contrast": -contrast / 2,
        "radius2": radius**2, "shot": shot, "read2": read2,
    }  # fmt: skip


_CLIPPED = np.log2(0.97)

_INNER = 3
"""Rings that no light from the rim reaches."""


def _median(values: Floats) -> float:
    return float(np.nanmedian(values)) if np.isfinite(values).any() else float("nan")


def rings_of(one: Measurement) -> Floats:
    """log2 of the light, (3, 6); NaN where no retina is seen."""
    return np.array(one.rings, np.float64)


def hazed(one: Measurement, density: float, level: float, color: Floats) -> Measurement:
    """What the photograph would measure in light and blotch through an even haze of these numbers: `haze.Haze`."""
    light = 2 ** rings_of(one)
    veil = np.minimum(level * np.nanmean(light) * np.asarray(color), 1)[:, None]
    depth, *place = one.blotch
    ring = np.searchsorted(RINGS[1:-1], 2 * np.hypot(place[0] - 0.5, place[1] - 0.5))
    around, dark = ((1 - density) * light[1, ring] * part + density * veil[1, 0] for part in (1, 2.0**-depth))
    rings = np.log2((1 - density) * light + density * veil)
    return one.model_copy(
        update={
            "rings": tuple(tuple(None if np.isnan(v) else float(v) for v in channel) for channel in rings),
            "blotch": (float(np.log2(around / dark)), *place),
        }
    )


def _radial(profile: Floats) -> tuple[float, float]:
    """Tangent, negative for a brighter rim, and level c (log2), of a profile over the rings (6,)."""
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
