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

from cofenet.degradation.glow import Glow
from cofenet.degradation.inverse import Usual, glow, hazed, light_of, strengths
from cofenet.degradation.measure import Measurement
from cofenet.degradation.mixture import Limits, Side, unmix
from cofenet.degradation.preset_text import section
from cofenet.errors import UsageError

Floats = NDArray[np.floating[Any]]
Strengths = dict[str, Floats]

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

    def clearest(self, name: str, share: float) -> list[Measurement]:
        """Of the `share` of photographs that have a factor, the half that show most of it in `name`."""
        least = np.nanquantile(self.observed[name], 1 - share / 2)
        return [one for one, z in zip(self.photographs, self.observed[name], strict=True) if z >= least]

    def see_good_through(self, side: Side, veil: Floats) -> None:
        """Haze flattens the light and mutes the colours of good photographs: what comes after it starts from that."""
        for index, one in enumerate(self.good):
            present, density = (index * step % 1 for step in _SPREAD)
            if present < side.share:
                through = hazed(one, side.low + (side.high - side.low) * density, _EXTENT, veil)
                row = strengths(through, self.usual)
                for name in ("stops", "red", "blue", "blotch"):
                    self.shown[name][index] = row[name]


def _table(photographs: Sequence[Measurement], usual: Usual) -> Strengths:
    rows = [strengths(one, usual) for one in photographs]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _haze(folder: _Folder) -> str:
    (side,) = folder.unmix("contrast", _lost, Limits(0, 0.95))
    if side.share == 0:
        return ""
    seen = float(np.exp(-0.5 * (_SEEN / _EXTENT) ** 2))
    side = Side(side.share, *(min(bound / seen, 1.0) for bound in _bounds(side)))
    veils = np.array([_veil(one) for one in folder.clearest("contrast", side.share)])
    folder.see_good_through(side, np.median(veils, axis=0))
    level = float(np.median(veils.max(axis=1)))
    return section(
        "haze", "loss of contrast at all frequencies alike; its veil is the light of photographs that have lost most",
        probability=side.share, x=(0.4, 0.6), y=(0.4, 0.6), extent=(_EXTENT, _EXTENT), density=_bounds(side),
        scatter=(0.0, 0.0), level=(level, level), colors=_some(veils / veils.max(axis=1, keepdims=True)),
    )  # fmt: skip


_EXTENT = 0.5
"""Of the cloud: a rim stays as dark or as bright as it is."""

_SEEN = 0.3
"""Distance from the middle at which half of the windows in which contrast is measured are farther out."""


def _veil(one: Measurement) -> Floats:
    """Light of the middle, over the mean of the retina: haze that leaves the exposure as it is."""
    return np.asarray(np.nanmedian(2 ** light_of(one)[:, :_MIDDLE] / one.mean, axis=(1, 2)))


_MIDDLE = 4
"""Rings."""


def _shadow(folder: _Folder) -> str:
    (side,) = folder.unmix("blotch", lambda z: 1 - 2.0**-z, Limits(0, 0.95), masks=True)
    if side.share == 0:
        return ""
    dark = folder.clearest("blotch", side.share)
    blotches = [one.blotch for one in dark]
    x, y, extent = (
        tuple(np.quantile([getattr(one, name) for name in names for one in blotches], [0.1, 0.9]))
        for names in (("x",), ("y",), ("extent_x", "extent_y"))
    )
    rest = _LEFT * min(one.light[0] for one in blotches)  # of red, where nothing else is left
    veils = np.array([_stray(one, rest) for one in dark])
    usual = float(np.median([one.blotch.light[0] * 2.0**one.blotch.depth for one in dark]))
    depth = tuple(min(bound / (1 - rest / usual), 1.0) for bound in _bounds(side))
    level = float(np.median(veils.max(axis=1)))
    return section(
        "shadow", "the darkest blotch near the middle, and the colour that is left in it",
        probability=side.share, x=x, y=y, extent=extent, depth=depth, level=(level, level),
        colors=_some(veils / veils.max(axis=1, keepdims=True)),
    )  # fmt: skip


_LEFT = 0.8
"""Stray light in the darkest blotch, of the light there: the retina shows through even that."""


def _stray(one: Measurement, red: float) -> Floats:
    """Red, green and blue of the stray light in a blotch, over the mean of the retina, if that of red is known."""
    light = np.array(one.blotch.light)
    around = np.nanmedian(2 ** light_of(one) / one.mean, axis=(1, 2))
    around *= light[0] * 2.0**one.blotch.depth / around[0]
    depth = (around[0] - light[0]) / (around[0] - red)
    return np.asarray(np.clip((light - (1 - depth) * around) / depth, _FAINTEST, 1))


_FAINTEST = 0.02


def _some(colors: Floats) -> list[tuple[float, ...]]:
    """At most `_COLORS` of colours (n, 3), from the bluest to the reddest."""
    ordered = colors[np.argsort(colors[:, 0] - colors[:, 2], kind="stable")]
    chosen = np.linspace(0, len(ordered) - 1, min(_COLORS, len(ordered))).round().astype(int)
    return [tuple(color) for color in ordered[chosen]]


_COLORS = 8


def _vignetting(folder: _Folder) -> str:
    side, _ = folder.unmix("tangent2", _signed_root, Limits(0, 2), Limits(-2, 0))
    if side.share * side.high == 0:
        return ""
    return section(
        "vignetting", "a rim darker than that of good photographs; the place of its axis is as in clinical",
        probability=side.share, x=(0.35, 0.65), y=(0.35, 0.65), tangent=_bounds(side),
    )  # fmt: skip


def _halo(folder: _Folder) -> str:
    (side,) = folder.unmix("rim", lambda z: z, Limits(0, 2))
    if side.share * side.high == 0:
        return ""
    halos: list[Glow] = [glow(one, folder.usual) for one in folder.clearest("rim", side.share)]
    reach = float(np.quantile([one.shape.distance for one in halos], 0.95))
    inner, kernel = (
        np.quantile([getattr(one.shape, name) for one in halos], [0.05, 0.95]) for name in ("radius", "kernel")
    )
    peak = _CIRCLE * float(np.median([one.peak * one.color[1] for one in halos]))  # of green, for a gain of 1
    return section(
        "halo", "a rim brighter than that of good photographs: its form and its colours",
        probability=side.share, center_x=(0.5 - reach, 0.5 + reach), center_y=(0.5 - reach, 0.5 + reach),
        inner_diameter=tuple(2 * inner), growth=(1.0, 1.0), reach=0.5,
        colors=_some(np.array([one.color for one in halos])),
        gain=tuple(min(bound / peak, 4.0) for bound in _bounds(side)), kernel=tuple(kernel), sigma=0.5,
    )  # fmt: skip


_CIRCLE = math.pi / 4
"""Of the square, that the field of view covers."""


def _exposure(folder: _Folder) -> str:
    under, over = folder.unmix("stops", lambda z: z, Limits(-6, 0), Limits(0, 4))
    share = min(under.share + over.share, 1.0)
    if share == 0:
        return ""
    return section(
        "exposure", "green light in the middle", probability=share, over=over.share / share, stops_over=_bounds(over),
        stops_under=(0.0 - under.high, 0.0 - under.low),
    )  # fmt: skip


def _cast(folder: _Folder) -> str:
    gains = {}
    for name in ("red", "blue"):
        (side,) = folder.unmix(name, lambda z: 2.0**z, Limits(0.2, 4, always=True))
        gains[name] = _bounds(side) if side.share else (1.0, 1.0)
    return section("cast", "red and blue over green", red=gains["red"], green=(1.0, 1.0), blue=gains["blue"])


def _defocus(folder: _Folder) -> str:
    (side,) = folder.unmix("radius2", _signed_root, Limits(0, 0.03))
    if side.share == 0:
        return ""
    return section(
        "defocus", "the disc whose transfer function brings a sharp photograph's spectrum nearest",
        probability=side.share, radius=_bounds(side),
    )  # fmt: skip


def _noise(folder: _Folder) -> str:
    (shot,) = folder.unmix("shot", lambda z: z, Limits(0, 0.02))
    (read,) = folder.unmix("read2", _signed_root, Limits(0, 0.2))
    pixels = float(np.median([one.pixels for one in folder.photographs]))
    seen = shot.high / 2 + read.high**2 > _GREY_LEVEL**2
    ranges = (_bounds(side) if seen else (0.0, 0.0) for side in (shot, read))
    return section(
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
