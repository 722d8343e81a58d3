"""What a bad correction may do to a retina, planted into a good one: to see whether the verdict finds it.

Each function takes and gives uint8 (H, W, 3), RGB, draws its numbers from `rng`, and leaves its argument as it is.
Sizes are parts of the diameter D of the field of view, and stay within what is seen on real retinas: vessels are about
0.004 to 0.02 D wide, the disc is about 0.15 D.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from cofenet.fov import FieldOfView
from cofenet.geometry import grown
from cofenet.metrics.overlap import skeleton
from cofenet.tasks.segmentation import Disc

Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]

_VESSEL = np.array([0.90, 0.72, 0.80])
"""What the middle of a drawn vessel leaves of red, green and blue: about the contrast of a vessel of second order."""

_DARK, _BRIGHT = np.array([0.62, 0.45, 0.50]), np.array([1.12, 1.45, 1.50])
"""What the middle of a haemorrhage leaves of the three colours, and by how much an exudate exceeds its surroundings."""


def draw_vessel(image: Image, fov: FieldOfView, rng: np.random.Generator) -> Image:
    """Draw a vessel, 0.15 to 0.3 D long and 0.008 to 0.014 D wide, bent, somewhere in the field of view."""
    diameter = fov.circle.diameter
    length, width = rng.uniform(0.15, 0.3) * diameter, rng.uniform(0.008, 0.014) * diameter
    start, heading = _place(fov, rng, 0.3), rng.uniform(0, 2 * np.pi)
    headings = heading + np.linspace(0, rng.uniform(-0.9, 0.9), 64)
    steps = length / 64 * np.stack([np.cos(headings), np.sin(headings)], 1)
    line = np.zeros(image.shape[:2], np.uint8)
    path = np.rint(16 * (start + np.cumsum(steps, 0))).astype(np.int32)
    cv2.polylines(line, [path[:, None]], isClosed=False, color=255, thickness=max(1, round(width)), shift=4)
    soft = cv2.GaussianBlur(line, (0, 0), max(0.6, width / 4)).astype(np.float32) / 255
    return _tinted(image, np.asarray(soft), _VESSEL, fov)


def erase_vessel(image: Image, fov: FieldOfView, vessels: Mask, rng: np.random.Generator) -> Image | None:
    """Paint over a stretch of a vessel, a fifth of D across; None where no stretch is longer than 0.1 D.

    Args:
        image: the photograph.
        fov: its field of view.
        vessels: bool (H, W), where its vessels are.
        rng: where on them.
    """
    diameter = fov.circle.diameter
    inside = fov.circle.distance(image.shape[:2]) < 0.42 * diameter
    thick = cv2.distanceTransform(vessels.astype(np.uint8), cv2.DIST_L2, 3) > 0.003 * diameter
    lines = skeleton(vessels) & cv2.dilate(thick.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & inside
    if not lines.any():
        return None
    rows, columns = np.nonzero(lines)
    for index in rng.permutation(len(rows))[:50]:
        near = np.zeros(image.shape[:2], np.uint8)
        cv2.circle(near, (int(columns[index]), int(rows[index])), round(0.1 * diameter), 1, -1)
        stretch = _connected((lines & (near > 0)), int(rows[index]), int(columns[index]))
        if np.count_nonzero(stretch) >= 0.1 * diameter:
            return paint_over(image, grown(stretch, 0.012 * diameter) & fov.mask, rng)
    return None


def draw_lesion(image: Image, fov: FieldOfView, rng: np.random.Generator) -> tuple[Image, Mask]:
    """Draw a haemorrhage or an exudate, 0.03 to 0.06 D across and of irregular outline, and tell where it is."""
    diameter = fov.circle.diameter
    (x, y), radius = _place(fov, rng, 0.33), rng.uniform(0.015, 0.03) * diameter
    rows, columns = np.ogrid[: image.shape[0], : image.shape[1]]
    angle = np.arctan2(rows - y, columns - x)
    waves: NDArray[np.float64] = np.zeros(image.shape[:2])
    for k in range(2, 6):
        waves += rng.uniform(-0.12, 0.12) * np.cos(k * angle + rng.uniform(0, 2 * np.pi))
    shape = (np.hypot(rows - y, columns - x) < radius * (1 + waves)).astype(np.float32)
    soft = np.asarray(cv2.GaussianBlur(shape, (0, 0), max(0.7, 0.15 * radius)), np.float32)
    return _tinted(image, soft, _DARK if rng.random() < 0.5 else _BRIGHT, fov), soft > 0.05


def paint_over(image: Image, where: Mask, rng: np.random.Generator) -> Image:
    """Fill a region, bool (H, W), from its surroundings (Telea 2004), with grain like theirs."""
    wide = cv2.dilate(where.astype(np.uint8), np.ones((3, 3), np.uint8))
    filled = cv2.inpaint(image, wide, 3, cv2.INPAINT_TELEA)
    ring = (cv2.dilate(wide, np.ones((9, 9), np.uint8)) > 0) & (wide == 0)
    fine = image.astype(np.float32) - cv2.GaussianBlur(image, (0, 0), 1.0)
    grain = fine[ring].std(0) if ring.any() else np.zeros(3)
    noisy = np.clip(np.rint(filled + rng.normal(0, 1, filled.shape) * grain), 0, 255).astype(np.uint8)
    return np.where(wide[..., None] > 0, noisy, image)


def shift_disc(image: Image, fov: FieldOfView, disc: Disc, rng: np.random.Generator) -> Image:
    """Move the disc by 0.3 to 0.5 of its diameter; its surroundings are drawn along, and fade out at 2.5 radii."""
    diameter = (disc.vertical_diameter + disc.horizontal_diameter) / 2
    angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(0.3, 0.5) * diameter
    dx, dy = far * np.cos(angle), far * np.sin(angle)
    rows, columns = np.indices(image.shape[:2], np.float32)
    away = np.hypot(columns + 0.5 - disc.x - dx, rows + 0.5 - disc.y - dy) / (diameter / 2)
    weight = np.clip((2.5 - away) / 1.3, 0, 1).astype(np.float32)
    weight *= weight * (3 - 2 * weight)
    moved = cv2.remap(
        image, columns - np.float32(dx) * weight, rows - np.float32(dy) * weight,
        cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return np.where(fov.mask[..., None], moved, image).astype(np.uint8)


def cast(image: Image, fov: FieldOfView, rng: np.random.Generator) -> Image:
    """Tint: a* and b* of CIE L*a*b* moved by 18 to 30 in some direction."""
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(18, 30)
    lab += np.array([0, far * np.cos(angle), far * np.sin(angle)], np.float32)
    tinted = np.clip(np.rint(255 * cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)), 0, 255)
    return np.where(fov.mask[..., None], tinted, image).astype(np.uint8)


def blur(image: Image, fov: FieldOfView, rng: np.random.Generator) -> Image:
    """Blur by a Gaussian with a standard deviation of D / 300 to D / 120."""
    sigma = fov.circle.diameter / rng.uniform(120, 300)
    return np.where(fov.mask[..., None], cv2.GaussianBlur(image, (0, 0), sigma), image).astype(np.uint8)


def other_eye(image: Image, fov: FieldOfView, other: Image, other_fov: FieldOfView) -> Image:
    """Put another photograph in the place of this one, its field of view upon this one's."""
    scale = fov.circle.radius / other_fov.circle.radius
    shift = fov.circle.x - scale * other_fov.circle.x, fov.circle.y - scale * other_fov.circle.y
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float32)
    size = image.shape[1], image.shape[0]
    placed = cv2.warpAffine(other, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    seen = cv2.warpAffine(other_fov.mask.astype(np.uint8), matrix, size, flags=cv2.INTER_NEAREST) > 0
    return np.where((fov.mask & seen)[..., None], placed, image).astype(np.uint8)


def _place(fov: FieldOfView, rng: np.random.Generator, within: float) -> NDArray[np.float64]:
    """A point (x, y) at most `within` D from the centre, uniform over the area; of those seen by the camera."""
    circle = fov.circle
    for _ in range(100):
        angle, away = rng.uniform(0, 2 * np.pi), np.sqrt(rng.random()) * within * circle.diameter
        x, y = circle.x + away * np.cos(angle), circle.y + away * np.sin(angle)
        if 0 <= y < fov.mask.shape[0] and 0 <= x < fov.mask.shape[1] and fov.mask[int(y), int(x)]:
            break
    return np.array([x, y])


def _tinted(image: Image, weight: Floats, gains: NDArray[np.float64], fov: FieldOfView) -> Image:
    """Multiply the three colours by `gains` where the weight, 0 to 1, is 1 and the field of view lies."""
    tint = 1 + (weight * fov.mask)[..., None] * (gains - 1)
    return np.clip(np.rint(image * tint), 0, 255).astype(np.uint8)


def _connected(mask: Mask, row: int, column: int) -> Mask:
    """The connected part of a mask that holds a pixel."""
    labels = cv2.connectedComponents(mask.astype(np.uint8))[1]
    return np.asarray(labels == labels[row, column])
