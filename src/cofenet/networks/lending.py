"""Lending: where green and blue are black, red lends them its structures.

Uneven light takes green and blue below the first grey level long before red, and vessels are still there in red alone.
A field that raises the light of green there raises a fog. Of red, as the field corrects it, that fog gets structures in
proportion to the light, and no other light than it had. What green and blue still show is kept.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

BLACK = 0.05
"""Light of a colour, of full range, from which on it shows its structures itself. On degraded photographs of the
training split (kind 111) .92 of the variance of the truth's structures in green is in what the field makes of green
above that, .78 at 0.04, .58 at 0.02 and .1 below 0.01, where .1 to .75 is in corrected red: docs/experiments.md."""

_GAINS = 1.4, 0.7
"""Structures of green and of blue over those of corrected red, each over its light. Least squares, on the same
photographs, gives green 1.0 to 1.5 where it is below 0.02; blue gets less, for lesions are yellow."""

_DARKEST = 0.05
"""Light of corrected red below which it is taken for that."""

_FAINTEST = 1e-3
"""Light of red below which there is none to lend."""


def lent(field: Tensor, whole: Tensor, trust: Tensor) -> Tensor:
    """A field that makes of red what is black in green and blue.

    With g the light of green or of blue that is given, and r that of red, w = trust · (1 − g / r'), in [0, 1], says how
    black it is, where r' is BLACK or, if that is less, r: what is no darker than red lacks nothing. With l and m the
    light of the colour and of red as the field corrects them, at least 0 and _DARKEST, the weight a of red in that
    colour becomes

        (1 − w²) a + w · gain · (l / m) · (the weight of red in red)

    and the offset what leaves the light as it was. Squared, w spares what the field itself takes of red as long as some
    green is left.

    Args:
        field: (B, 12, G, G), of transforms as differences from the identity, trusted as far as `trust` says.
        whole: (B, 4, N G, N G), the photograph that it is for: RGB and field of view in [0, 1].
        trust: (B, 1, 1, 1), how far to lend, 0 to 1.

    Returns:
        A field like it.
    """
    side = field.shape[-1]
    light = _light(whole, whole.shape[-1] // side)  # B, 3, G, G
    parts = field.view(-1, 3, 4, side, side)
    made = light + (parts[:, :, :3] * light[:, None]).sum(2) + parts[:, :, 3]  # B, 3, G, G
    ratio = made[:, 1:].clamp(min=0) / made[:, :1].clamp(min=_DARKEST)
    red = light[:, :1]
    black = trust * (red > _FAINTEST) * (1 - light[:, 1:] / red.clamp(_FAINTEST, BLACK)).clamp(0, 1)
    gains = torch.tensor(_GAINS, device=field.device, dtype=field.dtype).view(1, 2, 1, 1)
    added = black * gains * ratio * (1 + field[:, :1]) - black.square() * parts[:, 1:, 0]  # B, 2, G, G
    nothing = torch.zeros_like(added)
    lending = torch.stack([added, nothing, nothing, -added * red], 2)  # B, 2, 4, G, G
    return torch.cat([field[:, :4], field[:, 4:] + lending.flatten(1, 2)], 1)


def _light(whole: Tensor, cell: int) -> Tensor:
    """The light of each colour around each cell of that many pixels, 0 where nothing is seen: (B, 3, G, G)."""
    around = avg_pool2d(whole, 3 * cell, cell, cell)
    return around[:, :3] / around[:, 3:].clamp(min=1e-2)
