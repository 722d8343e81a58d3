"""Fit a preset to a camera: what must happen to good photographs for them to measure like the low-quality ones.

1. `measure` both: light, colour, spectrum, noise.
2. `inverse.strengths`: each photograph's strengths of the simulator's own factors.
3. `mixture.unmix`: the range and the share of each factor that turn the good photographs' distribution of strengths
   into the low-quality ones'. Without a difference (Anderson–Darling test at 1 %) the factor is left out.

What a factor needs beyond that (place, softness) is measured where that is easy, or taken as in the preset `clinical`.
Factors are drawn independently: which of them come together is not fitted.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cofenet.degradation.inverse import RHO, Usual, hazed, rings_of, strengths
from cofenet.degradation.measure import Measurement
from cofenet.degradation.mixture import Limits, Side, unmix
from cofenet.errors import UsageError

Floats = NDArray[np.floating[Any]]
Strengths = dict[str, Floats]
Value = float | Sequence[float] | Sequence[Sequence[float]]

FEWEST = 10
"""Photographs without which there is no distribution to speak of."""


KIND = "101"
"""The kind to draw from a fitted preset: it has factors of illumination and blur, no artifacts."""


def fit(photographs: Sequence[Measurement], good: Sequence[Measurement] | None = None) -> str:
    """Fit the ranges of a preset.

    Args:
        photographs: measurements of low-quality photographs, `FEWEST` or more, in any order.
        good: of good photographs, best of the same camera and the same kind of eyes; those of five data sets that the
            package holds if not given.

    Returns:
        A preset as TOML, for `load_preset`; draw `KIND` from it.

    Raises:
        UsageError: there are fewer photographs than `FEWEST` on either side.
    """
    named = "good photographs of several cameras, as the package holds them" if good is None else "good photographs"
    good = good_photographs() if good is None else good
    for what, these in (("photographs", photographs), ("good photographs", good)):
        if len(these) < FEWEST:
            raise UsageError(f"{len(these)} {what} are too few to fit ranges to: at least {FEWEST} are needed")
    photographs, good = (sorted(these, key=Measurement.model_dump_json) for these in (photographs, good))
    usual = Usual.of(good)
    folder = _Folder(tuple(photographs), tuple(good), usual, _table(photographs, usual), _table(good, usual))
    tables = [text for text in (factor(folder) for factor in _FACTORS) if text]
    order = ", ".join(f'"{text[1 : text.index("]")]}"' for text in tables)
    head = _HEAD.format(count=len(photographs), good=len(good), named=named)
    return f"{head}order = [{order}]\n\n" + "\n\n".join(tables) + "\n"


@cache
def good_photographs() -> tuple[Measurement, ...]:
    """Measurements of good photographs of several cameras (`benchmarks/fit.py --reference` made them)."""
    text = (resources.files(__package__) / "good.json").read_text("utf-8")
    return tuple(Measurement.model_validate(one) for one in json.loads(text)["photographs"])


_HEAD = """\
# Fitted by `cofenet fit-degradation` to {count} photographs, against {good} {named}.
# Lengths are fractions of the field-of-view diameter; [low, high] is drawn uniformly; `probability` is the share of
# photographs that show a factor. A factor that is not here was not told from what good photographs show.
# Not estimated: motion (blur of any form is put down as defocus), jpeg, and all artifacts (spots, dust, flares, lashes,
# crescents): draw kind "101", or copy those tables from the preset clinical.
"""


_SPREAD = (0.7548776662, 0.5698402910)
"""Steps that fill a square evenly: 1/p and 1/p² of p³ = p + 1 (M. Roberts, the R₂ sequence)."""


@dataclass(frozen=True)
class _Folder:
    """Photographs and good ones, with the strengths that they show."""

    photographs: tuple[Measurement, ...]
    good: tuple[Measurement, ...]
    usual: Usual
    observed: Strengths
    shown: Strengths

    def unmix(
        self, name: str, strength: Callable[[Floats], Floats], *limits: Limits, masks: bool = False
    ) -> tuple[Side, ...]:
        """What good photographs must be given in `name`; nothing where too few show it."""
        observed, good = (these[name][np.isfinite(these[name])] for these in (self.observed, self.shown))
        if min(len(observed), len(good)) < FEWEST:
            return tuple(Side() for _ in limits)
        return unmix(observed, good, strength, *limits, masks=masks)

    def see_good_through(self, side: Side, level: float, color: Floats) -> None:
        """Haze flattens the light and mutes the colours of good photographs: what comes after it starts from that."""
        for index, one in enumerate(self.good):
            present, density = (index * step % 1 for step in _SPREAD)
            if present < side.share:
                through = hazed(one, side.low + (side.high - side.low) * density, level, color)
                row = strengths(through, self.usual)
                for name in ("stops", "red", "blue", "tangent2", "blotch"):
                    self.shown[name][index] = row[name]


def _table(photographs: Sequence[Measurement], usual: Usual) -> Strengths:
    rows = [strengths(one, usual) for one in photographs]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _haze(folder: _Folder) -> str:
    (side,) = folder.unmix("contrast", _lost, Limits(0, 0.95))
    if side.share == 0:
        return ""
    level, color = _veil(folder)
    folder.see_good_through(side, level, color)
    return _written(
        "haze", "loss of contrast at all frequencies alike; its veil has the colour and the light of the retina",
        probability=side.share, x=(0.5, 0.5), y=(0.5, 0.5), extent=(5.0, 5.0), density=_bounds(side),
        scatter=(0.0, 0.0), level=(level, level), colors=[tuple(color)],
    )  # fmt: skip


def _veil(folder: _Folder) -> tuple[float, Floats]:
    light = 2 ** np.nanmedian([rings_of(one) for one in folder.photographs], axis=(0, 2))
    return float(light.max() / light.mean()), np.asarray(light / light.max())


def _shadow(folder: _Folder) -> str:
    (side,) = folder.unmix("blotch", lambda z: 1 - 2.0**-z, Limits(0, 0.95), masks=True)
    if side.share == 0:
        return ""
    blotches = np.array([one.blotch for one in folder.photographs])
    dark = blotches[blotches[:, 0] >= np.quantile(blotches[:, 0], 1 - side.share)]
    x, y, extent = (tuple(np.quantile(values, [0.05, 0.95])) for values in dark.T[1:])
    light = 2 ** np.nanmedian([rings_of(one) for one in folder.photographs], axis=(0, 2))
    veil = _STRAY * light.mean() * _STRAY_COLOR[1] / light[1]
    depth = tuple(min(bound / (1 - veil), 1.0) for bound in _bounds(side))
    return _written(
        "shadow", "the darkest blotch near the middle; its stray light is as in clinical",
        probability=side.share, x=x, y=y, extent=extent, depth=depth, level=(_STRAY, _STRAY), colors=[_STRAY_COLOR],
    )  # fmt: skip


_STRAY, _STRAY_COLOR = 0.3, (0.8, 0.9, 1.0)


def _rim(folder: _Folder) -> tuple[Side, Side]:
    """Of tangents: the darker rim's, and the brighter rim's, below 0."""
    dark, bright = folder.unmix("tangent2", _signed_root, Limits(0, 2), Limits(-2, 0))
    return dark, bright


def _vignetting(folder: _Folder) -> str:
    side, _ = _rim(folder)
    if side.share == 0:
        return ""
    return _written(
        "vignetting", "a rim darker than that of good photographs; the place of its axis is as in clinical",
        probability=side.share, x=(0.35, 0.65), y=(0.35, 0.65), tangent=_bounds(side),
    )  # fmt: skip


def _halo(folder: _Folder) -> str:
    _, side = _rim(folder)
    if side.share == 0:
        return ""
    rings = np.array([rings_of(one) for one in folder.photographs])
    bright = rings[folder.observed["tangent2"] <= np.quantile(folder.observed["tangent2"], side.share)]
    # What the rim has above what it would have if it were to the middle as in good photographs.
    profile = bright - folder.usual.rings
    expected = 2 ** (folder.usual.rings[:, -1] + np.nanmedian(profile[:, :, :2], axis=2))
    excess = np.maximum(np.nanmedian(2 ** bright[:, :, -1] - expected, axis=0), 1e-3)
    color = excess / excess.max()
    mean = _CIRCLE * float(np.nanmean(2.0**bright))
    green = float(np.median(expected[:, 1]))
    gain = [
        green * ((1 + (RHO[-1] * tangent) ** 2) ** (1 / 1.1) - 1) / (_GLOW * mean * max(color[1], 0.1))
        for tangent in (-side.high, -side.low)
    ]
    return _written(
        "halo", "a rim brighter than that of good photographs, and the colour of what it has more; form as in clinical",
        probability=side.share, center_x=(0.45, 0.55), center_y=(0.45, 0.55), inner_diameter=(0.85, 0.95),
        growth=(0.0, 1.0), reach=0.5, colors=[tuple(color)], gain=tuple(min(value, 4.0) for value in gain),
        kernel=(0.2, 0.4), sigma=0.5,
    )  # fmt: skip


_CIRCLE = math.pi / 4
"""Of the square, that the field of view covers."""

_GLOW = 0.42
"""What the halo's blurred ring reaches in the outermost of the measured rings, for the middle of its ranges."""


def _exposure(folder: _Folder) -> str:
    under, over = folder.unmix("stops", lambda z: z, Limits(-6, 0), Limits(0, 4))
    share = min(under.share + over.share, 1.0)
    if share == 0:
        return ""
    return _written(
        "exposure", "green light in the middle", probability=share, over=over.share / share, stops_over=_bounds(over),
        stops_under=(0.0 - under.high, 0.0 - under.low),
    )  # fmt: skip


def _cast(folder: _Folder) -> str:
    gains = {}
    for name in ("red", "blue"):
        (side,) = folder.unmix(name, lambda z: 2.0**z, Limits(0.2, 4, always=True))
        gains[name] = _bounds(side) if side.share else (1.0, 1.0)
    return _written("cast", "red and blue over green", red=gains["red"], green=(1.0, 1.0), blue=gains["blue"])


def _defocus(folder: _Folder) -> str:
    (side,) = folder.unmix("radius2", _signed_root, Limits(0, 0.03))
    if side.share == 0:
        return ""
    return _written(
        "defocus", "the disc whose transfer function brings a sharp photograph's spectrum nearest",
        probability=side.share, radius=_bounds(side),
    )  # fmt: skip


def _noise(folder: _Folder) -> str:
    (shot,) = folder.unmix("shot", lambda z: z, Limits(0, 0.02))
    (read,) = folder.unmix("read2", _signed_root, Limits(0, 0.2))
    pixels = float(np.median([one.pixels for one in folder.photographs]))
    seen = shot.high / 2 + read.high**2 > _GREY_LEVEL**2
    ranges = (_bounds(side) if seen else (0.0, 0.0) for side in (shot, read))
    return _written(
        "noise", "as seen at the size at which it was measured, to which grain is set",
        **dict(zip(("shot", "read"), ranges, strict=True)), grain=(1 / pixels, 1 / pixels),
    )  # fmt: skip


_GREY_LEVEL = 1 / 255
"""Noise that stays below it is that of rounding."""

_FACTORS = (_haze, _shadow, _vignetting, _halo, _exposure, _cast, _defocus, _noise)
"""In the order in which they are applied."""


def _lost(contrast: Floats) -> Floats:
    return np.asarray(1 - np.exp(-contrast))


def _signed_root(square: Floats) -> Floats:
    return np.asarray(np.sign(square) * np.sqrt(np.abs(square)))


def _bounds(side: Side) -> tuple[float, float]:
    return side.low, side.high


def _written(name: str, measured: str, **values: Value) -> str:
    lines = [f"[{name}]  # {measured}"]
    lines += [f"{key} = {_toml(value, _DIGITS.get(key, 3))}" for key, value in values.items()]
    return "\n".join(lines)


_DIGITS = {"grain": 7}
"""Significant ones: 1 / grain must give the whole number of pixels again, or noise is resampled and lost."""


def _toml(value: Value, digits: int = 3) -> str:
    if isinstance(value, Sequence):
        return f"[{', '.join(_toml(part, digits) for part in value)}]"
    text = f"{float(value) + 0.0:.{digits}g}"
    return text if any(sign in text for sign in ".e") else f"{text}.0"
