"""The field of view of a photograph: its parts put together, judged and drawn."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cofenet.errors import NotFundusError, UsageError
from cofenet.fov.aperture import ARC, Aperture, find_aperture, rays
from cofenet.fov.cuts import Line, find_cuts
from cofenet.fov.scene import Bools, Floats, Scene, look, reduced
from cofenet.geometry import Circle

# What a photograph must show at least. Photographs graded good or usable have 0.7 of their visible rim on the circle,
# scenes and textures less than 0.4; see `FieldOfView.confidence` for the rest.
_RIM, _FILLED, _PLAIN = 0.45, 0.65, 0.8
# Confidence where no rim is in the picture, so that only its colour and texture speak for a retina.
_NO_RIM = 0.2


@dataclass(frozen=True)
class FieldOfView:
    """Where a photograph shows the retina.

    Attributes:
        mask: bool (H, W), true where the retina is visible: inside the circle and not cut away. A marker outside the
            circle is left out, a small notch inside it is not.
        circle: the circular aperture, in pixels; parts of it may lie outside the picture.
        confidence: 0 to 1, the product of three parts: of the visible rim (neither outside the picture nor cut away),
            that on which an edge agrees with the circle; of the mask, that which differs from the border; and of a
            quarter circle, that which the agreeing arcs reach together. Above 0.5 is usual; below 0.3 look at the
            mask. 0.2 and a mask of the whole picture: retina without any visible rim (the circle, then, is the one
            around the picture's frame).
    """

    mask: Bools
    circle: Circle
    confidence: float


def find_fov(image: NDArray[np.generic]) -> FieldOfView:
    """Find the field of view of a fundus photograph.

    Args:
        image: uint8 or uint16, (H, W, 3) RGB or (H, W) grey, at least 32 pixels a side; it is not changed. Values of
            uint16 may use any number of bits.

    Returns:
        Mask, circle and confidence, in pixels of `image`.

    Raises:
        NotFundusError: no retina behind a round aperture is found, nor a picture filled by retina.
        UsageError: the array has another dtype or shape.
    """
    _check(image)
    fine, factor = reduced(image)
    scene = look(fine)
    try:
        aperture = find_aperture(scene)
        cuts = find_cuts(scene, aperture.circle)
        confidence = _judge(scene, aperture, cuts)
    except NotFundusError:
        if not _all_retina(scene.coarse):
            raise
        height, width = image.shape[:2]
        around = Circle(width / 2, height / 2, float(np.hypot(width, height)) / 2)
        return FieldOfView(np.ones((height, width), np.bool_), around, _NO_RIM)
    circle = aperture.circle.scaled(factor)
    return FieldOfView(_draw(circle, cuts, factor, image.shape), circle, confidence)


def _check(image: object) -> None:
    if not isinstance(image, np.ndarray):
        raise UsageError(f"a photograph is an array, uint8 or uint16 (H, W, 3) or (H, W), not {type(image).__name__}")
    if image.dtype not in (np.uint8, np.uint16):
        raise UsageError(f"a photograph is uint8 or uint16, not {image.dtype}")
    if image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,)) or min(image.shape[:2]) < 32:
        raise UsageError(f"a photograph is (H, W, 3) or (H, W), 32 pixels a side or more, not {image.shape}")


def _judge(scene: Scene, aperture: Aperture, cuts: list[Line]) -> float:
    """The confidence; raises NotFundusError for what is no retina behind a round aperture."""
    coarse, shrink, border, field, _, floor = scene
    points, _ = rays(aperture.circle)
    visible = aperture.seen.copy()
    for line in cuts:
        visible &= line.beyond(points) < 0.01 * aperture.circle.radius
    rim = float((aperture.agree & visible).sum() / max(1, visible.sum()))
    inside = _draw(aperture.circle.scaled(shrink), cuts, shrink, field.shape)
    if rim < _RIM or not inside.any():
        raise NotFundusError(f"no round aperture: {rim:.0%} of the best circle's visible rim lies on an edge")
    outside = cv2.dilate(inside.astype(np.uint8), np.ones((9, 9), np.uint8)) == 0
    light = np.median(field[inside])
    filled = float((field[inside] > floor).mean())
    if outside.any() and (field[outside] < max(3 * floor, 0.3 * light)).mean() < _PLAIN:
        raise NotFundusError("what surrounds the round region is no plain border")
    if filled < _FILLED:
        raise NotFundusError(f"only {filled:.0%} of the round region differs from the border")
    red, green, blue = coarse[::2, ::2][inside[::2, ::2]].T
    if border.max() > np.percentile(np.maximum(np.maximum(red, green), blue), 20):
        raise NotFundusError("the border is brighter than the round region")
    if (blue > 1.2 * np.maximum(red, green) + 5).mean() > 0.2:
        raise NotFundusError("the round region is too blue for a retina")
    return rim * filled * min(1.0, aperture.support / ARC)


def _all_retina(coarse: Floats) -> bool:
    """Whether retina may fill the picture: red, evenly lit and smooth, with dark lines (vessels) more than bright ones.

    The limits hold for close-ups of the optic disc, and not for skin, fur, wood, or smoothed noise of a retina's hue.
    Where dark lines prevail clearly, a paler picture is retina, too.
    """
    red, green, blue = (np.asarray(plane, np.float32) for plane in cv2.split(coarse))
    chroma = (coarse.max(axis=2) - coarse.min(axis=2)).mean() / max(1.0, float(red.mean()))
    even = np.percentile(red, 2) > 0.5 * np.median(red)
    detail = (red - cv2.GaussianBlur(red, (0, 0), 3)).std() / max(1.0, float(np.median(red)))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    dark = cv2.morphologyEx(green, cv2.MORPH_BLACKHAT, disc).mean()
    bright = cv2.morphologyEx(green, cv2.MORPH_TOPHAT, disc).mean()
    lined = dark > 1.35 * bright and 0.004 < detail < 0.03
    coloured = (red >= green).mean() > 0.98 and (green >= blue - 2).mean() > 0.85
    return bool(
        coloured and even and ((lined and chroma > 0.3) or (dark > bright and 0.004 < detail < 0.04 and chroma > 0.42))
    )


def _draw(circle: Circle, cuts: list[Line], factor: float, shape: tuple[int, ...]) -> Bools:
    """Pixels of `shape` whose centres lie inside `circle` and the `cuts` scaled by `factor`.

    The region is convex, so that it is one interval of each row.
    """
    rows = np.arange(shape[0]) + 0.5
    square = circle.radius**2 - (rows - circle.y) ** 2
    half = np.where(square >= 0, np.sqrt(np.maximum(square, 0)), -1.0)
    left, right = circle.x - half, circle.x + half
    for nx, ny, c in cuts:
        room = c * factor - ny * rows
        if abs(nx) < 1e-6:
            right = np.where(room >= 0, right, left - 1)
        elif nx > 0:
            right = np.minimum(right, room / nx)
        else:
            left = np.maximum(left, room / nx)
    first = np.clip(np.ceil(left - 0.5), 0, shape[1]).astype(np.int64)
    last = np.clip(np.floor(right + 0.5), 0, shape[1]).astype(np.int64)
    mask = np.zeros(shape[:2], np.bool_)
    for row, start, stop in zip(mask, first.tolist(), last.tolist(), strict=True):
        row[start:stop] = True
    return mask
