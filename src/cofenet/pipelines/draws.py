"""What every pipeline draws its parameters from, checked once, before the first photograph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cofenet.degradation import Parameters, sample
from cofenet.errors import ParameterError


@dataclass(frozen=True)
class Draws:
    """Which degradations are drawn.

    Attributes:
        kind: one of `cofenet.degradation.KINDS`.
        severity: 0 (no change) to 1 (as drawn), or a range (low, high) from which one is drawn uniformly.
        preset: "published", "training", "clinical", or a TOML file of one's own.

    Raises:
        ParameterError: unknown kind or preset, a kind that the preset has no factor for, or a wrong severity.
    """

    kind: str = "111"
    severity: float | Sequence[float] = 1.0
    preset: str | Path = "published"

    def __post_init__(self) -> None:
        for severity in self.limits:  # so that a misspelt preset is refused here, and not in a loader's worker
            sample(np.random.default_rng(0), self.kind, severity, self.preset)

    @property
    def limits(self) -> tuple[float, float]:
        """The least and the greatest severity."""
        match np.ravel(self.severity).tolist():
            case [severity]:
                return severity, severity
            case [low, high] if low <= high:
                return low, high
        raise ParameterError(f"severity must be a number or a range (low, high), got {self.severity}")

    def draw(self, rng: np.random.Generator) -> Parameters:
        """Draw parameters; equal generators give equal parameters."""
        return sample(rng, self.kind, float(rng.uniform(*self.limits)), self.preset)


def probability(p: float) -> float:
    """Return `p` if it is a probability.

    Raises:
        ParameterError: it is not within 0 and 1.
    """
    if not 0.0 <= p <= 1.0:
        raise ParameterError(f"a probability must be between 0 and 1, got {p}")
    return float(p)
