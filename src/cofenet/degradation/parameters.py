"""The numbers that turn one photograph into one low-quality photograph: frozen, and stored as versioned JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Union

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from cofenet.degradation.factor import Factor, Group
from cofenet.degradation.table import FACTORS
from cofenet.errors import ParameterError

if TYPE_CHECKING:
    AnyFactor = Factor
else:
    AnyFactor = Annotated[
        Union[tuple(ranges.factor for ranges in FACTORS.values())],  # noqa: UP007
        Field(discriminator="factor"),
    ]
"""Any factor of the table, told apart by its name."""

BITS: dict[Group, int] = {"illumination": 1, "artifact": 2, "blur": 4}
"""The bit of each group in a kind."""


class Parameters(BaseModel):
    """Factors in the order in which they are applied.

    Lengths are fractions of the field-of-view diameter and places are measured in the square around it, so that the
    same parameters degrade a photograph of any size alike.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    version: Literal[1] = 1
    factors: tuple[AnyFactor, ...] = ()

    @property
    def kind(self) -> str:
        """The published code of what is wrong: bits for blur, spots and illumination, "000" to "111"."""
        return f"{sum(BITS[group] for group in {factor.group for factor in self.factors}):03b}"

    def only(self, *groups: Group) -> Parameters:
        """The same parameters without the factors of other groups."""
        return Parameters(factors=tuple(factor for factor in self.factors if factor.group in groups))

    def scaled(self, severity: float) -> Parameters:
        """Every factor at `severity` (0 to 1) times its strength; 0 changes nothing.

        Raises:
            ParameterError: `severity` is not within 0 and 1.
        """
        if not 0.0 <= severity <= 1.0:
            raise ParameterError(f"severity must be between 0 and 1, got {severity}")
        return Parameters(factors=tuple(factor.scaled(severity) for factor in self.factors))

    def to_json(self) -> str:
        """The parameters as JSON text; `from_json` gives back an equal object."""
        return self.model_dump_json(indent=2)

    @classmethod
    def from_json(cls, text: str | bytes) -> Parameters:
        """Read what `to_json` wrote.

        Raises:
            ParameterError: the text is not JSON, or a field is missing, unknown or out of its range; the message names
                the field and the range.
        """
        try:
            read = cls.model_validate_json(text)
        except ValidationError as error:
            raise ParameterError("; ".join(_explain(problem) for problem in error.errors())) from error
        if missing := cls.model_fields.keys() - read.model_fields_set:
            raise ParameterError(f"{', '.join(sorted(missing))}: Field required")
        return read


def _explain(problem: ErrorDetails) -> str:
    where = ".".join(str(part) for part in problem["loc"]) or "parameters"
    return f"{where}: {problem['msg']}"
