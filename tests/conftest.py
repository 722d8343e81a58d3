"""What tests of several folders share: drawn fundus photographs, also as DICOM, and patience with a busy machine."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import NDArray

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would go online when imported, and warn where it cannot

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

Draw = Callable[..., NDArray[np.uint8]]


@pytest.fixture(scope="session")
def draw() -> Draw:
    """`draw(seed, height, width)`: uint8 (height, width, 3), RGB, another circle, disc and vessels for each seed."""
    return draw_photograph


@pytest.fixture(scope="session")
def files() -> ModuleType:
    """`tests/dicom_files.py`, which makes DICOM files."""
    return importlib.import_module("dicom_files")


def draw_photograph(seed: int = 0, height: int = 192, width: int = 224) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    radius = 0.45 * min(height, width) * rng.uniform(0.85, 1)
    center = np.array([width, height]) / 2 + rng.uniform(-4, 4, 2)
    x = (np.arange(width)[None, :] + 0.5 - center[0]) / radius
    y = (np.arange(height)[:, None] + 0.5 - center[1]) / radius
    light = 0.75 - 0.15 * (x**2 + y**2) + rng.uniform(-0.1, 0.1) * x
    disc = np.exp(-((((x - 0.5) / 0.12) ** 2 + ((y - rng.uniform(-0.1, 0.1)) / 0.14) ** 2) ** 3))
    vessels = np.zeros((height, width))
    for bend in (*rng.uniform(0.4, 1, 2), *rng.uniform(-1, -0.4, 2)):
        path = bend * np.sqrt(np.abs(0.5 - x) * 0.6)
        vessels = np.maximum(vessels, np.exp(-(((y - path) / 0.03) ** 2)))
    colour = np.stack([light, 0.5 * light, 0.25 * light], axis=2) * (
        1 - np.array([0.15, 0.35, 0.3]) * vessels[..., None]
    )
    colour = np.clip(colour + disc[..., None] * np.array([0.2, 0.4, 0.3]), 0, 1)
    cover = np.clip((1 - np.hypot(x, y)) * radius + 0.5, 0, 1)[..., None]
    return np.rint(255 * np.clip(colour * cover + rng.normal(0, 0.004, colour.shape), 0, 1)).astype(np.uint8)
