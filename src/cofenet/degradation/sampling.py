"""Draw degradation parameters: which factors of a preset are there, and with which numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cofenet.degradation.factor import Factor, Group
from cofenet.degradation.parameters import BITS, Parameters
from cofenet.degradation.preset import load_preset
from cofenet.degradation.ranges import Ranges
from cofenet.errors import ParameterError

KINDS = ("001", "010", "011", "100", "101", "110", "111")
"""The published kinds: bits for blur, spots and illumination."""


def sample(
    rng: np.random.Generator, kind: str = "111", severity: float = 1.0, preset: str | Path = "published"
) -> Parameters:
    """Draw parameters.

    Each factor of the preset is present with its probability; if none of a group that `kind` asks for is, one is chosen
    by its probability, so that the parameters are of that kind.

    Args:
        rng: the source of chance; equal generators give equal parameters.
        kind: one of `KINDS`.
        severity: 0 (no change) to 1 (as drawn); scales every factor.
        preset: "published", "training", "clinical", or a TOML file of one's own.

    Raises:
        ParameterError: no generator, unknown kind or preset, a kind that the preset has no factor for, or
            severity outside 0 to 1.
    """
    if not isinstance(rng, np.random.Generator):
        raise ParameterError(f"rng must be a numpy.random.Generator, got {type(rng).__name__}")
    if kind not in KINDS:
        raise ParameterError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    wanted: set[Group] = {group for group, bit in BITS.items() if int(kind, 2) & bit}
    ranges = load_preset(preset).ranges
    present = [part for part in ranges if part.probability == 1 or rng.uniform() < part.probability]
    for group in sorted(wanted - {part.factor.group for part in present}):
        candidates = [part for part in ranges if part.factor.group == group and part.probability > 0]
        if not candidates:
            raise ParameterError(f"preset {preset}: kind {kind} asks for {group}, but the preset has no such factor")
        present.append(_choose(rng, candidates))
    factors = tuple(_draw(rng, part) for part in sorted(present, key=ranges.index))
    return Parameters(factors=tuple(factor for factor in factors if factor.group in wanted)).scaled(severity)


def _choose(rng: np.random.Generator, candidates: list[Ranges]) -> Ranges:
    weights = np.array([part.probability for part in candidates])
    return candidates[int(rng.choice(len(candidates), p=weights / weights.sum()))]


def _draw(rng: np.random.Generator, part: Ranges) -> Factor:
    factor = part.draw(rng)
    low, high = part.severity
    return factor if low == high == 1 else factor.scaled(rng.uniform(low, high))
