"""What is measured of a restored picture, inside the field of view; and what each figure is called and means."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cofenet.evaluation.photographs import Square
from cofenet.evaluation.scenes import Scene
from cofenet.metrics import overlap
from cofenet.metrics.colour import colour_difference
from cofenet.metrics.fidelity import ms_ssim, psnr, ssim
from cofenet.metrics.lesions import lesion_contrast_kept
from cofenet.tasks.quality import assess
from cofenet.tasks.segmentation import Segmentation, segment

Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Figures = dict[str, float]

IDENTICAL = 60.0
"""dB that stand for a picture equal to the truth, so that a mean can be taken."""


@dataclass(frozen=True)
class Measure:
    """One figure.

    Attributes:
        title: for the head of a column.
        better: whether more or less of it is better; "one" if 1 is best.
        digits: after the point.
        alone: whether it looks at the result alone: such a figure can be won by pictures that look good and are false.
    """

    title: str
    better: Literal["more", "less", "one"] = "more"
    digits: int = 3
    alone: bool = False


MEASURES: dict[str, Measure] = {
    "psnr": Measure("PSNR dB", digits=2),
    "ssim": Measure("SSIM"),
    "ms_ssim": Measure("MS-SSIM"),
    "ciede2000": Measure("CIEDE2000", "less", 2),
    "vessel_dice": Measure("vessel Dice"),
    "vessel_auc": Measure("vessel AUC"),
    "centreline_dice": Measure("centreline Dice"),
    "disc_dice": Measure("disc Dice"),
    "cup_dice": Measure("cup Dice"),
    "lesion_contrast": Measure("lesion contrast", "one", 2),
    "good": Measure("called good", alone=True),
    "reject": Measure("called reject", "less", alone=True),
    "score": Measure("quality score", alone=True),
    "vessels_kept": Measure("vessels kept"),
    "vessels_added": Measure("vessels added", "less"),
    "change": Measure("change, CIEDE2000", "less", 2),
}
"""Every figure, by its name in the rows; docs/evaluation.md defines each."""


def fidelity(square: Square, scene: Scene, image: Image) -> Figures:
    """How near to the truth: PSNR (at most 60 dB), SSIM, MS-SSIM, CIEDE2000."""
    del square
    if scene.truth is None:
        return {}
    truth, mask = scene.truth, scene.fov.mask
    return {
        "psnr": min(psnr(image, truth, mask), IDENTICAL), "ssim": ssim(image, truth, mask),
        "ms_ssim": ms_ssim(image, truth, mask), "ciede2000": colour_difference(image, truth, mask),
    }  # fmt: skip


def structures(square: Square, scene: Scene, image: Image) -> Figures:
    """How well vessels, disc, cup and lesions are found: those that have a truth."""
    found, fov = segment(image, fov=scene.fov), scene.fov.mask
    ours = masks(found)
    figures: Figures = {}
    if (vessels := square.truth("vessels")) is not None:
        figures = {
            "vessel_dice": overlap.dice(ours["vessels"], vessels, fov),
            "vessel_auc": overlap.auc(found.probabilities["vessels"], vessels, fov),
            "centreline_dice": overlap.centreline_dice(ours["vessels"], vessels, fov),
        }
    for name in ("disc", "cup"):
        truth = square.truth(name)
        if truth is not None and truth.any():
            figures[f"{name}_dice"] = overlap.dice(ours[name], truth, fov)
    if "lesions" in square.labels:
        figures["lesion_contrast"] = lesion_contrast_kept(image, square.image, square.labels["lesions"], fov)
    return finite(figures)


def quality(square: Square, scene: Scene, image: Image) -> Figures:
    """How good it looks, by itself; and, beside it, whether the vessels are still those of the truth."""
    figures = looks(scene, image) | {"ssim": ssim(image, square.image, scene.fov.mask)}
    if (truth := square.truth("vessels")) is not None:
        figures["centreline_dice"] = overlap.centreline_dice(vessels_of(image, scene), truth, scene.fov.mask)
    return figures


def without_truth(square: Square, scene: Scene, image: Image) -> Figures:
    """How good it looks, by itself; and, beside it, what became of the vessels that were to be seen before."""
    fov = scene.fov.mask
    before, after = masks(square.segmentation)["vessels"] & fov, vessels_of(image, scene) & fov
    lines = overlap.skeleton(before), overlap.skeleton(after)
    kept = {
        "vessels_kept": float(after[lines[0]].mean()) if lines[0].any() else math.nan,
        "vessels_added": 1 - float(before[lines[1]].mean()) if lines[1].any() else math.nan,
    }
    return looks(scene, image) | finite(kept) | {"change": colour_difference(image, scene.image, fov)}


def looks(scene: Scene, image: Image) -> Figures:
    """Grade and score of quality assessment: nobody's truth has a say in them."""
    found = assess(image, fov=scene.fov)
    return {"good": float(found.grade == "good"), "reject": float(found.grade == "reject"), "score": found.score}


def vessels_of(image: Image, scene: Scene) -> Mask:
    """The vessels that are found on a picture."""
    return masks(segment(image, structures=["vessels"], fov=scene.fov))["vessels"]


def masks(found: Segmentation) -> dict[str, Mask]:
    """Those of the structures that were asked for."""
    told = {"vessels": found.vessels, "disc": found.disc, "cup": found.cup}
    return {name: mask for name, mask in told.items() if mask is not None}


def finite(figures: Figures) -> Figures:
    """Without those that have no value, such as the contrast of lesions where there is none."""
    return {name: value for name, value in figures.items() if math.isfinite(value)}
