"""The published degradation, slow and obvious: the released formulas step by step, on 512 × 512 pixels.

Written from the facts known about cofe-Net's released code (arXiv 2005.05594), independently of `cofenet.degradation`.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

SIDE = 512
LIGHTS = ((251, 249, 246), (141, 238, 238), (177, 195, 147))


def degrade(image: NDArray[np.uint8], mask: NDArray[np.uint8], params: dict[str, Any]) -> NDArray[np.uint8]:
    """Illumination, spots, blur, mask: uint8 (512, 512, 3) in and out; `params` as in a published file."""
    light = params.get("illumination")
    if light:
        image = color(image, light["color"])
    x = image.astype(np.float64) / 255
    if light:
        x = hole(halo(x, light["halo"]), light["hole"])
    for spot in params.get("spots", ()):
        x = add_spot(x, spot)
    if "blur" in params:
        x = cv2.GaussianBlur(x, (params["blur"]["rad_w"], params["blur"]["rad_h"]), params["blur"]["sigma"])
    return (x * (mask[..., None] / 255) * 255).astype(np.uint8)


def color(image: NDArray[np.uint8], c: dict[str, float]) -> NDArray[np.uint8]:
    picture = Image.fromarray(image)
    picture = ImageEnhance.Brightness(picture).enhance(c["brightness_factor"])
    picture = ImageEnhance.Contrast(picture).enhance(c["contrast_factor"])
    return np.asarray(ImageEnhance.Color(picture).enhance(c["saturation_factor"]))


def disc(center: list[int], radius: int) -> NDArray[np.float64]:
    y, x = np.mgrid[:SIDE, :SIDE]
    return (np.sqrt((x - center[0]) ** 2 + (y - center[1]) ** 2) <= radius).astype(np.float64)


def halo(x: NDArray[np.float64], h: dict[str, Any]) -> NDArray[np.float64]:
    ring = x.mean() * np.abs(disc(h["center_a"], int(h["dia_a"] / 2)) - disc(h["center_b"], int(h["dia_b"] / 2)))
    cx, cy = h["center_a"]
    reach = int(abs(2 * max(cx, SIDE - cx, cy, SIDE - cy) - h["dia_a"]))
    width = reach + 1 if reach % 2 == 0 else reach
    glow = cv2.GaussianBlur(ring, (width, width), 2 / 3 * reach)
    return np.clip(x + glow[..., None] * np.array(LIGHTS[h["num"]]) / 255, 0, 1)


def hole(x: NDArray[np.float64], h: dict[str, Any]) -> NDArray[np.float64]:
    dark = h["brightness_factor"] * disc(h["center"], int(h["diameter_circle"] / 2))
    return np.clip(x + cv2.GaussianBlur(dark, (h["rad_w"], h["rad_h"]), h["sigma"])[..., None], 0, 1)


def add_spot(x: NDArray[np.float64], s: dict[str, Any]) -> NDArray[np.float64]:
    r = s["radius"]
    k, beta, d = 14 / 25 + (1 - r / 25), 0.5 + r / 25, 0.3 * r / 25
    bright = k * (1 - math.exp(-beta * d)) * disc(s["center"], int(r / 2))
    return np.clip(x + cv2.GaussianBlur(bright, (s["rad_w"], s["rad_h"]), s["sigma"])[..., None], 0, 1)


def draw_params(rng: np.random.Generator, kind: str) -> dict[str, Any]:
    """Parameters as the released code draws them, for one of its kinds."""
    params: dict[str, Any] = {}
    if kind[2] == "1":
        params["illumination"] = {"color": draw_color(rng), "halo": draw_halo(rng), "hole": draw_hole(rng)}
    if kind[1] == "1":
        params["spots"] = [draw_spot(rng) for _ in range(rng.integers(5, 11))]
    if kind[0] == "1":
        sigma = float(rng.uniform(5, 15))
        params["blur"] = {"sigma": sigma, **draw_kernel(rng, int(sigma / 3), int(sigma / 2))}
    return params


def draw_color(rng: np.random.Generator) -> dict[str, float]:
    ranges = {"brightness_factor": (0.7, 1.2), "contrast_factor": (0.6, 1.4), "saturation_factor": (0.6, 1.4)}
    return {name: float(rng.uniform(*bounds)) for name, bounds in ranges.items()}


def draw_halo(rng: np.random.Generator) -> dict[str, Any]:
    center = rng.integers(192, 321, 2).tolist()
    inner, outer = float(SIDE * rng.uniform(0.75, 1)), float(rng.uniform(715, 1215))
    return {
        "num": int(rng.integers(1, 3)), "center_a": center, "dia_a": inner, "center_b": center, "dia_b": outer,
    }  # fmt: skip


def draw_hole(rng: np.random.Generator) -> dict[str, Any]:
    diameter = int(rng.integers(204, 359))
    kernel = draw_kernel(rng, int(0.55 * diameter), int(0.75 * diameter))
    return {
        "center": [int(rng.integers(128, 385)), int(rng.integers(192, 321))], "diameter_circle": diameter,
        "brightness_factor": float(rng.uniform(-0.3, -0.27)), **kernel, "sigma": 0.8 * max(kernel.values()),
    }  # fmt: skip


def draw_spot(rng: np.random.Generator) -> dict[str, Any]:
    radius = int(rng.integers(6, 26))
    sigma = (5 + 20 * radius / 25) * 2
    center = rng.integers(radius + 1, 512 - radius, 2).tolist()
    return {"radius": radius, "center": center, **draw_kernel(rng, int(sigma / 5), int(sigma / 4)), "sigma": sigma}


def draw_kernel(rng: np.random.Generator, low: int, high: int) -> dict[str, int]:
    return {axis: int(rng.integers(low, high + 1)) // 2 * 2 + 1 for axis in ("rad_w", "rad_h")}
