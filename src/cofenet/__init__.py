"""Correct low-quality retinal fundus photographs, and simulate how photographs lose quality.

>>> import cofenet
>>> correction = cofenet.correct(image)  # uint8 (H, W, 3), RGB
>>> correction.image, correction.verdict.status
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from cofenet import degradation
    from cofenet.degradation.simulate import simulate as degrade
    from cofenet.errors import CofenetError
    from cofenet.fov import FieldOfView, find_fov
    from cofenet.tasks.correction import Correction, correct
    from cofenet.tasks.quality import Assessment, assess
    from cofenet.tasks.safety import Verdict
    from cofenet.tasks.segmentation import Segmentation, segment

# Loaded on first use, so that `import cofenet` stays quick.
_HOME = {
    "Assessment": "cofenet.tasks.quality",
    "CofenetError": "cofenet.errors",
    "Correction": "cofenet.tasks.correction",
    "FieldOfView": "cofenet.fov",
    "Segmentation": "cofenet.tasks.segmentation",
    "Verdict": "cofenet.tasks.safety",
    "assess": "cofenet.tasks.quality",
    "correct": "cofenet.tasks.correction",
    "find_fov": "cofenet.fov",
    "segment": "cofenet.tasks.segmentation",
}

__all__ = [
    "Assessment",
    "CofenetError",
    "Correction",
    "FieldOfView",
    "Segmentation",
    "Verdict",
    "__version__",
    "assess",
    "correct",
    "degradation",
    "degrade",
    "find_fov",
    "segment",
]


def __getattr__(name: str) -> object:
    if name == "degradation":
        return import_module("cofenet.degradation")
    if name == "degrade":
        simulate: object = import_module("cofenet.degradation").simulate
        return simulate
    if name in _HOME:
        value: object = getattr(import_module(_HOME[name]), name)
        return value
    raise AttributeError(f"module 'cofenet' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
