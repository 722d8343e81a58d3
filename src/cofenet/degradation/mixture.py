"""From a distribution without and one with a degradation to the range and the share of that degradation.

A number z is measured on good and on low-quality photographs. Where a degradation of strength u is present it adds
g(u), g growing, to what the photograph would have shown:

    F(z) = (1 − Σ share) F₀(z) + Σ share · E₀[ P(g(u) ≤ z − z₀) ],    u uniform in [low, high]

E₀ is the mean over good photographs. Share, low and high are those that bring F near the low-quality photographs' own
distribution: so that what good photographs differ by among themselves is not put down to the degradation. The distance
is the square of the difference over F (1 − F), in the mean over the low-quality photographs, so that tails count. Of
answers that do about as well, those of the smallest share are taken, for a weak degradation of many is hard to tell
from a strong one of few and from none; of these the widest range, for one that is too narrow is the worse mistake.

Source: J. Wolfowitz, "The minimum distance method", Annals of Mathematical Statistics 28(1), 1957. The distance, and
the test of there being a difference at all, are those of Anderson and Darling: A. N. Pettitt, "A two-sample
Anderson–Darling rank statistic", Biometrika 63(1), 1976.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

_CRITICAL = 3.88
"""Of Pettitt's statistic in the limit, exceeded by chance in 1 of 100 folders: a folder is asked for eight factors."""

_CRITICAL_END = 2.576
"""Of the normal distribution, for a difference of two shares: likewise."""

_AS_GOOD = 0.05
"""Of the distance to be expected by chance: what two ranges that do about as well may differ by."""

_STEPS = 24
_SHARES = np.linspace(0, 1, 21)
_SHARE_STEP = 0.05
_MOST = 200
"""Quantiles by which a longer list of measurements is replaced."""

_ROUNDS = 3


@dataclass(frozen=True)
class Side:
    """A degradation that is present in a `share` of photographs, of a strength uniform in [`low`, `high`]."""

    share: float = 0.0
    low: float = 0.0
    high: float = 0.0


@dataclass(frozen=True)
class Limits:
    """Between which strengths to look, and whether the degradation is in every photograph."""

    low: float
    high: float
    always: bool = False


def differ(observed: Floats, good: Floats) -> bool:
    """Whether samples (n,) and (m,) are of two distributions: the Anderson–Darling test, one of each end, at 1 %."""
    both = np.unique(np.concatenate([observed, good]))
    n, m = len(observed), len(good)
    ours, theirs = (np.searchsorted(np.sort(part), both, side="right") / len(part) for part in (observed, good))
    pooled = (n * ours + m * theirs) / (n + m)
    steps = np.diff(pooled)
    inside = pooled[:-1]
    statistic = n * m / (n + m) * np.sum(steps * (ours - theirs)[:-1] ** 2 / (inside * (1 - inside)))
    return bool(statistic > _CRITICAL) or _ends_differ(observed, good)


def _ends_differ(observed: Floats, good: Floats) -> bool:
    """Whether a factor that few photographs show makes more of them lie beyond where a tenth of good ones lies."""
    n, m = len(observed), len(good)
    for sign in (-1, 1):
        end = np.quantile(sign * good, 0.9)
        ours, theirs = (float(np.mean(sign * part > end)) for part in (observed, good))
        pooled = (n * ours + m * theirs) / (n + m)
        if (ours - theirs) ** 2 > _CRITICAL_END**2 * pooled * (1 - pooled) * (1 / n + 1 / m):
            return True
    return False


def unmix(
    observed: Floats, good: Floats, strength: Callable[[Floats], Floats], *limits: Limits, masks: bool = False
) -> tuple[Side, ...]:
    """Share and range of one or more degradations, of which a photograph has at most one.

    Args:
        observed: z of the low-quality photographs, (n,).
        good: z of good photographs, (m,).
        strength: the inverse of g, growing.
        limits: of each degradation.
        masks: whether the stronger of the two is seen, z = max(z₀, g(u)), instead of their sum.
    """
    observed, good = _thinned(observed), _thinned(good)
    if not differ(observed, good):
        return tuple(Side() for _ in limits)
    passed = observed[:, None] >= good[None]
    without, wanted = (_middle(part, observed) for part in (good, observed))
    added = np.where(passed, strength(observed)[:, None], -np.inf) if masks else strength(observed[:, None] - good)
    limits = tuple(_within(bounds, added) for bounds in limits)
    weights = 1 / (wanted * (1 - wanted))
    slack = _AS_GOOD * (1 / len(observed) + 1 / len(good))
    search = _Search(added, without, weights / weights.sum(), slack / weights.mean())
    sides = [Side() for _ in limits]
    parts = [without] * len(limits)
    for index in [*range(len(limits))] * (1 if len(limits) == 1 else _ROUNDS):
        others = [(side.share, part) for i, (side, part) in enumerate(zip(sides, parts, strict=True)) if i != index]
        room = 1 - sum(share for share, _ in others)
        fixed = sum((share * (part - without) for share, part in others), start=without)
        sides[index], parts[index] = search.nearest(wanted - fixed, limits[index], room)
    return tuple(sides)


def _middle(values: Floats, at: Floats) -> Floats:
    """The share of sorted `values` below `at`, and half of those equal: strengths from a grid are often equal."""
    ends = (np.searchsorted(values, at, side=side) for side in ("left", "right"))
    return np.asarray(sum(ends) / (2 * len(values)))


def _thinned(values: Floats) -> Floats:
    if len(values) <= _MOST:
        return np.sort(values)
    return np.asarray(np.quantile(values, (np.arange(_MOST) + 0.5) / _MOST))


def _within(limits: Limits, added: Floats) -> Limits:
    """No further than what was measured: a finer grid."""
    low, high = np.quantile(added[np.isfinite(added)], [0.005, 0.995])
    bounds = np.clip([low, high], limits.low, limits.high)
    return Limits(float(bounds[0]), float(bounds[1]), limits.always)


@dataclass(frozen=True)
class _Search:
    """For the share and the range of one degradation."""

    added: Floats
    without: Floats
    weights: Floats
    slack: float

    def nearest(self, wanted: Floats, limits: Limits, room: float) -> tuple[Side, Floats]:
        """The side whose share · (its distribution − `without`) is near `wanted`, and that distribution."""
        tried = []
        grid = np.linspace(limits.low, limits.high, _STEPS)
        for low, high in combinations_with_replacement(grid, 2):
            part = _distribution(self.added, low, high)
            share = self._share(part - self.without, wanted, limits, room)
            cost = float(self.weights @ (wanted - share * (part - self.without)) ** 2)
            tried.append((cost, Side(share, float(low), float(high)), part))
        least = min(cost for cost, _, _ in tried)
        as_good = [(side, part) for cost, side, part in tried if cost <= least + self.slack]
        few = min(side.share for side, _ in as_good) + 1.01 * _SHARE_STEP
        return max((one for one in as_good if one[0].share <= few), key=lambda one: one[0].high - one[0].low)

    def _share(self, difference: Floats, wanted: Floats, limits: Limits, room: float) -> float:
        if limits.always:
            return 1.0
        size = float(self.weights @ difference**2)
        free = float(self.weights @ (difference * wanted)) / size if size else 0.0
        allowed = _SHARES[room + 1e-9 >= _SHARES]
        return float(allowed[np.abs(allowed - free).argmin()])


def _distribution(added: Floats, low: float, high: float) -> Floats:
    if high - low < 1e-9:
        return np.asarray((added >= low).mean(axis=1))
    return np.asarray(np.clip((added - low) / (high - low), 0, 1).mean(axis=1))
