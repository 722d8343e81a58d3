"""The verdict put to the test: does it find planted harms, does it keep quiet otherwise, and is what it calls safe so?

Each good photograph is cut to its field of view at 512 pixels, degraded four times (kind 111 of the preset
`published`, seeded by its name), and corrected without asking the verdict: the honest corrections. Into the first of
them each harm of `cofenet.evaluation.harms` is planted, with a seed made of the photograph's name and the harm's. The
lesion is drawn into the good photograph before all that, and painted over in the correction. What is taken out counts
only where the correction still showed it, by 15 grey levels somewhere, since else nothing was taken.

Of photographs on which somebody drew vessels or disc there are honest corrections alone, at their own size; what was
drawn is the truth of these. Elsewhere our own segmentation of the good photograph stands for it.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cofenet.degradation import sample, simulate
from cofenet.engine.session import session
from cofenet.errors import NotFundusError
from cofenet.evaluation import harms
from cofenet.fov import FieldOfView
from cofenet.geometry import grown
from cofenet.metrics.fidelity import psnr
from cofenet.metrics.overlap import dice
from cofenet.tasks.correction import Correction, correct
from cofenet.tasks.proposal import propose
from cofenet.tasks.safety import measure
from cofenet.tasks.segmentation import Segmentation, Structure, segment

Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]

VISIBLE = 15
"""Grey levels by which a lesion or a vessel must differ from what it is painted over with."""

DRAWN = "honest, drawn on"
"""The kind of case whose truth somebody drew."""

DRAWS = 4
"""Honest corrections of a photograph."""

SPOT = 0.4
"""Low-quality activation from which the network itself takes a lesion for a spot: told apart."""


@dataclass(frozen=True)
class Case:
    """One correction, honest or harmed.

    Attributes:
        photograph: its name.
        harm: what was planted; "honest" and `DRAWN` nothing, "good" the good photograph itself was corrected.
        findings: what the rules measured.
        truth: named figures against the truth: "psnr", "vessels" and "disc" (Dice), each before and after.
        mean_change: mean absolute change that the correction made, 0 to 1.
    """

    photograph: str
    harm: str
    findings: dict[str, float]
    truth: dict[str, tuple[float, float]]
    mean_change: float


@dataclass(frozen=True)
class _Made:
    """An honest correction, what of it can draw nothing, and what it makes of white, see `cofenet.tasks.proposal`."""

    correction: Correction
    explained: NDArray[np.float32]
    white: NDArray[np.float32]

    @property
    def image(self) -> Image:
        return np.asarray(self.correction.image, np.uint8)


def degraded(name: str, clean: Image, fov: FieldOfView, draw: int = 0) -> Image:
    """The low-quality photograph; the first draw is the one that every method gets."""
    rng = _rng(f"{name} {draw}" if draw else name, "111")
    return np.asarray(simulate(clean, sample(rng, "111"), fov), np.uint8)


def cases(
    name: str, clean: Image, fov: FieldOfView, other: tuple[Image, FieldOfView] | None, model: str = "light"
) -> Iterator[Case]:
    """All cases of one photograph.

    Args:
        name: seeds what is drawn.
        clean: uint8 (S, S, 3), RGB.
        fov: its field of view.
        other: another patient's photograph and its field of view, for the harm "other eye".
        model: which corrects, as of `cofenet.correct`.
    """
    found = segment(clean, fov=fov)
    own: dict[Structure, Mask] = {"vessels": np.asarray(found.vessels), "disc": np.asarray(found.disc)}
    further = (("honest", degraded(name, clean, fov, draw)) for draw in range(1, DRAWS))
    low = degraded(name, clean, fov)
    for kind, image in (("good", clean), *further, ("honest", low)):
        made = _corrected(image, model)
        if made is not None:
            yield _case(name, kind, image, made, made.image, _truth(image, made, clean, own, fov))
    if made is None:
        return
    for harm, harmed in planted(name, made.image, made.correction.fov, found, other):
        yield _case(name, harm, low, made, harmed, {})
    yield from _lesion(name, clean, fov, model)


def drawn_cases(
    name: str, clean: Image, drawn: Mapping[Structure, Mask], fov: FieldOfView, model: str = "light"
) -> Iterator[Case]:
    """The honest corrections of a photograph on which somebody drew.

    Args:
        name: seeds what is drawn at random.
        clean: uint8 (H, W, 3), RGB.
        drawn: its structures, bool (H, W).
        fov: its field of view.
        model: as of `cases`.
    """
    for draw in range(DRAWS):
        low = degraded(name, clean, fov, draw)
        made = _corrected(low, model)
        if made is not None:
            yield _case(name, DRAWN, low, made, made.image, _truth(low, made, clean, drawn, fov))


def planted(
    name: str, honest: Image, fov: FieldOfView, found: Segmentation, other: tuple[Image, FieldOfView] | None
) -> Iterator[tuple[str, Image]]:
    """The honest correction with each harm but the lesion; those that find no place are left out."""
    yield "vessel drawn", harms.draw_vessel(honest, fov, _rng(name, "vessel drawn"))
    if found.vessels is not None:
        erased = harms.erase_vessel(honest, fov, found.vessels, _rng(name, "vessel erased"))
        if erased is not None and _seen(erased, honest):
            yield "vessel erased", erased
    if found.measurements.disc is not None:
        yield "disc shifted", harms.shift_disc(honest, fov, found.measurements.disc, _rng(name, "disc shifted"))
    yield "colour cast", harms.cast(honest, fov, _rng(name, "colour cast"))
    yield "blur", harms.blur(honest, fov, _rng(name, "blur"))
    if other is not None:
        yield "other eye", harms.other_eye(honest, fov, *other)


def _lesion(name: str, clean: Image, fov: FieldOfView, model: str) -> Iterator[Case]:
    drawn, where = harms.draw_lesion(clean, fov, _rng(name, "lesion"))
    low = degraded(f"{name} lesion", drawn, fov)
    made = _corrected(low, model)
    if made is None:
        return
    gone = harms.paint_over(made.image, where, _rng(name, "paint"))
    if not _seen(gone, made.image):
        return
    crop = made.correction.provenance.crop
    rows, columns = np.nonzero(where)
    scale = crop.size / crop.side
    seen = made.correction.activation[
        np.clip(((rows + 0.5 - crop.top) * scale).astype(int), 0, crop.size - 1),
        np.clip(((columns + 0.5 - crop.left) * scale).astype(int), 0, crop.size - 1),
    ]
    harm = "lesion painted over, taken for a spot" if float(seen.max()) > SPOT else "lesion painted over"
    yield _case(name, harm, low, made, gone, {})


def _seen(harmed: Image, honest: Image) -> bool:
    return int(cv2.absdiff(harmed, honest).max()) >= VISIBLE


def _corrected(image: Image, model: str) -> _Made | None:
    try:
        correction = correct(image, model=model, judged=False)
    except NotFundusError:
        return None
    proposal = propose(session(model), image, correction.fov, correction.provenance.crop)
    return _Made(correction, proposal.explained(), proposal.white())


def _case(name: str, harm: str, low: Image, made: _Made, result: Image, truth: dict[str, tuple[float, float]]) -> Case:
    correction = made.correction
    measured = measure(low, result, correction.fov, correction.activation, made.explained, made.white).findings
    return Case(name, harm, measured, truth, correction.verdict.mean_change)


def _truth(
    low: Image, made: _Made, clean: Image, drawn: Mapping[Structure, Mask], fov: FieldOfView
) -> dict[str, tuple[float, float]]:
    """What people measure before and after who have the truth."""
    mask = fov.mask
    before, after = (segment(image, structures=list(drawn), fov=fov) for image in (low, made.image))
    told = {"psnr": (psnr(low, clean, mask), psnr(made.image, clean, mask))}
    for structure, truth in drawn.items():
        if truth.any():
            old, new = (np.asarray(getattr(one, structure)) for one in (before, after))
            told[structure] = dice(old, truth, mask), dice(new, truth, mask)
    return told


def _rng(name: str, what: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(f"{name} {what}".encode()))


def worse(case: Case, margins: dict[str, float]) -> bool:
    """Whether the truth says that the correction is worse than its input, by more than a margin, in any figure."""
    return any(after < before - margins[name] for name, (before, after) in case.truth.items())


def exudate_contrast(image: Image, marked: Mask, fov: Mask) -> float:
    """How much brighter marked regions are than what surrounds them, over the latter (Weber), in the green channel.

    Args:
        image: uint8 (H, W, 3), RGB.
        marked: bool (H, W).
        fov: bool (H, W); surroundings are within a 40th of its width, without a margin of a 200th.
    """
    width = int(np.ptp(np.flatnonzero(fov.any(0)))) + 1
    near, far = (grown(marked, width * share) for share in (1 / 200, 1 / 40))
    around = far & ~near & fov
    level = float(image[around, 1].mean())
    return (float(image[marked & fov, 1].mean()) - level) / level
