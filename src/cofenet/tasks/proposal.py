"""What the network would change of one photograph, and what of that can draw nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from cofenet.engine.session import Session
from cofenet.fov import FieldOfView
from cofenet.geometry import Crop, resize
from cofenet.tasks.fine import FINE, LARGE, blurred, restored, sharpen_finely
from cofenet.tasks.native import Correctors
from cofenet.tasks.view import Floats, Pixels, is_grey, view

_SLOW = 1 / 16
"""Standard deviation, part of the field of view, of the light that is too smooth to draw or to hide a lesion."""

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue (ITU-R BT.601)."""

_LITTLE = 1e-3
"""Share of retina below which there is none near."""


@dataclass(frozen=True)
class Proposal:
    """What the network would change.

    Attributes:
        local: float32 (4, S, S), what it saw: RGB and field of view, 0 to 1.
        correctors: what to change.
        sharpened: float32 (3, T, T), the part of the residual that one filter for the whole photograph makes; what
            networks add to undo a blur is not in it.
        activation: float32 (S, S), 0 to 1, where it found spots.
    """

    local: Floats
    correctors: Correctors
    sharpened: Floats
    activation: Floats

    @property
    def grey(self) -> bool:
        """Whether it saw no colours."""
        return is_grey(self.local)

    def explained(self, strength: float = 1.0) -> Floats:
        """What one filter for the whole photograph and slow light alone make of it: float32 (4, S, S), as `local`.

        A correction may differ from this only where it took out a spot, or undid more of a blur than filters can: else
        it drew, or lost, something.

        Args:
            strength: as of `cofenet.correct`.
        """
        size = self.local.shape[1]
        image, seen = self.local[:3], self.local[3]
        filtered = image + np.stack([resize(plane, (size, size)) for plane in self.sharpened])
        made = np.empty_like(self.local)
        made[3] = seen
        retina = resize(seen, self.correctors.field.shape[2:])
        for colour, parts in enumerate(self.correctors.field):
            *weights, total = (_enlarged(_slow(part, retina), size) for part in parts)
            for weight, plane in zip(weights, filtered, strict=True):
                cv2.accumulateProduct(weight, plane, total)
            change = total + filtered[colour] - image[colour]
            made[colour] = np.clip(image[colour] + np.float32(strength) * change, 0, 1) * seen
        return made

    def white(self) -> Floats:
        """What the field makes of white light that is added, at whatever strength in proportion: float32 (3, G, G)."""
        return np.asarray(1 + self.correctors.field[:, :3].sum(1), np.float32)


def propose(network: Session, image: Pixels, fov: FieldOfView, crop: Crop) -> Proposal:
    """Show a photograph to a model for correction. A grey one stays grey.

    Args:
        network: the model.
        image: uint8 or uint16 (H, W, 3), RGB.
        fov: its field of view.
        crop: the square around that, at the model's working size.
    """
    local = view(image, fov, crop)
    whole = np.stack([resize(plane, (network.card.whole_size,) * 2) for plane in local])
    inputs = {"whole": whole[None], "local": local[None]}
    spared = {"large": network.nothing("large")} if "large" in network.card.inputs else {}
    out = network.run(**inputs, **spared)
    field, residual, activation = out["field"][0], out["residual"][0], out["activation"][0, 0]
    sharpened = out["sharpened"][0] if "sharpened" in out else np.zeros((3, 1, 1), np.float32)
    if "filters" in out and crop.side >= LARGE * crop.size:
        filters, others = out["filters"][0], residual - sharpened
        if "coarse" in out and "fine" in out:  # which takes over
            others -= out["coarse"][0]
        seen = view(image, fov, Crop.around(fov.circle, FINE * crop.size))
        sharpened = sharpen_finely(seen, crop, filters, sharpened)
        residual = sharpened + np.stack([_enlarged(other, len(seen[3])) for other in others])
        if "large" in network.card.inputs and blurred(filters):
            large = np.concatenate([seen[:3] + sharpened, seen[3:], sharpened])
            residual += restored(network.run(**inputs, large=large[None])["fine"][0], filters, seen)
    field = field.reshape(3, 4, *field.shape[1:])
    proposal = Proposal(local, Correctors(field, residual), sharpened, activation)
    if not proposal.grey:
        return proposal
    field, residual, sharpened = (_grey(part) for part in (field, residual, sharpened))
    return replace(proposal, correctors=Correctors(field, residual), sharpened=sharpened)


def _grey(part: Floats) -> Floats:
    """The luma of what is to change in red, green and blue, (3, ...), for each: what has no colours gets none."""
    return np.broadcast_to(np.tensordot(_LUMA, part, 1), part.shape).copy()


def _slow(part: Floats, retina: Floats) -> Floats:
    """Part of a field (G, G) without what is not slow in it; outside the retina (G, G) a field may ask for anything."""
    kernel = ((0, 0), _SLOW * len(part))
    share = cv2.GaussianBlur(retina, *kernel, borderType=cv2.BORDER_CONSTANT)
    slow = cv2.GaussianBlur(part * retina, *kernel, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(slow / np.maximum(share, _LITTLE), np.float32)


def _enlarged(part: Floats, size: int) -> Floats:
    return np.asarray(cv2.resize(part, (size, size), interpolation=cv2.INTER_CUBIC), np.float32)
