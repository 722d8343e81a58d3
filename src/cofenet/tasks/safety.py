"""The verdict: may a correction be trusted? Judged against its own input, without ground truth.

Both are looked at in the square around the field of view, at 512 pixels, whatever their own size. Each rule measures
one number, 0 where nothing is wrong; its two limits, and what chose them, are in thresholds.toml. Vessels are looked
for only where the structure itself changed: what the input explains wholly has neither gained nor lost one.
"""

from __future__ import annotations

import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from cofenet.engine.threads import threads
from cofenet.fov import FieldOfView
from cofenet.geometry import Circle, Crop, resize
from cofenet.tasks.anatomy import disc_changed, vessels_changed, vessels_faded
from cofenet.tasks.colour import colour_strangeness, colours
from cofenet.tasks.quality import FACTORS, Assessment, assess
from cofenet.tasks.structure import Structure, compare
from cofenet.tasks.tint import tinted
from cofenet.tasks.view import Floats, Pixels, is_grey, view, view_alike

Status = Literal["safe", "caution", "unchanged", "not judged"]

JUDGES = ("quality", "vessels", "disc-finder", "disc")
"""The networks by whose eyes corrections are judged."""

SIZE = 512
"""Pixels across the field of view at which corrections are judged."""

_LOOK_CLOSER = 0.3
"""Share of the caution limit of lines or spots from which vessels are looked for."""

_WORDS = {
    "lines": "structure that the input does not explain: {:.3f} of the field of view",
    "spots": "a spot added or taken out: {:.3f} of the field of view",
    "hidden": "something dark drawn or erased in what it took for spots: {:.3f} of the field of view",
    "tinted": "what it took out as a spot has a colour, as lesions have: {:.3f} of the field of view",
    "uncompared": "what it took for spots, {:.1%} of the retina, is hardly compared",
    "difference": "structure as a whole is not the input's: its correlation misses 1 by {:.2f}",
    "blur": "{:.0%} of the finest contrast was lost",
    "invented": "structure on {:.1%} of the retina where the input is black or burnt out",
    "colour": "colours unlike those of good photographs: {:.1f} standard deviations",
    "quality": "the quality of {} fell by {:.2f}",
    "disc": "the optic disc moved or changed its size, or its cup did, by {:.2f} of itself",
    "disc_doubtful": "the outline of the optic disc is less sure than it was: its probability misses 1 by {:.2f}",
    "cup_greyed": "{:.0%} of the optic cup became grey, as if it had been a spot",
    "vessels_added": "a vessel was added, {:.3f} of the field of view long",
    "vessels_erased": "a vessel was erased, {:.3f} of the field of view long",
    "vessels_faded": "vessels that the input shows in red alone were lost, {:.3f} of the field of view long",
}
"""What each rule finds, in words."""


@dataclass(frozen=True)
class Limits:
    """From where on a rule warns, and from where on a photograph is better left as it was."""

    caution: float
    harm: float


@dataclass(frozen=True)
class Verdict:
    """May the correction be trusted?

    Attributes:
        status: "safe": no rule found anything. "caution": one did; look at both pictures. "unchanged": the photograph
            came back as it was, bit for bit, since it needs no correction or cannot be corrected safely. "not judged":
            it was not asked.
        rule: the rule that decided: "no change", "none" if nothing was found, "not asked", or a rule of `findings`.
        reasons: why, in words and numbers.
        mean_change: mean absolute change inside the field of view, 0 to 1, that the network asked for.
        largest_change: largest absolute change that it asked for, 0 to 1.
        lost: share of the field of view that is black or burnt out in the input: nothing can be restored there.
        findings: what each rule measured; rules that had nothing to look at are missing.
        forced: whether a correction was kept that would have come back unchanged.
    """

    status: Status
    rule: str
    reasons: tuple[str, ...]
    mean_change: float
    largest_change: float
    lost: float
    findings: dict[str, float]
    forced: bool = False


@cache
def _stored() -> dict[str, Any]:
    return tomllib.loads(files("cofenet.tasks").joinpath("thresholds.toml").read_text("utf-8"))


@cache
def limits() -> dict[str, Limits]:
    """The limits of each rule, by name, as thresholds.toml has them."""
    return {name: Limits(**rule) for name, rule in _stored()["rules"].items()}


def _expected_colours() -> dict[str, NDArray[np.float64]]:
    """What `colour_strangeness` is to know: expected, covariance and within."""
    return {name: np.array(table) for name, table in _stored()["colour"].items()}


@dataclass(frozen=True)
class Measured:
    """What was measured on a correction.

    Attributes:
        findings: what each rule measured; those that had nothing to look at are missing.
        factor: the factor of quality that fell most.
    """

    findings: dict[str, float]
    factor: str


def measure(
    image: Pixels,
    corrected: Pixels,
    fov: FieldOfView,
    activation: Floats,
    explained: Floats | None = None,
    white: Floats | None = None,
) -> Measured:
    """Measure a correction by all rules.

    Args:
        image: the input, uint8 or uint16 (H, W, 3), RGB.
        corrected: like it.
        fov: of both.
        activation: float32 (S, S), 0 to 1, in the square around the field of view: where spots were found.
        explained: float32 (4, S, S), likewise: what of the correction can draw nothing makes of the input, see
            `cofenet.tasks.proposal`; the input itself if it is not given.
        white: float32 (3, G, G), likewise: what it makes of white light that is added; white, if it is not given.

    Raises:
        ModelError: a model is damaged.
    """
    crop = Crop.around(fov.circle, SIZE)
    before = view(image, fov, crop)
    after, seen = view_alike(corrected, before[3], crop), before[3] > 0
    plain = before if explained is None else np.stack([resize(plane, (SIZE, SIZE)) for plane in explained])
    spots = np.asarray(resize(activation, (SIZE, SIZE)), np.float32)
    square = FieldOfView(seen, Circle(SIZE / 2, SIZE / 2, fov.circle.radius * SIZE / crop.side), fov.confidence)
    old, new = (_bytes(planes) for planes in (before, after))
    pictures = before[:3], plain[:3] * seen, after[:3], seen, spots
    with ThreadPoolExecutor(threads()) as pool:  # each of these leaves processors idle now and then
        disc = pool.submit(disc_changed, old, new, square, _bytes(plain * before[3])).result
        structure = pool.submit(compare, *pictures).result
        quality = pool.submit(lambda: _fallen(assess(old, fov=square), assess(new, fov=square))).result
        tint = pool.submit(tinted, *pictures, white).result
    found = _structural(structure()) | {"tinted": tint()}
    if not (is_grey(before) and is_grey(after)):
        found["colour"] = colour_strangeness(colours(before), colours(after), **_expected_colours())
    found["quality"], factor = quality()
    if (outlines := disc()) is not None:
        found["disc"], found["disc_doubtful"], found["cup_greyed"] = outlines
    if any(found[rule] > _LOOK_CLOSER * limits()[rule].caution for rule in ("lines", "spots")):
        found["vessels_added"], found["vessels_erased"] = vessels_changed(before, after, structure().unexplained)
    found["vessels_faded"] = vessels_faded(before, after)
    return Measured(found, factor)


def _structural(structure: Structure) -> dict[str, float]:
    """What the rules about structure measured."""
    return {
        "lines": structure.lines, "spots": structure.spots, "hidden": structure.hidden,
        "uncompared": structure.uncompared, "difference": structure.difference, "blur": max(0.0, structure.blur),
        "invented": structure.invented,
    }  # fmt: skip


def decide(found: dict[str, float], factor: str = "one factor") -> tuple[Status, str, tuple[str, ...]]:
    """The status that follows from what the rules measured, the rule that decided, and the reasons, worst first.

    Args:
        found: what each rule measured.
        factor: the factor of quality that fell most.
    """
    over = sorted(found, key=lambda rule: -found[rule] / limits()[rule].harm)
    alarms = [rule for rule in over if not found[rule] < limits()[rule].caution]  # what is no number is an alarm, too
    if not alarms:
        unseen = "" if "disc" in found else "; the input shows no disc"
        return "safe", "none", (f"{len(found)} rules found nothing: {', '.join(sorted(found))}{unseen}",)
    harmful = [rule for rule in alarms if not found[rule] < limits()[rule].harm]
    return (
        ("unchanged" if harmful else "caution"),
        alarms[0],
        tuple(_said(rule, found[rule], factor) for rule in alarms),
    )


def change(image: Pixels, corrected: Pixels, crop: Crop) -> Floats:
    """Where and how much: the absolute change, mean over the colours, 0 to 1, float32 (S, S) of the square `crop`."""
    difference = crop.take(np.asarray(cv2.absdiff(image, corrected)))
    third = np.full((1, 3), 1 / (3 * np.iinfo(image.dtype).max))
    return np.asarray(cv2.transform(difference.astype(np.float32), third), np.float32)


def _said(rule: str, value: float, factor: str) -> str:
    limit = limits()[rule]
    asked = limit.harm if value >= limit.harm else limit.caution
    words = _WORDS[rule].format(factor.replace("_", " "), value) if rule == "quality" else _WORDS[rule].format(value)
    return f"{words} (limit {asked:g})"


def _bytes(planes: Floats) -> NDArray[np.uint8]:
    """Red, green and blue of planes (4, S, S), 0 to 1: uint8 (S, S, 3)."""
    return np.asarray(cv2.merge([cv2.convertScaleAbs(plane, alpha=255) for plane in planes[:3]]), np.uint8)


def _fallen(old: Assessment, new: Assessment) -> tuple[float, str]:
    """By how much the worst factor fell, and which that is."""
    factor = max(FACTORS, key=lambda name: old.factors[name] - new.factors[name])
    return max(0.0, old.factors[factor] - new.factors[factor]), factor
