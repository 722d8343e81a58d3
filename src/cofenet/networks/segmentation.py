"""One shape of network for vessels, optic disc and optic cup: a U-Net (Ronneberger et al. 2015) of residual blocks.

Its first layer halves the resolution and its last doubles it by sub-pixel convolution (Shi et al. 2016), so that the
costly full resolution is seen by two layers only; each of 32 channels still sees every pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from cofenet.networks.blocks import ResidualBlock, convolution, double, shuffled
from cofenet.networks.mirrors import MIRRORS, upright


class Segmenter(nn.Module):
    """From a photograph to the logits of its structures.

    Args:
        structures: how many.
        widths: channels at a half, a quarter, … of the resolution; sides must be multiples of 2 ** len(widths).
    """

    def __init__(self, structures: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(4, widths[0], 6, 2, 2, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU())
        pairs = list(pairwise(widths))
        self.encoders = nn.ModuleList(ResidualBlock(width, normalise=True) for width in widths[:-1])
        self.downs = nn.ModuleList(
            nn.Sequential(convolution(a, b, stride=2, normalise=True), nn.ReLU()) for a, b in pairs
        )
        self.bottom = nn.Sequential(*(ResidualBlock(widths[-1], normalise=True) for _ in range(2)))
        self.narrows = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairs)
        self.decoders = nn.ModuleList(ResidualBlock(width, normalise=True) for width in widths[:-1])
        self.head = nn.Conv2d(widths[0], 4 * structures, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 4, H, W), RGB and field of view in [0, 1], to logits (B, structures, H, W)."""
        y = self.stem(x)  # B, widths[0], H/2, W/2
        skips: list[Tensor] = []
        for encoder, down in zip(self.encoders, self.downs, strict=True):
            skips.append(encoder(y))
            y = down(skips[-1])
        y = self.bottom(y)  # B, widths[-1], H/2^n, W/2^n
        for skip, narrow, decoder in zip(reversed(skips), reversed(self.narrows), reversed(self.decoders), strict=True):
            y = decoder(torch.relu(skip + double(narrow(y))))
        logits: Tensor = shuffled(self.head(y))  # B, structures, H, W
        return logits


class Probability(nn.Module):
    """A segmenter for export: probabilities instead of logits, 0 outside the field of view.

    Args:
        segmenter: the network.
        mirrored: look at the mirror images, too, and take the mean.
    """

    def __init__(self, segmenter: Segmenter, *, mirrored: bool = False) -> None:
        super().__init__()
        self.segmenter = segmenter
        self.views = MIRRORS if mirrored else MIRRORS[:1]

    def forward(self, local: Tensor) -> Tensor:
        """(1, 4, H, W), RGB and field of view in [0, 1], to probabilities (1, structures, H, W)."""
        answers = torch.sigmoid(self.segmenter(torch.cat([local.flip(axes) for axes in self.views])))
        return upright(answers, self.views) * local[:, 3:]
