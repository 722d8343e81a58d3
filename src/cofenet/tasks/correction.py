"""Correct one photograph: light by a smooth field of colour transforms, spots and blur by a bounded residual.

With x the photograph in [0, 1], r the residual and (M, b) the field of 3 × 3 matrices and offsets, both brought to the
photograph's own size:

    y = (x + r) + M (x + r) + b,    out = x + strength · (y − x)    inside the field of view, x outside

r and (M, b) come from networks that saw the photograph small; x itself is never resized. The part of r that sharpens a
large photograph, and what undoes the rest of its blur, is made at twice that size, see `cofenet.tasks.fine`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from cofenet import __version__
from cofenet.engine.card import Card
from cofenet.engine.session import session
from cofenet.errors import ModelError, UsageError
from cofenet.fov import FieldOfView
from cofenet.geometry import Crop
from cofenet.provenance import Provenance
from cofenet.tasks.fine import FINE
from cofenet.tasks.native import Pixels, apply_natively
from cofenet.tasks.proposal import Proposal, propose
from cofenet.tasks.safety import Verdict, change, decide, limits, measure
from cofenet.tasks.view import check_pixels, known_fov

_INPUTS, _OUTPUTS = {"whole", "local"}, {"field", "residual", "activation"}
"""Names of the tensors that a model for correction has on its card."""

_UNCHANGED = 0.5 / 255
"""Root mean square change below which a correction is no change: half a step of 8 bits. The mean would not do: it is
below that where nothing but a few bright spots is removed."""

_LOOK = 128
"""Pixels along the shorter side that are enough to measure how much is lost."""

_LOST = 0.05
"""Share of the retina that is burnt out or black above which the verdict names it."""

_TOLD = 0.001
"""Share of the retina taken for spots above which the verdict names it."""


@dataclass(frozen=True)
class Correction:
    """A corrected photograph.

    Attributes:
        image: like the input: uint8 or uint16 (H, W, 3), RGB.
        verdict: whether to trust it.
        provenance: how it was made.
        fov: the field of view; outside it nothing was changed.
        activation: float32 (S, S), 0 to 1, where the network found spots and blur, in the square of the provenance.
        change: float32 (S, S), 0 to 1, likewise: where and how much the network asked to change, mean of the colours.
    """

    image: Pixels
    verdict: Verdict
    provenance: Provenance
    fov: FieldOfView
    activation: NDArray[np.float32]
    change: NDArray[np.float32]


def correct(
    image: Pixels,
    *,
    model: str | Path = "light",
    strength: float = 1.0,
    force: bool = False,
    judged: bool = True,
    fov: FieldOfView | None = None,
) -> Correction:
    """Correct a low-quality retinal fundus photograph at its own size.

    Args:
        image: uint8 or uint16 (H, W, 3), RGB, full range. It is not modified.
        model: name of a shipped model, or path of an ONNX file with its card beside it.
        strength: 0 returns the photograph as it is, bit for bit; 1 is the full correction; between, a blend.
        force: give the correction also where the photograph had better stay as it was; the provenance says so.
        judged: whether to judge the correction, see `cofenet.tasks.safety`; takes about as long again.
        fov: where the retina is, of the photograph's shape (H, W); found if not given.

    Raises:
        UsageError: wrong dtype or shape, also of the field of view, or strength outside 0 to 1.
        NotFundusError: no retinal field of view is found, or it is black: 12 bits in uint16 are, too.
        ModelError: the model is missing, damaged or not one that corrects.
    """
    _check(image, strength)
    if not isinstance(model, (str, Path)):
        raise ModelError(f"a model is a name or a path, not {type(model).__name__}")
    network = session(model)
    if not _corrects(network.card):
        raise ModelError(f"{model}: is no model for correction: it needs {sorted(_INPUTS)}, gives {sorted(_OUTPUTS)}")
    fov = known_fov(image, fov)
    crop = Crop.around(fov.circle, network.card.working_size)
    proposal = propose(network, image, fov, crop)
    corrected = apply_natively(image, fov, crop, proposal.correctors, strength) if strength > 0 else image.copy()
    if proposal.grey and not np.any(image[..., 1:] != image[..., :1]):
        corrected[..., 1:] = corrected[..., :1]  # planes that are alike are enlarged alike but for rounding
    verdict = judge(image, corrected, fov, proposal, strength, force=force, judged=judged)
    changed = change(image, corrected, crop)
    if verdict.status == "unchanged":
        corrected = image.copy()
    settings: dict[str, float | str | bool] = {"strength": strength}
    if force:
        settings["force"] = True
    provenance = Provenance(
        __version__, "correct", network.card.name, network.card.sha256, settings, fov.circle, fov.confidence, crop,
        {"status": verdict.status, "rule": verdict.rule, "forced": verdict.forced, "reasons": list(verdict.reasons)},
    )  # fmt: skip
    return Correction(corrected, verdict, provenance, fov, proposal.activation, changed)


def judge(
    image: Pixels,
    corrected: Pixels,
    fov: FieldOfView,
    proposal: Proposal,
    strength: float = 1.0,
    *,
    force: bool = False,
    judged: bool = True,
) -> Verdict:
    """Measure what a correction changed, what was lost before it, and whether to trust it.

    Args:
        image: the input, uint8 or uint16 (H, W, 3), RGB.
        corrected: like it.
        fov: of both.
        proposal: what the network would change, in the square around the field of view.
        strength: how much of it was.
        force: never answer that the photograph had better stay as it was, unless nothing was changed.
        judged: whether to ask the rules of `cofenet.tasks.safety`.
    """
    full = float(np.iinfo(image.dtype).max)
    difference = np.asarray(cv2.absdiff(image, corrected))
    seen = fov.mask.view(np.uint8)
    mean = float(np.mean(cv2.mean(difference, seen)[:3])) / full
    root_mean_square = float(cv2.norm(difference, cv2.NORM_L2, seen) / np.sqrt(3 * np.count_nonzero(seen))) / full
    largest = float(np.max(difference)) / full
    step = max(1, min(image.shape[:2]) // _LOOK)
    retina = image[::step, ::step][fov.mask[::step, ::step]]
    lost = float(np.mean((retina.max(1) < 0.02 * full) | (retina.min(1) > 0.98 * full)))
    slight = root_mean_square < _UNCHANGED
    if slight and not (force and largest > 0):
        reason = f"left as it was: a correction would change it by {root_mean_square:.4f}, less than half a grey level"
        return Verdict("unchanged", "no change", (reason,), mean, largest, lost, {})
    facts = [f"changed by {mean:.3f} on average, {largest:.3f} at most"]
    if lost > _LOST:
        facts.append(f"{lost:.0%} of the retina is black or burnt out; nothing can be restored there")
    if not judged:
        return Verdict("not judged", "not asked", tuple(facts), mean, largest, lost, {})
    measured = measure(image, corrected, fov, proposal.activation, proposal.explained(strength), proposal.white())
    found = measured.findings
    status, rule, reasons = decide(found, measured.factor)
    if _TOLD < found["uncompared"] < limits()["uncompared"].caution:
        share = found["uncompared"]
        facts.append(
            f"what it took for spots, {share:.1%} of the retina, is hardly compared; see that it was no lesion"
        )
    forced = force and (status == "unchanged" or slight)
    if forced:
        status, reasons = "caution", ("corrected by force", *reasons)
    elif status == "unchanged":
        reasons = ("left as it was: it cannot be corrected safely", *reasons)
    return Verdict(status, rule, (*reasons, *facts), mean, largest, lost, found, forced)


def _corrects(card: Card) -> bool:
    inputs, outputs = card.inputs.keys(), card.outputs.keys()
    if "large" in inputs and not (
        outputs >= {"filters", "fine"} and card.inputs["large"].shape[-1] == FINE * card.working_size
    ):
        return False
    return inputs - {"large"} == _INPUTS and outputs >= _OUTPUTS


def _check(image: object, strength: object) -> None:
    check_pixels(image)
    if not (isinstance(strength, (float, int, np.number)) and 0.0 <= strength <= 1.0):
        raise UsageError(f"strength must be a number between 0 and 1, got {strength!r}")
