"""How different the colours of two photographs look: CIEDE2000 over the pixels of the field of view.

sRGB (IEC 61966-2-1) to CIELAB under D65, 2 degrees; then the formula of Luo, Cui and Rigg (Color Research and
Application 26(5), 2001) with all weights 1, as Sharma, Wu and Dalal write it down (30(1), 2005), whose equation numbers
stand below.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8] | NDArray[np.uint16]
Floats = NDArray[np.float64]

_XYZ = np.array([
    [0.4124564, 0.3575761, 0.1804375],
    [0.2126729, 0.7151522, 0.0721750],
    [0.0193339, 0.1191920, 0.9503041],
])  # fmt: skip
"""Linear sRGB to XYZ."""

_WHITE = np.array([0.95047, 1.0, 1.08883])
"""XYZ of D65."""


def colour_difference(image: Pixels, truth: Pixels, mask: NDArray[np.bool_]) -> float:
    """Mean CIEDE2000 over the pixels in `mask`: 0 for equal pictures, about 1 where a difference is just seen.

    Args:
        image: uint8 or uint16 (H, W, 3), sRGB.
        truth: like `image`.
        mask: bool (H, W).
    """
    return float(ciede2000(lab(image[mask]), lab(truth[mask])).mean())


def lab(pixels: Pixels) -> Floats:
    """CIELAB of sRGB values: float64 (..., 3), L from 0 to 100, of uint8 or uint16 (..., 3)."""
    x = pixels / np.float64(np.iinfo(pixels.dtype).max)
    linear = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
    t = linear @ _XYZ.T / _WHITE
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def ciede2000(one: Floats, other: Floats) -> Floats:
    """The colour difference of CIELAB colours: float64 (...), from twice (..., 3)."""
    light = one[..., 0], other[..., 0]
    chroma = (np.hypot(one[..., 1], one[..., 2]) + np.hypot(other[..., 1], other[..., 2])) / 2  # 2, 3
    g = (1 - _saturation(chroma)) / 2  # 4
    (c1, h1), (c2, h2) = (_polar((1 + g) * colour[..., 1], colour[..., 2]) for colour in (one, other))  # 5 to 7
    grey = c1 * c2 == 0
    turn = np.where(grey, 0.0, (h2 - h1 + 180) % 360 - 180)  # 10
    turn = np.where(~grey & (h1 - h2 == -180), 180.0, turn)
    hue = 2 * np.sqrt(c1 * c2) * _sine(turn / 2)  # 11
    apart = np.abs(h1 - h2) > 180
    mean_hue = np.where(grey, h1 + h2, np.where(apart, (h1 + h2 + 360) / 2 % 360, (h1 + h2) / 2))  # 14
    mean_light, mean_chroma = (light[0] + light[1]) / 2, (c1 + c2) / 2  # 12, 13
    t = (
        1 - 0.17 * _sine(mean_hue + 60) + 0.24 * _sine(2 * mean_hue + 90)
        + 0.32 * _sine(3 * mean_hue + 96) - 0.20 * _sine(4 * mean_hue + 27)
    )  # fmt: skip  # 15, its cosines as sines
    middle = (mean_light - 50) ** 2
    scaled_light = (light[1] - light[0]) / (1 + 0.015 * middle / np.sqrt(20 + middle))  # 8, 18
    scaled_chroma = (c2 - c1) / (1 + 0.045 * mean_chroma)  # 9, 19
    scaled_hue = hue / (1 + 0.015 * mean_chroma * t)  # 20
    around_blue = 30 * np.exp(-(((mean_hue - 275) / 25) ** 2))  # 16
    rotation = -_sine(2 * around_blue) * 2 * _saturation(mean_chroma)  # 17, 21
    squares = scaled_light**2 + scaled_chroma**2 + scaled_hue**2 + rotation * scaled_chroma * scaled_hue
    return np.asarray(np.sqrt(np.maximum(squares, 0)))  # 22


def _polar(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Chroma, and hue from 0 to 360 degrees, 0 for grey."""
    return np.hypot(a, b), np.degrees(np.arctan2(b, a)) % 360


def _saturation(chroma: Floats) -> Floats:
    power = chroma**7
    return np.sqrt(power / (power + 25.0**7))


def _sine(degrees: Floats) -> Floats:
    return np.sin(np.radians(degrees))
