"""Where a picture falls from retina to border, along the normals of a curve."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cofenet.fov.scene import Bools, Floats

# Half-widths over which an edge's step is measured, as parts of the radius: a sharp rim, and one that fades.
SHARP, SOFT = 0.02, 0.06


class Edges(NamedTuple):
    """The strongest fall of the field near each of n points of a curve, along its outward normals; (n,) each."""

    offset: Floats  # from the point to the fall, outwards, pixels
    strong: Bools  # it falls to near the border's colour
    seen: Bools  # the picture shows both sides of the point


def find_edges(field: Floats, points: Floats, normals: Floats, *, reach: float, width: float, floor: float) -> Edges:
    """Search `reach` pixels either side of `points` (n, 2) for the strongest fall of means over `width` pixels."""
    count = 6
    spacing = width / count
    half = int(np.ceil(reach / spacing))
    along = (np.arange(-half - count, half + count, dtype=np.float32) + np.float32(0.5)) * np.float32(spacing)
    profile = _sample(field, points[:, :1] + normals[:, :1] * along, points[:, 1:] + normals[:, 1:] * along)
    sums = np.zeros((len(points), len(along) + 1), np.float32)
    np.cumsum(profile, axis=1, out=sums[:, 1:])
    means = (sums[:, count:] - sums[:, :-count]) / np.float32(count)
    best = np.argmax(means[:, :-count] - means[:, count:], axis=1)
    each = np.arange(len(points))
    inner, outer = means[each, best], means[each, best + count]
    past = points + normals * np.float32(width)
    seen = ((past >= 0) & (past < np.array(field.shape[::-1]))).all(axis=1)
    offset = ((best - half) * spacing).astype(np.float32)
    strong = seen & (inner - outer > floor) & (outer < 0.5 * inner)
    return Edges(offset, np.asarray(strong, np.bool_), np.asarray(seen, np.bool_))


def _sample(field: Floats, x: Floats, y: Floats) -> Floats:
    """`field` between its pixels (bilinear; beyond the frame, the nearest pixel)."""
    height, width = field.shape
    x, y = np.clip(x - np.float32(0.5), 0, width - 1.001), np.clip(y - np.float32(0.5), 0, height - 1.001)
    column, row = x.astype(np.int32), y.astype(np.int32)
    right, down = x - column.astype(np.float32), y - row.astype(np.float32)
    at, values = row * width + column, field.ravel()
    top = values[at] * (1 - right) + values[at + 1] * right
    bottom = values[at + width] * (1 - right) + values[at + width + 1] * right
    return np.asarray(top * (1 - down) + bottom * down, np.float32)


def trimmed(system: Floats, edges: Edges) -> tuple[Floats, Floats]:
    """Least squares `system` @ change = offset over strong edges, far ones dropped: change, and each edge's gap."""
    use = edges.strong
    for _ in range(3):
        a, b = system[use], edges.offset[use]
        change = np.linalg.solve(a.T @ a + np.float32(1e-3) * np.eye(a.shape[1], dtype=np.float32), a.T @ b)
        gap = np.abs(system @ change - edges.offset)
        use = edges.strong & (gap <= max(0.5, 2.5 * float(np.median(gap[use]))))
    return change, gap
