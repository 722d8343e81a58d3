"""How much of a photograph lies in which band of sizes: what blur takes from the finest, spots add to others.

Bands of the green channel by the à-trous wavelet of the triangle 1-2-1 (Holschneider et al. 1989), normalised by what
is seen of the field of view. A trunk that learned to tell things apart is no instrument to measure contrast with.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

BANDS = 5
"""Bands, each twice as coarse as the one before; the finest is of one pixel."""

_KINDS = 4
_CONTEXT, _WIDTH = 16, 64
_LEAST = 1e-3
"""Contrast, of full range, below which it does not matter how much there is: a quarter of a grey level."""

_DARKEST = 0.05
"""Added to the brightness that contrast is told in parts of."""


class Bands(nn.Module):
    """What the bands of a photograph add to answers about it; nothing at first.

    Args:
        features: by which a trunk describes the photograph.
        answers: how many there are.
    """

    def __init__(self, features: int, answers: int) -> None:
        super().__init__()
        self.context = nn.Linear(features, _CONTEXT)
        self.first = nn.Linear(_CONTEXT + _KINDS * BANDS, _WIDTH)
        self.second = nn.Linear(_WIDTH, _WIDTH)
        self.last = nn.Linear(_WIDTH, answers)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, x: Tensor, features: Tensor) -> Tensor:
        """Photographs (B, 4, H, W), RGB and field of view in [0, 1], and their features (B, F) to (B, answers)."""
        y = torch.cat([torch.relu(self.context(features)), contrasts(x)], 1)
        answers: Tensor = self.last(torch.relu(self.second(torch.relu(self.first(y)))))
        return answers


def contrasts(x: Tensor) -> Tensor:
    """The contrast in each band, (B, 4, H, W) to (B, 4 BANDS): logarithms, about 0 to 1.

    Of each band: its mean size; that in parts of the brightness; and the fourth root of the mean fourth power of what
    is bright, and of what is dark, in it, which tell of the few strongest structures.
    """
    seen = x[:, 3:]
    smooth, weight = x[:, 1:2] * seen, seen
    level, told = smooth, []
    for band in range(BANDS):
        smooth, weight = _smoothed(smooth, 2**band), _smoothed(weight, 2**band)
        coarser = smooth / weight.clamp(min=1e-3)
        wave, inside = level - coarser, (weight > 1 - 1e-3).to(x.dtype)
        share = inside.sum((1, 2, 3)).clamp(min=1)
        sizes = [wave.abs(), wave.abs() / (coarser + _DARKEST)]
        tails = [torch.relu(wave) ** 4, torch.relu(-wave) ** 4]
        means = [(plane * inside).sum((1, 2, 3)) / share for plane in (*sizes, *tails)]
        told += [means[0], means[1], (means[2] + _LEAST**4) ** 0.25, (means[3] + _LEAST**4) ** 0.25]
        level = coarser
    return (torch.stack(told, 1) / _LEAST + 1).log() / 5


def _smoothed(plane: Tensor, distance: int) -> Tensor:
    """(B, 1, H, W) by the triangle 1-2-1 over pixels `distance` apart, along both axes; 0 beyond the edge."""
    taps = plane.new_tensor([0.25, 0.5, 0.25])
    along = conv2d(plane, taps.view(1, 1, 1, 3), padding=(0, distance), dilation=(1, distance))
    return conv2d(along, taps.view(1, 1, 3, 1), padding=(distance, 0), dilation=(distance, 1))
