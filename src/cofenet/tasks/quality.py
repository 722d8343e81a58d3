"""Assess one photograph: its grade, how sure that is, and one score for each factor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from cofenet.engine.session import Session, session
from cofenet.errors import ModelError
from cofenet.fov import FieldOfView
from cofenet.geometry import Crop
from cofenet.tasks.view import Pixels, check_pixels, known_fov, view

Grade = Literal["good", "usable", "reject"]
Factor = Literal["illumination", "contrast", "artifact", "blur", "field_of_view"]

GRADES: tuple[Grade, ...] = ("good", "usable", "reject")
"""Of EyeQ (Fu et al., MICCAI 2019, arXiv 1907.05345), best first: no low-quality factor, all pathologies
identifiable; some factor, but the main structures and lesions are clear enough; or not to be trusted for a reading."""

FACTORS: tuple[Factor, ...] = ("illumination", "contrast", "artifact", "blur", "field_of_view")


@dataclass(frozen=True)
class Assessment:
    """How good a photograph is.

    Attributes:
        grade: the most probable of "good", "usable", "reject".
        probabilities: of each grade; they add up to 1.
        score: good + usable / 2, of the probabilities: 1 surely good, 0 surely to be rejected. To sort by.
        factors: each 1 where nothing is wrong and 0 at worst. All but the last are 1 minus the network's estimate of
            what a degradation took, as `cofenet.metrics.severity` defines it:
            "illumination": 1 minus the share by which uneven or wrong light changed the smooth brightness;
            "contrast": the share of the contrast of structures that no veil took;
            "artifact": 1 minus the root of the share of the field of view that spots, dust and reflexes cover;
            "blur": the share of the finest contrast, below 1/128 of the field of view, that blur left;
            "field_of_view": the share of the camera's round aperture that the picture shows, measured.
        fov: the field of view.
    """

    grade: Grade
    probabilities: dict[Grade, float]
    score: float
    factors: dict[Factor, float]
    fov: FieldOfView


def assessor(model: str) -> Session:
    """A model for quality assessment, ready to run.

    Raises:
        ModelError: the model is missing or damaged, or not for quality assessment.
    """
    network = session(model)
    if not {"probabilities", "severity"} <= network.card.outputs.keys():
        raise ModelError(f"{model} is not for quality assessment: it gives {', '.join(network.card.outputs)}")
    return network


def assess(image: Pixels, *, model: str = "quality", fov: FieldOfView | None = None) -> Assessment:
    """Grade a photograph and say what is wrong with it.

    Args:
        image: uint8 or uint16 (H, W, 3), RGB, full range.
        model: the name of a shipped model, or the path of one that was trained and exported, for quality assessment.
        fov: where the retina is, of the photograph's shape (H, W); found if not given.

    Raises:
        UsageError: wrong dtype or shape, also of the field of view.
        NotFundusError: no retinal field of view is found, or it is black: 12 bits in uint16 are, too.
        ModelError: the model is missing or damaged, or not for quality assessment.
    """
    check_pixels(image)
    fov = known_fov(image, fov)
    network = assessor(model)
    crop = Crop.around(fov.circle, network.card.whole_size)
    found = network.run(whole=view(image, fov, crop)[None])
    probabilities = dict(zip(GRADES, found["probabilities"][0].astype(float).tolist(), strict=True))
    left = [*(1.0 - found["severity"][0].astype(float)).tolist(), shown(fov)]
    return Assessment(
        max(GRADES, key=lambda grade: probabilities[grade]),
        probabilities,
        probabilities["good"] + probabilities["usable"] / 2,
        dict(zip(FACTORS, left, strict=True)),
        fov,
    )


def shown(fov: FieldOfView) -> float:
    """The share of the camera's round aperture that the picture shows, 0 to 1."""
    return min(1.0, float(np.count_nonzero(fov.mask)) / (np.pi * fov.circle.radius**2))
