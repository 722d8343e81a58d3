"""Read and write the parameter files of cofe-Net's released degradation code (arXiv 2005.05594).

Two forms of JSON are published: the one that the released code writes, and the one of its nine example files, an
earlier state of the code. The latter calls the colour of the halo `style_num` instead of `num`, and stores what the
former computes anew: colours, the halo's kernel and sigma, the spots' amplitudes. What is stored is preferred.

The published code works on 512 × 512 pixels filled by the field of view: a length of n pixels is n / 512 here, and the
centre of pixel i is at (i + 0.5) / 512.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from cofenet.degradation.blur import Blur
from cofenet.degradation.color import Color
from cofenet.degradation.factor import Factor
from cofenet.degradation.halo import Halo
from cofenet.degradation.hole import Hole
from cofenet.degradation.parameters import Parameters
from cofenet.degradation.published_schema import (
    LEVELS,
    SIDE,
    PublishedFile,
    halo_color,
    halo_reach,
    halo_sigma,
    next_odd,
    spot_amplitude,
)
from cofenet.degradation.simulate import simulate
from cofenet.degradation.spots import Spot, Spots
from cofenet.errors import ParameterError, UsageError
from cofenet.fov import FieldOfView
from cofenet.geometry import Circle


def from_published(text: str | bytes) -> Parameters:
    """Read a published parameter file of either form.

    Args:
        text: its JSON.

    Returns:
        Parameters with which `simulate` degrades a photograph of any size, and `replay` repeats the released code.

    Raises:
        ParameterError: the text is not JSON, or a field is missing, unknown or out of its range; the message names it.
    """
    try:
        return PublishedFile.model_validate_json(text).ours()
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, p['loc'])) or 'parameters'}: {p['msg']}" for p in error.errors())
        raise ParameterError("; ".join(problems)) from error


def replay(image: NDArray[np.uint8], parameters: Parameters, mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Make the picture that the released code made: `simulate`, and at last a multiplication by the soft mask.

    The published masks are JPEG files resized bicubically, so that they are neither 0 nor 255 near their edge.

    Args:
        image: uint8 (H, H, 3), RGB, filled by the field of view.
        parameters: such as `from_published` gives.
        mask: uint8 (H, H), 0 outside the field of view to 255 inside.

    Returns:
        uint8 (H, H, 3), RGB, black outside the field of view.

    Raises:
        UsageError: the image has another dtype or shape, or the mask another shape than the image.
    """
    height, width = image.shape[:2]
    if height != width or mask.shape != (height, width):
        raise UsageError(f"expected a square image and a mask of its size, got {image.shape} and {mask.shape}")
    fov = FieldOfView(mask > 0, Circle(height / 2, height / 2, height / 2), 1.0)
    degraded = simulate(image, parameters, fov).astype(np.uint16)
    return np.asarray(degraded * mask[..., None].astype(np.uint16) // 255, np.uint8)


def to_published(parameters: Parameters, name: str) -> str:
    """Write parameters as the released code writes them.

    Args:
        parameters: such as `from_published` gives: whole pixels of 512, and one of the published kinds.
        name: of the photograph's file, which the released code stores.

    Returns:
        JSON, from which `from_published` gives back equal parameters.

    Raises:
        ParameterError: the released form has no place for a factor or a value; the message names it.
    """
    found: dict[str, Factor] = {str(factor.model_dump()["factor"]): factor for factor in parameters.factors}
    order = [factor.model_dump()["factor"] for factor in parameters.factors]
    if order != [factor for factor in ("color", "halo", "hole", "spots", "blur") if factor in found]:
        raise ParameterError(f"factors: the released form holds color, halo, hole, spots, blur once each, got {order}")
    params: dict[str, Any] = {}
    if parameters.only("illumination").factors:
        params["illumination"] = {part: _theirs(found.get(part), part) for part in ("color", "halo", "hole")}
    params |= {part: _theirs(found[part], part) for part in ("spots", "blur") if part in found}
    return json.dumps({"name": name, "type": parameters.kind, "params": params})


def _theirs(factor: Factor | None, part: str) -> object:
    match factor:
        case Color():
            return _color(factor)
        case Halo():
            return _halo(factor)
        case Hole():
            return _hole(factor)
        case Spots():
            return [_spot(spot, f"spots.{index}") for index, spot in enumerate(factor.spots)]
        case Blur():
            return {"sigma": factor.sigma * SIDE, **_kernels(factor, "blur")}
        case _:
            raise ParameterError(f"{part}: missing; the released form always has color, halo and hole together")


def _color(color: Color) -> dict[str, float]:
    _require(color.levels == LEVELS, "color.levels", f"is always {LEVELS} in the released code, got {color.levels}")
    return {
        "brightness_factor": color.brightness, "contrast_factor": color.contrast, "saturation_factor": color.saturation,
    }  # fmt: skip


def _halo(halo: Halo) -> dict[str, object]:
    numbers = [number for number in range(3) if _close(halo.color, halo_color(number))]
    _require(bool(numbers), "halo.color", f"is none of the three published colours, got {halo.color}")
    _require(halo.gain == 1, "halo.gain", f"is always 1 in the released code, got {halo.gain}")
    center, radius = _center(halo, "halo"), _whole(halo.inner_radius * SIDE, "halo.inner_radius")
    # The released code cuts the diameter to whole pixels, once for the circle and once for the kernel.
    diameters = [2 * radius + part / 2 for part in range(4)]
    reaches = {diameter: halo_reach(center, diameter) for diameter in diameters}
    wanted = (halo.kernel * SIDE, halo.sigma * SIDE)
    fitting = [d for d, reach in reaches.items() if _close(wanted, (next_odd(reach), halo_sigma(reach)))]
    problem = "the released code computes them from centre and inner_radius, otherwise"
    _require(bool(fitting), "halo.kernel, halo.sigma", problem)
    outer = _whole(halo.outer_radius * SIDE, "halo.outer_radius")
    return {"num": numbers[0], "center_a": center, "dia_a": fitting[0], "center_b": center, "dia_b": 2 * outer}


def _hole(hole: Hole) -> dict[str, object]:
    for field in ("slope", "threshold"):
        _require(getattr(hole, field) == 0, f"hole.{field}", "the released form stores the depth itself (offset)")
    return {
        "center": _center(hole, "hole"), "diameter_circle": 2 * _whole(hole.radius * SIDE, "hole.radius"),
        "brightness_factor": -hole.offset, **_kernels(hole, "hole"), "sigma": hole.sigma * SIDE,
    }  # fmt: skip


def _spot(spot: Spot, where: str) -> dict[str, object]:
    drawn = _whole(spot.radius * SIDE, f"{where}.radius")
    radii = [radius for radius in (2 * drawn, 2 * drawn + 1) if _close([spot.amplitude], [spot_amplitude(radius)])]
    _require(bool(radii), f"{where}.amplitude", "the released code computes it from the radius, otherwise")
    return {
        "radius": radii[0], "center": _center(spot, where), **_kernels(spot, where), "sigma": spot.sigma * SIDE,
    }  # fmt: skip


def _kernels(part: Hole | Spot | Blur, where: str) -> dict[str, int]:
    sizes = {}
    for theirs, field in (("rad_w", "kernel_x"), ("rad_h", "kernel_y")):
        sizes[theirs] = _whole(getattr(part, field) * SIDE, f"{where}.{field}")
        _require(sizes[theirs] % 2 == 1, f"{where}.{field}", f"must be an odd number of pixels, got {sizes[theirs]}")
    return sizes


def _center(part: Halo | Hole | Spot, where: str) -> tuple[int, int]:
    x, y = (_whole(value * SIDE - 0.5, f"{where}.{axis}") for value, axis in ((part.x, "x"), (part.y, "y")))
    _require(0 <= x < SIDE and 0 <= y < SIDE, f"{where}.x, {where}.y", "outside the photograph")
    return x, y


def _whole(pixels: float, field: str) -> int:
    _require(abs(pixels - round(pixels)) < 1e-6, field, f"is no whole number of pixels of {SIDE}, got {pixels:.3f}")
    return round(pixels)


def _require(fulfilled: bool, field: str, problem: str) -> None:
    if not fulfilled:
        raise ParameterError(f"{field}: cannot be written in the released form: {problem}")


def _close(ours: tuple[float, ...] | list[float], theirs: tuple[float, ...] | list[float]) -> bool:
    return all(math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9) for a, b in zip(ours, theirs, strict=True))
