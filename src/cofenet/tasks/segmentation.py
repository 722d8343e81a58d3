"""Segment one photograph: vessels, optic disc, optic cup, and what is measured on them.

Vessels are looked for in tiles at the photograph's own scale, within bounds. The disc is found in the whole photograph,
seen small; disc and cup are then outlined in a square around it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from cofenet.engine.session import Session, session
from cofenet.engine.tiling import tiled
from cofenet.errors import UsageError
from cofenet.fov import FieldOfView
from cofenet.geometry import Circle, Crop, resize
from cofenet.tasks.view import Floats, Pixels, check_pixels, known_fov, view

Structure = Literal["vessels", "disc", "cup"]
Mask = NDArray[np.bool_]

STRUCTURES: tuple[Structure, ...] = ("vessels", "disc", "cup")

_SMALLEST, _LARGEST = 512, 1024
"""Pixels across the field of view between which vessels are looked for: what they were learned at."""

THRESHOLD: dict[Structure, float] = {"vessels": 0.4, "disc": 0.5, "cup": 0.5}
"""Probability above which a pixel belongs to a structure: of vessels near the best Dice on six photographs held out
from training (0.35 gives 0.001 more); of disc and cup one half, not tuned."""

_FOUND = 0.5
"""Confidence from which a disc is called found: on validation all discs are above it, all parts without one below."""

_NEAR = 2.5
"""Disc diameters along the side of the square in which disc and cup are outlined; learned at 1.7 to 3.4."""


@dataclass(frozen=True)
class Disc:
    """The optic disc and its cup, in pixels of the photograph.

    Attributes:
        x: of the disc's centre of mass, from the left edge.
        y: of the disc's centre of mass, from the top edge.
        vertical_diameter: between the disc's highest and lowest pixel.
        horizontal_diameter: between its leftmost and rightmost pixel.
        cup_to_disc: the cup's vertical diameter over the disc's: the vertical cup-to-disc ratio; None without a cup.
    """

    x: float
    y: float
    vertical_diameter: float
    horizontal_diameter: float
    cup_to_disc: float | None


@dataclass(frozen=True)
class Measurements:
    """What is measured.

    Attributes:
        vessel_density: share of the field of view that is vessel, 0 to 1; None if vessels were not asked for.
        disc_confidence: how sure it is that there is a disc where it seems to be, 0 to 1; None if neither disc nor cup
            was asked for.
        disc: its measures; None if no disc was found, or neither disc nor cup asked for.
    """

    vessel_density: float | None
    disc_confidence: float | None
    disc: Disc | None


@dataclass(frozen=True)
class Segmentation:
    """The structures of a photograph.

    Attributes:
        vessels: bool (H, W); None if not asked for.
        disc: bool (H, W); empty if none was found, None if not asked for.
        cup: bool (H, W), inside the disc; likewise.
        probabilities: float32 (H, W), 0 to 1, of each structure that was asked for.
        measurements: what is measured on them.
        fov: the field of view.
    """

    vessels: Mask | None
    disc: Mask | None
    cup: Mask | None
    probabilities: dict[Structure, Floats]
    measurements: Measurements
    fov: FieldOfView


def segment(
    image: Pixels, *, structures: Collection[Structure] = STRUCTURES, fov: FieldOfView | None = None
) -> Segmentation:
    """Find vessels, optic disc and optic cup.

    Args:
        image: uint8 or uint16 (H, W, 3), RGB, full range.
        structures: which of "vessels", "disc", "cup".
        fov: where the retina is, of the photograph's shape (H, W); found if not given.

    Raises:
        UsageError: wrong dtype or shape, also of the field of view, or an unknown structure.
        NotFundusError: no retinal field of view is found, or it is black: 12 bits in uint16 are, too.
        ModelError: a model is damaged.
    """
    unknown = [name for name in structures if name not in STRUCTURES]
    if unknown or not structures:
        raise UsageError(f"structures must be some of {', '.join(STRUCTURES)}, got {', '.join(unknown) or 'none'}")
    check_pixels(image)
    fov = known_fov(image, fov)
    probabilities: dict[Structure, Floats] = {}
    masks: dict[Structure, Mask] = {}
    confidence: float | None = None
    if "vessels" in structures:
        probabilities["vessels"] = vessel_probability(image, fov)
        masks["vessels"] = probabilities["vessels"] > THRESHOLD["vessels"]
    if "disc" in structures or "cup" in structures:
        confidence, probabilities["disc"], probabilities["cup"] = disc_probability(image, fov)
        masks["disc"], masks["cup"] = outlined(probabilities["disc"], probabilities["cup"])
    density = float(masks["vessels"][fov.mask].mean()) if "vessels" in masks else None
    measured = Measurements(density, confidence, measure_disc(masks["disc"], masks["cup"]) if "disc" in masks else None)
    asked = {name: masks[name] if name in structures else None for name in STRUCTURES}
    kept = {name: probability for name, probability in probabilities.items() if name in structures}
    return Segmentation(asked["vessels"], asked["disc"], asked["cup"], kept, measured, fov)


def vessel_probability(image: Pixels, fov: FieldOfView, model: str = "vessels") -> Floats:
    """How likely each pixel of a photograph, as of `segment`, is vessel.

    Args:
        image: as of `segment`.
        fov: of the photograph.
        model: name of a shipped vessel network, or path to an ONNX file with its card beside it.

    Returns:
        float32 (H, W), 0 to 1, 0 outside the field of view.

    Raises:
        ModelError: the model is missing or damaged.
    """
    network = session(model)
    side = min(max(round(fov.circle.diameter), _SMALLEST), _LARGEST)
    crop = Crop.around(fov.circle, side)
    size = network.card.inputs["local"].shape[-1]
    square = view(image, fov, crop)
    rows, columns = (_span(square[3].any(axis)) for axis in (1, 0))
    found = np.zeros((1, side, side), np.float32)
    found[:, rows, columns] = tiled(square[:, rows, columns], size, 1, lambda tile: _run(network, tile))
    vessels: Floats = _placed(found, crop, fov)[0]
    return vessels


def disc_probability(image: Pixels, fov: FieldOfView, model: str = "disc") -> tuple[float, Floats, Floats]:
    """How sure it is that a disc is seen, and how likely each pixel of a photograph, as of `segment`, is disc and cup.

    Args:
        image: as of `segment`.
        fov: of the photograph.
        model: what outlines them, as of `outline_disc`.

    Returns:
        The confidence, 0 to 1, and twice float32 (H, W), 0 to 1, 0 outside the field of view and far from the disc.

    Raises:
        ModelError: a model is missing or damaged.
    """
    confidence, near = find_disc(image, fov)
    if near is None:
        blank = np.zeros(image.shape[:2], np.float32)
        return confidence, blank, blank.copy()
    disc, cup = _placed(outline_disc(image, fov, near, model), near, fov)
    return confidence, disc, cup


def find_disc(image: Pixels, fov: FieldOfView) -> tuple[float, Crop | None]:
    """How sure it is that a photograph, as of `segment`, shows a disc, and the square in which to outline it, if so.

    Raises:
        ModelError: a model is damaged.
    """
    finder = session("disc-finder")
    whole = Crop.around(fov.circle, finder.card.inputs["local"].shape[-1])
    confidence, place = _found(_run(finder, view(image, fov, whole))[0], whole)
    if confidence < _FOUND:
        return confidence, None
    return confidence, Crop.around(place, session("disc").card.inputs["local"].shape[-1])


def outline_disc(image: Pixels, fov: FieldOfView, near: Crop, model: str = "disc") -> Floats:
    """How likely each pixel of a square of a photograph, as of `segment`, is disc and cup.

    Args:
        image: as of `segment`.
        fov: of the photograph.
        near: the square, of the size that the network looks at.
        model: name of a shipped network for disc and cup, or path to an ONNX file with its card beside it.

    Returns:
        float32 (2, size, size), 0 to 1.

    Raises:
        ModelError: the model is missing or damaged.
    """
    return _run(session(model), view(image, fov, near))


def outlined(disc: Floats, cup: Floats) -> tuple[Mask, Mask]:
    """Disc and cup, bool (H, W), of their probabilities, float32 (H, W): the largest region of each, the cup inside."""
    whole = _largest(disc > THRESHOLD["disc"])
    return whole, _largest((cup > THRESHOLD["cup"]) & whole)


def measure_disc(disc: Mask, cup: Mask) -> Disc | None:
    """Measure masks, bool (H, W), of disc and cup; None without a disc."""
    if not disc.any():
        return None
    rows, columns = np.flatnonzero(disc.any(1)), np.flatnonzero(disc.any(0))
    vertical, horizontal = (float(line[-1] - line[0] + 1) for line in (rows, columns))
    moments = cv2.moments(disc.astype(np.uint8), binaryImage=True)
    cup_rows = np.flatnonzero(cup.any(1))
    ratio = float(cup_rows[-1] - cup_rows[0] + 1) / vertical if len(cup_rows) else None
    x, y = moments["m10"] / moments["m00"] + 0.5, moments["m01"] / moments["m00"] + 0.5
    return Disc(x, y, vertical, horizontal, ratio)


def _span(seen: Mask) -> slice:
    """From the first to the last of `seen`, bool (N,)."""
    places = np.flatnonzero(seen)
    return slice(int(places[0]), int(places[-1]) + 1)


def _run(network: Session, picture: Floats) -> Floats:
    """Probabilities (K, H, W) of a picture (4, H, W)."""
    return np.asarray(network.run(local=np.ascontiguousarray(picture)[None])["probability"][0])


def _found(probability: Floats, crop: Crop) -> tuple[float, Circle]:
    """The disc seen from afar: how sure, and a square around it, as the circle inside, in pixels of the photograph.

    The confidence is the mean probability over the largest region above one half of the peak.
    """
    region = _largest(probability > max(0.5 * float(probability.max()), 1e-3))
    if not region.any():
        return 0.0, Circle(0, 0, 1)
    rows, columns = np.nonzero(region)
    weights = probability[region]
    scale = crop.side / crop.size
    x, y = (float((line + 0.5) @ weights / weights.sum()) * scale for line in (columns, rows))
    diameter = float(np.sqrt(4 * region.sum() / np.pi)) * scale
    return float(weights.mean()), Circle(crop.left + x, crop.top + y, _NEAR / 2 * diameter)


def _largest(mask: Mask) -> Mask:
    """The largest connected region."""
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if count <= 2:
        return mask
    return np.asarray(labels == 1 + int(np.argmax(statistics[1:, cv2.CC_STAT_AREA])))


def _placed(planes: Floats, crop: Crop, fov: FieldOfView) -> Floats:
    """Planes (K, size, size) of a crop, brought to the photograph (K, H, W), 0 outside crop and field of view."""
    shape = fov.mask.shape
    rows, columns, inner_rows, inner_columns = crop.visible((shape[0], shape[1]))
    out = np.zeros((len(planes), *shape), np.float32)
    for plane, target in zip(planes, out, strict=True):
        target[rows, columns] = resize(plane, (crop.side, crop.side))[inner_rows, inner_columns]
    return np.asarray(out * fov.mask)
