"""The JSON of cofe-Net's released parameter files, in both of its forms; see `published`."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field

from cofenet.degradation.blur import Blur
from cofenet.degradation.color import Color
from cofenet.degradation.factor import Channel
from cofenet.degradation.halo import Halo
from cofenet.degradation.hole import Hole
from cofenet.degradation.parameters import Parameters
from cofenet.degradation.spots import Spot, Spots
from cofenet.errors import ParameterError

SIDE = 512
"""Pixels a side of the published code."""


LARGEST_SPOT = 25
"""Pixels by which the published code divides the radius of a spot."""


LEVELS = 255
"""Steps of grey to which Pillow's enhancement operators cut."""


COLORS = ((251, 249, 246), (141, 238, 238), (177, 195, 147))
"""Light of the halo by its number: white, cyan, yellow-green; 0 to 255."""


def _odd(pixels: int) -> int:
    if pixels % 2 == 0:
        raise ValueError("a kernel has an odd number of pixels")
    return pixels


Pixel = Annotated[int, Field(ge=0, lt=SIDE)]


Kernel = Annotated[int, Field(ge=1, le=2 * SIDE), AfterValidator(_odd)]


Rgb = tuple[Channel, Channel, Channel]


class _Published(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class _Color(_Published):
    brightness_factor: float = Field(ge=0, le=4)
    contrast_factor: float = Field(ge=0, le=4)
    saturation_factor: float = Field(ge=0, le=4)

    def ours(self) -> Color:
        return Color(
            brightness=self.brightness_factor, contrast=self.contrast_factor, saturation=self.saturation_factor,
            levels=LEVELS,
        )  # fmt: skip


class _Halo(_Published):
    num: int = Field(ge=0, le=2, validation_alias=AliasChoices("num", "style_num"))
    center_a: tuple[Pixel, Pixel]
    dia_a: float = Field(ge=0)
    center_b: tuple[Pixel, Pixel]
    dia_b: float = Field(ge=0)
    leak_style: tuple[Rgb, Rgb, Rgb] | None = None
    gauss_rad: Kernel | None = None
    sigma: float | None = Field(default=None, ge=0)

    def ours(self) -> Halo:
        if self.center_a != self.center_b:
            raise ParameterError("params.illumination.halo.center_b: must equal center_a")
        reach = halo_reach(self.center_a, self.dia_a)
        light = [row[self.num] for row in self.leak_style] if self.leak_style else halo_color(self.num)
        sigma = self.sigma or halo_sigma(reach)
        return Halo(
            x=place(self.center_a[0]), y=place(self.center_a[1]),
            inner_radius=int(self.dia_a / 2) / SIDE, outer_radius=int(self.dia_b / 2) / SIDE,
            color=(light[0], light[1], light[2]), gain=1,
            kernel=(self.gauss_rad or next_odd(reach)) / SIDE, sigma=sigma / SIDE,
        )  # fmt: skip


class _Hole(_Published):
    center: tuple[Pixel, Pixel]
    diameter_circle: int = Field(ge=0)
    brightness_factor: float = Field(ge=-1, le=0)
    rad_w: Kernel
    rad_h: Kernel
    sigma: float = Field(gt=0)

    def ours(self) -> Hole:
        return Hole(
            x=place(self.center[0]), y=place(self.center[1]), radius=int(self.diameter_circle / 2) / SIDE,
            offset=-self.brightness_factor, slope=0, threshold=0,
            kernel_x=self.rad_w / SIDE, kernel_y=self.rad_h / SIDE, sigma=self.sigma / SIDE,
        )  # fmt: skip


class _Spot(_Published):
    radius: int = Field(ge=2, le=SIDE)
    center: tuple[Pixel, Pixel]
    rad_w: Kernel
    rad_h: Kernel
    sigma: float = Field(gt=0)
    A: float | None = None
    t: float | None = None

    def ours(self) -> Spot:
        stored = None if self.A is None or self.t is None else self.A * (1 - self.t)
        return Spot(
            x=place(self.center[0]), y=place(self.center[1]), radius=int(self.radius / 2) / SIDE,
            amplitude=spot_amplitude(self.radius) if stored is None else stored,
            kernel_x=self.rad_w / SIDE, kernel_y=self.rad_h / SIDE, sigma=self.sigma / SIDE,
        )  # fmt: skip


class _Blur(_Published):
    sigma: float = Field(gt=0)
    rad_w: Kernel
    rad_h: Kernel

    def ours(self) -> Blur:
        return Blur(kernel_x=self.rad_w / SIDE, kernel_y=self.rad_h / SIDE, sigma=self.sigma / SIDE)


class _Illumination(_Published):
    color: _Color
    halo: _Halo
    hole: _Hole


class _Params(_Published):
    illumination: _Illumination | None = None
    spots: tuple[_Spot, ...] | None = None
    blur: _Blur | None = None


class PublishedFile(_Published):
    """One parameter file."""

    name: str
    type: str
    params: _Params

    def ours(self) -> Parameters:
        """The same numbers as our parameters."""
        light, spots, blur = self.params.illumination, self.params.spots, self.params.blur
        factors: list[Color | Halo | Hole | Spots | Blur] = []
        if light is not None:
            factors += [light.color.ours(), light.halo.ours(), light.hole.ours()]
        if spots is not None:
            factors.append(Spots(spots=tuple(spot.ours() for spot in spots)))
        if blur is not None:
            factors.append(blur.ours())
        parameters = Parameters(factors=tuple(factors))
        if parameters.kind != self.type:
            raise ParameterError(f"type: says {self.type}, but the parameters are those of {parameters.kind}")
        return parameters


def place(pixel: int) -> float:
    """The centre of a pixel, as a fraction."""
    return (pixel + 0.5) / SIDE


def halo_color(number: int) -> tuple[float, ...]:
    """The colour of the light, by its published number."""
    return tuple(channel / 255 for channel in COLORS[number])


def halo_reach(center: tuple[int, int], diameter: float) -> int:
    """Pixels from the inner circle to a circle around the same centre that touches the farthest edge; by diameters."""
    x, y = center
    return int(abs(2 * max(x, SIDE - x, y, SIDE - y) - diameter))


def halo_sigma(reach: int) -> float:
    """Sigma of the halo's kernel, pixels."""
    return 2 / 3 * max(reach, 1)  # of a kernel of one pixel sigma does not matter, but it may not be 0


def next_odd(pixels: int) -> int:
    """`pixels`, or one more if that is even."""
    return pixels + 1 - pixels % 2


def spot_amplitude(radius: int) -> float:
    """Published value of a spot: k (1 − exp(−β d)) with k = 14/25 + 1 − r/25, β = 0.5 + r/25, d = 0.3 r/25."""
    size = radius / LARGEST_SPOT
    return (14 / 25 + 1 - size) * (1 - math.exp(-(0.5 + size) * 0.3 * size))
