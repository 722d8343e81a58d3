"""What every degradation factor is: frozen numbers that can be stored, softened, and applied to a photograph."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from cofenet.degradation.canvas import Canvas, Image

Group = Literal["illumination", "artifact", "blur"]
"""The three published factors, in the order of the bits of a kind read from the right: 001, 010, 100."""

Coordinate = Annotated[float, Field(ge=-1, le=2)]
"""A place along one side of the square around the field of view: 0 left or top, 1 right or bottom."""

Channel = Annotated[float, Field(ge=0, le=1)]
"""An intensity of red, green or blue light."""


class Factor(BaseModel):
    """A degradation with its numbers. Applying it is deterministic and never touches its input."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    group: ClassVar[Group]

    @abstractmethod
    def scaled(self, severity: float) -> Self:
        """The same factor at `severity` times its strength: 0 changes nothing, 1 is this factor."""

    @abstractmethod
    def apply(self, image: Image, canvas: Canvas) -> Image:
        """Degrade a float32 (side, side, 3) RGB square in [0, 1]; returns a new array."""
