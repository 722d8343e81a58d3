"""What every set of ranges is: the bounds between which one factor's numbers are drawn, and how often it is there."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, ClassVar

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from cofenet.degradation.factor import Factor


def _ordered(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError("the lower bound exceeds the upper bound")
    return bounds


Range = Annotated[tuple[float, float], AfterValidator(_ordered)]
"""Lower and upper bound of a uniform distribution."""

Share = Annotated[float, Field(ge=0, le=1)]

Shares = Annotated[tuple[Share, Share], AfterValidator(_ordered)]
"""A range within 0 and 1."""

Count = Annotated[tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]], AfterValidator(_ordered)]
"""Smallest and largest of equally likely whole numbers."""

Rgb = tuple[Share, Share, Share]


class Ranges(BaseModel):
    """Ranges of one factor: a table of a preset.

    Attributes:
        factor: what is drawn.
        probability: how often the factor is present.
        severity: the drawn factor is softened to a severity from this range.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    factor: ClassVar[type[Factor]]
    probability: Share = 1.0
    severity: Shares = (1.0, 1.0)

    @abstractmethod
    def draw(self, rng: np.random.Generator) -> Factor:
        """Draw the factor at full severity."""


def whole(rng: np.random.Generator, bounds: tuple[int, int]) -> int:
    """Draw a whole number, both bounds included."""
    return int(rng.integers(bounds[0], bounds[1], endpoint=True))
