"""Restoration: good photographs, degraded by fixed parameters, restored by every method, compared with themselves.

Each photograph is cut to its field of view at 512 pixels. Its parameters are drawn from the preset `published` with a
seed made of the photograph's name and the kind, so that every method, today and later, gets the same pictures.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cofenet.degradation import sample, simulate
from cofenet.errors import NotFundusError
from cofenet.evaluation.classical import background_subtraction, clahe
from cofenet.fov import FieldOfView
from cofenet.metrics.fidelity import psnr, ssim
from cofenet.tasks.correction import correct

Image = NDArray[np.uint8]
Method = Callable[[Image, FieldOfView], Image]

SIZE = 512


def _light(image: Image, fov: FieldOfView) -> Image:
    """`light`, which finds the field of view itself; a photograph in which it finds none stays as it is."""
    del fov
    try:
        return np.asarray(correct(image).image, np.uint8)
    except NotFundusError:
        return image


METHODS: dict[str, Method] = {
    "input": lambda image, fov: image,
    "clahe": clahe,
    "background-subtraction": background_subtraction,
    "light": _light,
}
"""Every method of the table, by name."""


@dataclass(frozen=True)
class Score:
    """One method on one photograph: PSNR in dB and SSIM inside the field of view."""

    photograph: str
    kind: str
    method: str
    psnr: float
    ssim: float


def score(name: str, clean: Image, fov: FieldOfView, kind: str) -> Iterator[Score]:
    """Degrade one photograph by one kind ("000" leaves it good) and score every method."""
    degraded = clean
    if kind != "000":
        rng = np.random.default_rng(zlib.crc32(f"{name} {kind}".encode()))
        degraded = np.asarray(simulate(clean, sample(rng, kind), fov), np.uint8)
    for method, restore in METHODS.items():
        restored = restore(degraded, fov)
        yield Score(name, kind, method, psnr(restored, clean, fov.mask), ssim(restored, clean, fov.mask))
