"""The circle through which the camera saw: the one that most edges agree with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np

from cofenet.errors import NotFundusError
from cofenet.fov.edges import SHARP, SOFT, find_edges, trimmed
from cofenet.fov.scene import Bools, Floats, Scene, levels
from cofenet.geometry import Circle

# Radii looked for, as parts of the picture's longest side; a square cut out of its circle has 0.71.
_RADII = 0.15, 1.0
RAYS, _TRIPLES = 200, 160
# A circle with this part of its rim on edges needs no rival.
_SURE = 0.9
# Arcs that together span this part of the circle fix it beyond doubt.
ARC = 0.25


class Aperture(NamedTuple):
    """A circle on a working copy; where along it edges agree, and where the picture shows it: (RAYS,) each."""

    circle: Circle
    agree: Bools
    seen: Bools

    @property
    def support(self) -> float:
        """The part of the whole circumference that edges agree with."""
        return float(self.agree.mean())

    @property
    def sure(self) -> bool:
        """Whether another circle need not be looked for."""
        return bool(self.support > max(ARC, _SURE * self.seen.mean()))


def find_aperture(scene: Scene) -> Aperture:
    """The circle with the best support: found on the coarse field, refined on the fine one."""
    _, shrink, _, field, sharp, floor = scene
    best: Aperture | None = None
    for level in levels(field, floor):
        for circle in _circles(field, level):
            found = _support(field, circle, floor, SOFT / 2)
            best = found if best is None or found.support > best.support else best
        if best is not None and best.sure:
            break
    if best is None:
        raise NotFundusError("no round region stands out from the picture's corners")
    start = best.circle.scaled(1 / shrink)
    hard = _support(sharp, _refined(sharp, start, floor, SHARP), floor, SHARP)
    if hard.sure:
        return hard
    soft = _support(sharp, _refined(sharp, start, floor, SOFT), floor, SOFT)
    return hard if hard.support > 0.85 * soft.support else soft  # 0.85: soft edges are tolerated more


def _outline(region: Bools) -> Floats:
    """Outer boundary of the largest part of `region`: pixel centres (n, 2), without those at the picture's frame."""
    contours, _ = cv2.findContours(region.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return np.zeros((0, 2), np.float32)
    points = np.asarray(max(contours, key=cv2.contourArea), np.float32).reshape(-1, 2)
    inside = (points > 1.5).all(axis=1) & (points < np.array(region.shape[::-1]) - 2.5).all(axis=1)
    return points[inside] + np.float32(0.5)


def _circles(field: Floats, level: float) -> Iterator[Circle]:
    """The circle that most of the outline at `level` lies on, if any."""
    outline = _outline(field > level)
    if len(outline) < 20:
        return
    outline = outline[:: -(-len(outline) // 160)]
    x, y, radius = _through(outline)
    gap = np.abs(np.hypot(outline[:, 0] - x[:, None], outline[:, 1] - y[:, None]) - radius[:, None])
    votes = (gap < np.maximum(1.0, 0.012 * radius[:, None])).sum(axis=1)
    low, high = (part * max(field.shape) for part in _RADII)
    votes[(radius < low) | (radius > high)] = 0
    best = int(np.argmax(votes))
    if votes[best]:
        yield Circle(float(x[best]), float(y[best]), float(radius[best]))


def _through(points: Floats) -> tuple[Floats, Floats, Floats]:
    """Circles through random triples of `points` (n, 2): x, y and radius; radius 0 where the three lie on a line."""
    a, b, c = points[np.random.default_rng(0).integers(0, len(points), (3, _TRIPLES))]
    b, c = b - a, c - a
    twice = 2 * (b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0])
    scale = np.divide(1, twice, out=np.zeros_like(twice), where=np.abs(twice) > 1e-3)
    bb, cc = (b**2).sum(axis=1), (c**2).sum(axis=1)
    x, y = (c[:, 1] * bb - b[:, 1] * cc) * scale, (b[:, 0] * cc - c[:, 0] * bb) * scale
    return x + a[:, 0], y + a[:, 1], np.hypot(x, y)


def rays(circle: Circle) -> tuple[Floats, Floats]:
    """Points on `circle` and their outward normals, (RAYS, 2) each."""
    angles = np.arange(RAYS) * (2 * np.pi / RAYS)
    normals = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    return normals * np.float32(circle.radius) + np.array([circle.x, circle.y], np.float32), normals


def _refined(field: Floats, circle: Circle, floor: float, width: float) -> Circle:
    """Move `circle` onto the steps of `field`."""
    for reach in (0.06, 0.03, 0.015):
        points, normals = rays(circle)
        radius = circle.radius
        edges = find_edges(
            field, points, normals, reach=max(2.0, reach * radius), width=max(1.5, width * radius), floor=floor
        )
        if edges.strong.sum() < 12:
            break
        dx, dy, dr = trimmed(np.column_stack([normals, np.ones(RAYS, np.float32)]), edges)[0].tolist()
        circle = Circle(circle.x + dx, circle.y + dy, radius + dr)
    return circle


def _support(field: Floats, circle: Circle, floor: float, width: float) -> Aperture:
    """Where edges of `field` lie on `circle`: the softer the edges looked for, the wider the tolerance."""
    points, normals = rays(circle)
    tolerance = max(1.0, max(0.012, 0.35 * width) * circle.radius)
    edges = find_edges(field, points, normals, reach=3 * tolerance, width=max(1.5, width * circle.radius), floor=floor)
    return Aperture(circle, edges.strong & (np.abs(edges.offset) <= tolerance), edges.seen)
