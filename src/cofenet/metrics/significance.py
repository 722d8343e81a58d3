"""How far a mean may be from the truth by chance, and whether one method beats another by more than chance.

Values of one group, such as the photographs of one patient, are not independent: intervals draw whole groups, tests
compare their means.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_DRAWS = 2000
_EXACT = 50
"""Pairs up to which the exact distribution is used, where there are no ties."""


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval, over `count` values of `groups` groups."""

    mean: float
    low: float
    high: float
    count: int
    groups: int


def bootstrap(values: Sequence[float], groups: Sequence[str]) -> Interval:
    """Mean and 95 % percentile interval (Efron and Tibshirani 1993, section 13.3) over 2000 draws of groups.

    Args:
        values: finite numbers, at least one. What has no value is left out by the caller.
        groups: of each value. The draws depend on the number of groups alone, so that figures repeat.
    """
    x = np.asarray(values, np.float64)
    names, place = np.unique(np.asarray(groups), return_inverse=True)
    sums, counts = np.bincount(place, x), np.bincount(place)
    picks = np.random.default_rng(0).integers(len(names), size=(_DRAWS, len(names)))
    means = sums[picks].sum(1) / counts[picks].sum(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(x.mean()), float(low), float(high), len(x), len(names))


def grouped(differences: Sequence[float], groups: Sequence[str]) -> Floats:
    """The mean of each group, (G,)."""
    _, place = np.unique(np.asarray(groups), return_inverse=True)
    return np.asarray(np.bincount(place, np.asarray(differences, np.float64)) / np.bincount(place))


def signed_rank(differences: Floats) -> float:
    """Two-sided p of Wilcoxon's signed-rank test (Biometrics Bulletin 1(6), 1945) that differences lie around 0.

    Zeros are left out. Up to 50 differences without ties the distribution is exact; otherwise normal, its variance
    corrected for ties, without a correction for continuity.

    Args:
        differences: (N,), finite and independent.

    Returns:
        0 to 1; 1 where all differences are 0.
    """
    x = differences[differences != 0]
    n = len(x)
    if n == 0:
        return 1.0
    _, place, counts = np.unique(np.abs(x), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    above = float(ranks[x > 0].sum())
    if n <= _EXACT and n == len(differences) and counts.max() == 1:
        share = _cumulative(n)
        least = round(min(above, n * (n + 1) / 2 - above))
        return min(1.0, 2 * float(share[least]))
    variance = n * (n + 1) * (2 * n + 1) / 24 - float((counts**3 - counts).sum()) / 48
    return math.erfc(abs(above - n * (n + 1) / 4) / math.sqrt(2 * variance))


def holm(chances: Sequence[float]) -> list[float]:
    """Corrected for how many tests there are: Holm's step-down (Scandinavian Journal of Statistics 6(2), 1979)."""
    order = np.argsort(chances, kind="stable")
    corrected = np.empty(len(order))
    highest = 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * chances[place]))
        corrected[place] = highest
    return [float(value) for value in corrected]


def _cumulative(n: int) -> Floats:
    """The chance that the sum of the positive ranks is at most 0, 1, 2, ... if each sign is as likely as the other."""
    ways = np.ones(1)
    for rank in range(1, n + 1):
        ways = np.concatenate([ways, np.zeros(rank)]) + np.concatenate([np.zeros(rank), ways])
    return np.asarray(np.cumsum(ways) / 2.0**n)
