"""`light`: the illumination field beside sharpening, detail and two parts for structures, as one network for export."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from cofenet.networks.detail import Detail
from cofenet.networks.field import GRID, INPUT, IlluminationField
from cofenet.networks.fine import Fine
from cofenet.networks.lending import lent
from cofenet.networks.mirrors import TURNED, upright
from cofenet.networks.sharpening import Sharpening

RIM = 8
"""Pixels at working resolution over which the residual rises from nothing at the edge of the field of view.

Simulated blur carries the black outside across the edge and the residual learns to take it back; in a real photograph
the aperture is sharp however blurred the retina. On 40 good photographs of the training split the residual is 6.4 grey
levels in the outermost pixel, 0.6 in the fourth and under 0.3 from the ninth on.
"""

DOUBTED, TRUSTED = 0.025, 0.04
"""Root mean square change of light, of full range, up to which a field is set to nothing, and from which it is kept.

On 117 scenes of the validation split, untouched or with spots or blur alone, the network asks for 0.0002 (median; more
than 0.025 on 3.4 of 100, than half way, 0.0325, on 0.9) and is wrong; under the uneven light of the published preset
for 0.12, of which 0.086 on all but 10 of 100. Kept whole only from 0.05 on, the light of the clinical preset, which
may be mild, comes out worse by 0.1 dB.
"""


BLURRED, SURELY = 1.0, 3.0
"""What sharpening must do for a photograph to be taken for blurred, as in `cofenet.tasks.fine`."""


class Light(nn.Module):
    """Field and detail look at the same photograph: one at the whole of it, small; one at working resolution.

    Args:
        field: undoes uneven light.
        detail: undoes spots.
        sharpening: undoes blur, before the detail looks; without it, blur stays.
        coarse: undoes what sharpening leaves of it at working resolution.
        fine: the same in large photographs, at FINE times that.
    """

    def __init__(
        self,
        field: IlluminationField,
        detail: Detail,
        sharpening: Sharpening | None = None,
        coarse: Fine | None = None,
        fine: Fine | None = None,
    ) -> None:
        super().__init__()
        self.field, self.detail, self.sharpening, self.coarse, self.fine = field, detail, sharpening, coarse, fine

    def forward(self, whole: Tensor, local: Tensor, large: Tensor | None = None) -> tuple[Tensor, ...]:
        """Run all.

        Args:
            whole: (1, 4, 128, 128), RGB and field of view in [0, 1].
            local: (1, 4, 512, 512), the same at working resolution.
            large: (N, 7, 1024, 1024), at FINE times that: RGB, sharpened, and field of view, and what sharpening added;
                of none, in no time, or of one photograph. Needed if there is a part for fine structures.

        Returns:
            field (1, 12, 32, 32), residual (1, 3, 512, 512), activation (1, 1, 512, 512); with a sharpening also the
            part of the residual that sharpens, and filters (1, 2, FINE_TAPS), along rows and along columns, which do so
            to the photograph at FINE times the resolution; with a part for coarse structures that of the residual that
            it adds; with one for fine structures what that adds to `large`, (N, 3, 1024, 1024).
        """
        field = self._averaged_field(whole)
        trust = _trust(field, whole)
        field = lent(field * trust, whole, trust)
        retina = inside(local[:, 3:])
        if self.sharpening is None:
            residual, activation = self.detail(local)
            return field, residual * retina, activation
        shares = self.sharpening.shares(local)
        sharpened = (self.sharpening.mixed(local, shares).clamp(0, 1) - local[:, :3]) * retina
        image = local[:, :3] + sharpened
        residual, activation = self.detail(torch.cat([image, local[:, 3:]], 1))
        residual, filters, added = sharpened + residual * retina, shares @ self.sharpening.fine_inverses, []
        if self.coarse is not None:
            blurred = ((filters.abs().sum(2).max() - BLURRED) / (SURELY - BLURRED)).clamp(0, 1)
            added.append(blurred * retina * _if(blurred > 0, self.coarse.undone, local, sharpened))
            residual = residual + added[0]
        if self.fine is not None and large is not None:
            added.append(self.fine(large))
        return field, residual, activation, sharpened, filters, *added

    def _averaged_field(self, whole: Tensor) -> Tensor:
        """The mean of the fields seen upright and turned by half a turn: errors that are not of the photograph cancel.

        On 82 scenes of the validation split (kind 111) 25.82 dB; one look gives 25.65, all four mirror images 25.84.
        """
        return upright(self.field(torch.cat([whole.flip(axes) for axes in TURNED])), TURNED)


def _if(needed: Tensor, part: Callable[..., Tensor], *seen: Tensor) -> Tensor:
    """What a part adds to what is seen, RGB first, if that is needed; else nothing, which costs hardly any time."""
    if not torch.compiler.is_compiling():
        return (part if needed else _nothing)(*seen)
    added: Tensor = torch.cond(needed, part, _nothing, seen)
    return added


def _nothing(image: Tensor, *_: Tensor) -> Tensor:
    return torch.zeros_like(image[:, :3])


def inside(fov: Tensor) -> Tensor:
    """From 0 at the edge of the field of view (B, 1, H, W) smoothly to 1, RIM pixels inside it."""
    across = avg_pool2d(fov, (1, 2 * RIM + 1), stride=1, padding=(0, RIM))
    share = avg_pool2d(across, (2 * RIM + 1, 1), stride=1, padding=(RIM, 0))  # at a straight edge one half
    return _smooth(2 * share - 1)


def _trust(field: Tensor, whole: Tensor) -> Tensor:
    """How far to trust a field (1, 12, 32, 32) for a photograph (1, 4, 128, 128), 0 to 1: (1, 1, 1, 1)."""
    small = avg_pool2d(whole, INPUT // GRID)  # 1, 4, 32, 32; black outside the field of view
    transforms = field.view(1, 3, 4, GRID, GRID)
    change = (transforms * small[:, None]).sum(2)  # the field of view is the 1 that offsets are multiplied by
    seen = small[:, 3:]
    asked = ((change.square() * seen).sum() / (3 * seen.sum()).clamp(min=1.0)).sqrt()
    return _smooth((asked - DOUBTED) / (TRUSTED - DOUBTED)).view(1, 1, 1, 1)


def _smooth(x: Tensor) -> Tensor:
    """From 0 to 1 without a corner."""
    x = x.clamp(0, 1)
    return x * x * (3 - 2 * x)
