"""Presets: the ranges from which degradation parameters are drawn, each in one readable TOML file."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from cofenet.errors import ParameterError


def _ordered(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError("the lower bound exceeds the upper bound")
    return bounds


Range = Annotated[tuple[float, float], AfterValidator(_ordered)]
"""Lower and upper bound of a uniform distribution."""

Rgb = tuple[float, float, float]


class _Ranges(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ColorRanges(_Ranges):
    """Of `Color`."""

    brightness: Range
    contrast: Range
    saturation: Range


class HaloRanges(_Ranges):
    """Of `Halo`; without `kernel` the kernel spans from the inner circle to the far edge of the frame."""

    center_x: Range
    center_y: Range
    inner_diameter: Range
    growth: Range
    reach: float
    colors: tuple[Rgb, ...] = Field(min_length=1)
    gain: Range
    kernel: Range | None = None
    sigma: float = 2 / 3


class HoleRanges(_Ranges):
    """Of `Hole`; kernels are fractions of the diameter, sigma of the larger kernel."""

    center_x: Range
    center_y: Range
    diameter: Range
    offset: Range
    slope: Range
    threshold: float
    kernel: Range
    sigma: float


class SpotRanges(_Ranges):
    """Of `Spots`; without `amplitude`, `kernel` and `sigma` these follow from the radius by the published formulas."""

    count: tuple[int, int]
    radius: Range
    amplitude: Range | None = None
    kernel: Range | None = None
    sigma: float | None = None


class BlurRanges(_Ranges):
    """Of `Blur`; kernels are fractions of sigma."""

    sigma: Range
    kernel: Range


class Preset(_Ranges):
    """Ranges of every factor, and the order in which factors are applied."""

    order: tuple[Literal["color", "halo", "hole", "spots", "blur"], ...]
    color: ColorRanges
    halo: HaloRanges
    hole: HoleRanges
    spots: SpotRanges
    blur: BlurRanges


@cache
def load_preset(name: str | Path) -> Preset:
    """Load a shipped preset by its name ("published", "training") or any preset by its TOML file.

    Raises:
        ParameterError: there is no such preset, or a field is missing, unknown or wrong; the message names it.
    """
    shipped = resources.files(__package__) / "presets" / f"{name}.toml"
    source = shipped if shipped.is_file() else Path(name)
    try:
        return Preset.model_validate(tomllib.loads(source.read_text("utf-8")))
    except OSError as error:
        raise ParameterError(f"preset {name}: no such preset or file") from error
    except tomllib.TOMLDecodeError as error:
        raise ParameterError(f"preset {name}: {error}") from error
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, p['loc']))}: {p['msg']}" for p in error.errors())
        raise ParameterError(f"preset {name}: {'; '.join(problems)}") from error
