"""Straight cuts of the circle, by the camera's aperture."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from cofenet.fov.aperture import rays
from cofenet.fov.edges import SHARP, SOFT, find_edges, trimmed
from cofenet.fov.scene import Floats, Scene, levels
from cofenet.geometry import Circle

_CUT_POINTS = 48
# Shortest and shallowest straight cut, as parts of the radius: a chord of 0.4 is 0.02 deep.
_CUT_LENGTH, _CUT_DEPTH = 0.4, 0.015
# Brightest that lies beyond a cut, as a part of the retina's light: the border is below 0.05, a strip of film between a
# cut and the border up to 0.23, a dark rim above 0.4.
_BEYOND = 0.25
# How much deeper than a known cut another one is at least, as a part of the radius: else it is the same.
_DEEPER = 0.02


class Line(NamedTuple):
    """The half-plane nx x + ny y <= c; (nx, ny) has unit length and points out of the retina."""

    nx: float
    ny: float
    c: float

    def alike(self, other: Line) -> bool:
        """Whether another is on the same side of the retina."""
        return self.nx * other.nx + self.ny * other.ny > 0.97

    def beyond(self, points: Floats) -> Floats:
        """Distance of points (n, 2) from the line, positive outside."""
        return np.asarray(points @ np.array([self.nx, self.ny], np.float32) - np.float32(self.c), np.float32)


def find_cuts(scene: Scene, circle: Circle) -> list[Line]:
    """Straight cuts: long sides of the hull of the region above a level, outermost (lowest level) first.

    One that lies deeper than another, with nothing but darkness between them, takes its place.
    """
    field, shrink = scene.field, scene.shrink
    small = circle.scaled(shrink)
    inside = small.mask((field.shape[0], field.shape[1]))
    dark = max(3 * scene.floor, _BEYOND * float(np.median(field[inside]))) if inside.any() else 0.0
    lines: list[Line] = []
    for level in levels(field, scene.floor):
        region = ((field > level) & inside).astype(np.uint8)
        region = np.asarray(cv2.morphologyEx(region, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)))
        contours, _ = cv2.findContours(region, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        if not contours:
            break
        hull = cv2.approxPolyDP(cv2.convexHull(np.concatenate(contours)), 0.006 * small.radius, True)
        corners = (np.asarray(hull, np.float32).reshape(-1, 2) + np.float32(0.5)) / np.float32(shrink)
        ends = np.roll(corners, -1, axis=0)
        long = np.hypot(*(ends - corners).T) > _CUT_LENGTH * circle.radius
        for start, end in zip(corners[long], ends[long], strict=True):
            for line in _cut(scene, start, end, circle, lines):
                behind = [known for known in lines if known.alike(line)]
                depth = min((known.c - line.c for known in behind), default=np.inf)
                if depth > _DEEPER * circle.radius and _light_beyond(scene, line, circle, depth) < dark:
                    lines = [known for known in lines if known not in behind] + [line]
    return lines


def _light_beyond(scene: Scene, line: Line, circle: Circle, depth: float) -> float:
    """The median of the field halfway between a cut and what is behind it, the circle or, `depth` away, another cut.

    0 where that is outside the picture.
    """
    points, _ = rays(circle)
    away = line.beyond(points)
    back = away - np.minimum(away, np.float32(depth)) / 2
    between = points - back[:, None] * np.array([line.nx, line.ny], np.float32)
    columns, rows = np.floor(between[away > 0]).astype(int).T
    height, width = scene.sharp.shape
    seen = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    return float(np.median(scene.sharp[rows[seen], columns[seen]])) if seen.any() else 0.0


def _cut(scene: Scene, start: Floats, end: Floats, circle: Circle, known: list[Line]) -> list[Line]:
    """The cut along the chord from `start` to `end`, if there is one and the chord is not that of a known one."""
    radius, length = circle.radius, float(np.hypot(*(end - start)))
    tangent, middle = (end - start) / np.float32(length), (start + end) / 2
    outwards = middle - np.array([circle.x, circle.y], np.float32)
    normal = np.array([tangent[1], -tangent[0]], np.float32)
    normal *= np.sign(normal @ outwards)
    chord = Line(float(normal[0]), float(normal[1]), float(normal @ middle))
    near = [line for line in known if line.alike(chord) and chord.c > line.c - _DEEPER * radius]
    if near or normal @ outwards >= (1 - _CUT_DEPTH) * radius:
        return []
    along = np.linspace(-0.45 * length, 0.45 * length, _CUT_POINTS, dtype=np.float32)
    points = np.asarray(middle + along[:, None] * tangent, np.float32)
    normals = np.repeat(normal[None].astype(np.float32), _CUT_POINTS, axis=0)
    for width in (SHARP, SOFT):
        reach, wide = max(2.0, 0.04 * radius), max(1.5, width * radius)
        edges = find_edges(scene.sharp, points, normals, reach=reach, width=wide, floor=scene.floor)
        if edges.strong.sum() < _CUT_POINTS / 2:
            continue
        (slope, shift), gap = trimmed(np.column_stack([along, np.ones_like(along)]), edges)
        if (edges.strong & (gap <= max(1.0, 0.012 * radius))).mean() < 0.7:
            continue
        turned = (normal - slope * tangent) / np.hypot(1, slope)
        line = Line(float(turned[0]), float(turned[1]), float(turned @ (middle + normal * shift)))
        if line.c - line.nx * circle.x - line.ny * circle.y < (1 - _CUT_DEPTH) * radius:
            return [line]
    return []
