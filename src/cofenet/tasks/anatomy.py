"""Are vessels, disc and cup of a correction those of its input? The shipped networks look at both, equally large."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from cofenet.engine.session import session
from cofenet.fov import FieldOfView
from cofenet.geometry import Crop, grown
from cofenet.metrics.overlap import skeleton
from cofenet.tasks.segmentation import Disc, find_disc, measure_disc, outline_disc, outlined
from cofenet.tasks.structure import within_rim

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

_SURE, _DOUBTFUL = 0.5, 0.15
"""Probability from which a vessel is there, and below which it is not: between the two, nothing is said."""

_TOLERANCE = 1 / 100
"""How far a centreline may lie from where the other picture shows a vessel, of the field of view's diameter."""

_UNEXPLAINED = 1.0
"""z (see `cofenet.tasks.structure`) below which the picture itself did not change: only the network's opinion did."""

_OUTLINED = 0.8
"""Mean probability of an outlined disc below which it may be none: 0.81 to 0.97 on 25 honest corrections, up to 0.74
where the disc was painted over, for the outliner takes it for granted that there is one."""

_DARKENED = 20
"""Grey levels by which a cup must have become darker, in a colour, beyond what slow light explains and its rim did."""

_GREY = 0.7
"""Difference of red and blue, of that of the rim, below which a place of the cup is grey: 0.51 to 0.74 in the median
where a cup was taken for a spot, 0.86 to 1.05 where a spot was taken out of it, on six photographs of train and val."""

_BLACK, _ENOUGH = 0.02, 0.1
"""Green, of full range, below which it shows nothing, and the share of the retina on which it must, to be looked at."""

_PLACES, _GAP = 2, 16
"""Places that the vessel network looks at, in both pictures at one go, and black pixels between them: what is beyond a
place would else be taken for its surroundings."""


def vessels_changed(before: Floats, after: Floats, unexplained: Floats) -> tuple[float, float]:
    """The longest connected centreline that was added, and that was erased, as a share of the side S.

    A stretch counts where one picture surely shows a vessel, the other surely none within the tolerance, and the
    structure itself changed there: a correction that lifts a faint vessel out of haze has added none. Looked at are
    the two places, half as wide as what the network sees, where the structure changed most.

    Args:
        before: the input, float32 (4, S, S): RGB and field of view, 0 to 1.
        after: the correction, likewise.
        unexplained: float32 (S, S), z.

    Raises:
        ModelError: the model is damaged.
    """
    network = session("vessels")
    half = network.card.inputs["local"].shape[-1] // 2
    tile = np.zeros((1, 4, 2 * half, 2 * half), np.float32)
    side = min(half - _GAP, len(unexplained))
    spots = [(row * half, column * half) for row in range(_PLACES) for column in (0, 1)]
    places = list(_most_changed(unexplained, side))
    for number, place in enumerate(places):
        for picture, (top, left) in zip((before, after), spots[2 * number :], strict=False):
            tile[0, :, top : top + side, left : left + side] = picture[:, *place]
    found = network.run(local=tile)["probability"][0, 0]
    looks = [found[top : top + side, left : left + side] for top, left in spots]
    reach = max(1, round(_TOLERANCE * len(unexplained)))
    added = erased = 0
    for number, place in enumerate(places):
        old, new = looks[2 * number : 2 * number + 2]
        changed = grown(unexplained[place] > _UNEXPLAINED, reach)
        added = max(added, _longest(new, old, changed, reach))
        erased = max(erased, _longest(old, new, changed, reach))
    return added / len(unexplained), erased / len(unexplained)


def vessels_faded(before: Floats, after: Floats) -> float:
    """Centrelines that were lost where green is black, together, as a share of the side S.

    Red alone still shows vessels there, and light that is raised as a fog is, by the same amount everywhere, hides
    them, though it can erase nothing elsewhere. Counted is what the input surely shows, and the correction surely not
    within the tolerance. 0, without a look, where little is black.

    Args:
        before: the input, float32 (4, S, S): RGB and field of view, 0 to 1, at the size that the network sees.
        after: the correction, likewise.

    Raises:
        ModelError: the model is damaged.
    """
    retina = within_rim(before[3] > 0)
    black = (cv2.blur(before[1], (5, 5)) < _BLACK) & retina
    if np.count_nonzero(black) <= _ENOUGH * np.count_nonzero(retina):
        return 0.0
    old, new = (session("vessels").run(local=planes[None])["probability"][0, 0] for planes in (before, after))
    reach = max(1, round(_TOLERANCE * len(black)))
    faded = skeleton(old > _SURE) & ~grown(new > _DOUBTFUL, reach) & black
    return float(np.count_nonzero(faded)) / len(black)


def disc_changed(
    before: Bytes, after: Bytes, fov: FieldOfView, explained: Bytes | None = None
) -> tuple[float, float, float] | None:
    """How far the disc moved, in its diameters, plus the change of its size, or the cup's, as a share; doubt; greyness.

    Both are outlined in the square where the input shows its disc; only if the outline of the correction's is doubtful,
    it is looked for in the whole. The cup says nothing where only one of the two shows one.

    Args:
        before: the input, uint8 (S, S, 3), RGB.
        after: the correction, likewise.
        fov: of both.
        explained: what of the correction can draw nothing makes of the input, likewise; the input if it is not given.

    Returns:
        0 where it stayed, 1 where only the input shows one; how doubtful the correction's outline is where it is
        more so than the input's, else 0: 1 minus the mean probability within it; and the share of the input's cup that
        became darker than its rim, beyond what is explained, and grey, as if it had been a spot. None where the input
        shows no disc.

    Raises:
        ModelError: a model is damaged.
    """
    _, near = find_disc(before, fov)
    if near is None:
        return None
    (old, was, rim, cup), (new, sure, *_) = (_measured(picture, fov, near) for picture in (before, after))
    if old is None:
        return None
    greyed = _greyed(near.take(before if explained is None else explained), near.take(after), rim, cup)
    doubt = 1 - sure if sure < was else 0.0
    if new is None or (sure < _OUTLINED and find_disc(after, fov)[1] is None):
        return 1.0, doubt, greyed
    size = (old.vertical_diameter + old.horizontal_diameter) / 2
    moved = float(np.hypot(new.x - old.x, new.y - old.y)) / size
    grown = abs((new.vertical_diameter + new.horizontal_diameter) / 2 / size - 1)
    cups = old.cup_to_disc, new.cup_to_disc
    change = max(grown, 0.0 if cups[0] is None or cups[1] is None else abs(cups[1] - cups[0]))
    return moved + change, doubt, greyed


def _measured(picture: Bytes, fov: FieldOfView, near: Crop) -> tuple[Disc | None, float, Mask, Mask]:
    """The disc inside a square, in the square's own pixels, the mean probability within it, and its rim and cup."""
    disc, cup = outline_disc(picture, fov, near)
    whole, inner = outlined(disc, cup)
    sure = float(disc[whole].mean()) if whole.any() else 0.0
    return measure_disc(whole, inner), sure, whole & ~inner, inner


def _greyed(before: Bytes, after: Bytes, rim: Mask, cup: Mask) -> float:
    """Share of a cup (N, N) that became darker in a colour of (N, N, 3) than its rim did, and is grey beside that.

    A spot that was rightly taken out of a cup leaves it as colourful as its rim. 0 if either is missing.
    """
    if not (rim.any() and cup.any()):
        return 0.0
    darker, colours = before.astype(np.int16) - after, after.astype(np.int16)
    darker -= np.median(darker[rim], axis=0).astype(np.int16)
    chroma = colours[..., 0] - colours[..., 2]
    return float(((darker.max(2) > _DARKENED) & (chroma < _GREY * np.median(chroma[rim])))[cup].mean())


def _most_changed(unexplained: Floats, side: int) -> Iterator[tuple[slice, slice]]:
    """The squares of that side in which most is unexplained, at most `_PLACES`; what one holds counts for no other."""
    left = np.where(unexplained > _UNEXPLAINED, unexplained, np.float32(0))
    for _ in range(_PLACES):
        held = cv2.boxFilter(left, -1, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT)
        row, column = np.unravel_index(int(np.argmax(held)), held.shape)
        if not held[row, column] > 0:
            return
        top, start = (int(np.clip(centre - side // 2, 0, len(left) - side)) for centre in (row, column))
        place = slice(top, top + side), slice(start, start + side)
        yield place
        left[place] = 0


def _longest(one: Floats, other: Floats, changed: Mask, reach: int) -> int:
    """Pixels of the longest centreline that one shows and the other does not."""
    alone = skeleton(one > _SURE) & ~grown(other > _DOUBTFUL, reach) & changed
    count, _, statistics, _ = cv2.connectedComponentsWithStats(alone.astype(np.uint8))
    return int(statistics[1:, cv2.CC_STAT_AREA].max()) if count > 1 else 0
