"""Segmentation against people, and what low quality costs it and correction gives back.

Each labelled photograph is segmented at its own size: as it is ("clean"), degraded ("degraded": kind 111 of the preset
`published`, with a seed made of its name, so that every method, today and later, gets the same pictures), and each of
the methods' restorations of that.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cofenet.degradation import sample, simulate
from cofenet.evaluation.methods import CLASSICAL, PUBLISHED, restored
from cofenet.fov import FieldOfView, find_fov
from cofenet.metrics.overlap import auc, centreline_dice, dice, sensitivity, specificity
from cofenet.tasks.segmentation import (
    THRESHOLD,
    Structure,
    disc_probability,
    outlined,
    segment,
    vessel_probability,
)

Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Score:
    """One structure on one version of one photograph: named figures."""

    photograph: str
    structure: str
    version: str
    figures: dict[str, float]


def versions(name: str, clean: Image, fov: FieldOfView) -> Iterator[tuple[str, Image]]:
    """The photograph, the degraded one, and what each method makes of that."""
    yield "clean", clean
    rng = np.random.default_rng(zlib.crc32(f"{name} 111".encode()))
    degraded = np.asarray(simulate(clean, sample(rng, "111"), fov), np.uint8)
    for method in PUBLISHED:
        image = restored(degraded) if method == "light" else CLASSICAL[method](degraded, fov)
        yield ("degraded" if method == "input" else method), image


def vessel_scores(
    name: str, clean: Image, truth: Mask, fov: FieldOfView, models: Mapping[str, str] | None = None
) -> Iterator[Score]:
    """Vessels of all versions against a drawing of them.

    Args:
        name: of the photograph.
        clean: uint8 (H, W, 3), RGB.
        truth: bool (H, W).
        fov: of the photograph.
        models: vessel networks, by name or path, each under the name of the structure in its scores; the shipped one,
            as "vessels", if not given.
    """
    for version, image in versions(name, clean, fov):
        for structure, model in (models or {"vessels": "vessels"}).items():
            probability = vessel_probability(image, fov, model)
            mask = probability > THRESHOLD["vessels"]
            figures = {
                "dice": dice(mask, truth, fov.mask), "auc": auc(probability, truth, fov.mask),
                "centreline_dice": centreline_dice(mask, truth, fov.mask),
                "sensitivity": sensitivity(mask, truth, fov.mask), "specificity": specificity(mask, truth, fov.mask),
            }  # fmt: skip
            yield Score(name, structure, version, figures)


def disc_scores(
    name: str,
    clean: Image,
    drawn: Mapping[Structure, Mask],
    fov: FieldOfView,
    models: Mapping[str, str] | None = None,
) -> Iterator[Score]:
    """Disc, cup or both of all versions against drawings of them; one that is not found has Dice 0.

    Args:
        name: of the photograph.
        clean: uint8 (H, W, 3), RGB.
        drawn: the drawings, bool (H, W).
        fov: of the photograph.
        models: networks that outline the disc, by name or path, each under what its scores say after the structure; the
            shipped one, after which nothing is said, if not given. The shipped finder says where to look.
    """
    for version, image in versions(name, clean, fov):
        for told, model in (models or {"": "disc"}).items():
            _, disc, cup = disc_probability(image, fov, model)
            found = dict(zip(("disc", "cup"), outlined(disc, cup), strict=True))
            for structure, truth in drawn.items():
                mask = found[structure]
                figures = {"dice": dice(mask, truth, fov.mask), "missed": float(not mask.any())}
                yield Score(name, structure + told, version, figures)


def place_score(name: str, image: Image, x: float, y: float, diameter: float) -> Score:
    """How far the disc's centre is from where it should be, in disc diameters; infinite if it is not found.

    Args:
        name: of the photograph.
        image: uint8 (H, W, 3), RGB.
        x: of the disc's centre, pixels from the left edge.
        y: of the disc's centre, pixels from the top edge.
        diameter: of a disc, as a share of the field of view's.
    """
    fov = find_fov(image)
    disc = segment(image, structures=["disc"], fov=fov).measurements.disc
    away = float(np.hypot(disc.x - x, disc.y - y)) / (diameter * fov.circle.diameter) if disc else np.inf
    return Score(name, "place", "clean", {"distance": away})


def recovered(clean: float, degraded: float, corrected: float) -> float:
    """Share of what degradation took that correction gives back: (corrected - degraded) / (clean - degraded)."""
    return (corrected - degraded) / (clean - degraded)
