"""Presets: the ranges from which degradation parameters are drawn, each in one readable TOML file."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model, model_validator
from pydantic_core import ErrorDetails

from cofenet.degradation.ranges import Ranges
from cofenet.degradation.table import FACTORS
from cofenet.errors import ParameterError


class Preset(BaseModel):
    """The order in which factors are applied, and a table of ranges for each, under the factor's name."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    order: tuple[str, ...] = Field(min_length=1)

    @property
    def ranges(self) -> tuple[Ranges, ...]:
        """The ranges of each factor in order."""
        return tuple(getattr(self, name) for name in self.order)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        tables = {name for name in FACTORS if getattr(self, name, None) is not None}
        for name in self.order:
            if name not in FACTORS:
                raise ValueError(f"order: {name}: no such factor; there are {', '.join(FACTORS)}")
            if name not in tables:
                raise ValueError(f"{name}: in order, but there is no table [{name}]")
        if unused := sorted(tables - set(self.order)):
            raise ValueError(f"order: {unused[0]} is missing, though there is a table [{unused[0]}]")
        if len(set(self.order)) < len(self.order):
            raise ValueError("order: a factor appears twice")
        return self


_TABLES: dict[str, Any] = {name: (ranges | None, None) for name, ranges in FACTORS.items()}
_Checked: type[Preset] = create_model("_Checked", __base__=Preset, **_TABLES)


@cache
def load_preset(name: str | Path) -> Preset:
    """Load a shipped preset by its name ("published", "training", "clinical") or any preset by its TOML file.

    Raises:
        ParameterError: there is no such preset, or a field is missing, unknown or wrong; the message names it.
    """
    shipped = resources.files(__package__) / "presets" / f"{name}.toml"
    source = shipped if shipped.is_file() else Path(name)
    try:
        return _Checked.model_validate(tomllib.loads(source.read_text("utf-8")))
    except OSError as error:
        raise ParameterError(f"preset {name}: no such preset or file") from error
    except ValidationError as error:
        raise ParameterError(f"preset {name}: {'; '.join(map(_explain, error.errors()))}") from error
    except ValueError as error:  # damaged TOML or UTF-8
        raise ParameterError(f"preset {name}: {error}") from error


def _explain(problem: ErrorDetails) -> str:
    return ": ".join(part for part in (".".join(map(str, problem["loc"])), problem["msg"]) if part)
