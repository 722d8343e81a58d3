"""The retinal structure activation module (RSA) of the reference network: a vessel segmenter whose features are lent.

The segmenter is CE-Net (Gu et al., IEEE TMI 38(10), 2019): a ResNet of 34 layers, a context of dilated convolutions, a
pyramid of pooled features, and a decoder. Its features at a half, a quarter and an eighth of the resolution go into the
trunk of the reference network; its map of vessels is for training.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, max_pool2d

from cofenet.networks.blocks import ResidualBlock, convolution, doubling

MULTIPLE = 32
"""Sides of the input must be multiples of this."""

DEPTHS = (3, 4, 6, 3)
"""Residual blocks at each scale: those of ResNet-34 (He et al. 2016, table 1)."""

_POOLS = (2, 3, 5, 6)
"""Pixels over which the pyramid pools, at a thirty-second of the resolution."""

SMALLEST = MULTIPLE * max(_POOLS)
"""Pixels a side that the input must have for the pyramid to pool over."""


class Structure(NamedTuple):
    """What the module knows of a photograph (B, 3, H, W)."""

    features: tuple[Tensor, Tensor, Tensor]
    """(B, 2 width, H/2, W/2), (B, 2 width, H/4, W/4) and (B, 4 width, H/8, W/8)."""

    vessels: Tensor
    """(B, 1, H, W): how likely each pixel is vessel, 0 to 1."""


class StructureActivation(nn.Module):
    """From a photograph to features of its vessels, and the vessels.

    Args:
        width: of the network it belongs to; 32 as published.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        w1, w2, w3, w4 = 2 * width, 4 * width, 8 * width, 16 * width
        self.stem = nn.Sequential(nn.Conv2d(3, w1, 7, 2, 3, bias=False), nn.BatchNorm2d(w1))
        pairs = ((w1, w1), (w1, w2), (w2, w3), (w3, w4))
        self.encoders = nn.ModuleList(_stage(a, b, depth) for (a, b), depth in zip(pairs, DEPTHS, strict=True))
        self.context = _Context(w4)
        self.pyramid = nn.Conv2d(w4, 1, 1)
        self.decoders = nn.ModuleList([_rise(w4 + len(_POOLS), w3), _rise(w3, w2), _rise(w2, w1), _rise(w1, w1)])
        self.head = nn.Sequential(
            doubling(w1, width), nn.ReLU(), convolution(width, width), nn.ReLU(), convolution(width, 1)
        )

    def forward(self, image: Tensor) -> Structure:
        """(B, 3, H, W), RGB in [0, 1], to its structure."""
        y = torch.relu(self.stem(3.2 * image - 1.6))  # B, 2 width, H/2, W/2
        y = max_pool2d(y, 3, 2, 1)  # B, 2 width, H/4, W/4
        skips: list[Tensor] = []
        for encoder in self.encoders:
            y = encoder(y)
            skips.append(y)
        y = self._pooled(self.context(y))  # B, 16 width + 4, H/32, W/32
        risen: list[Tensor] = []
        for decoder, skip in zip(self.decoders, [*skips[2::-1], None], strict=True):
            y = decoder(y) if skip is None else decoder(y) + skip
            risen.append(y)
        eighth, quarter, half = risen[1:]
        return Structure((half, quarter, eighth), torch.sigmoid(self.head(half)))

    def _pooled(self, y: Tensor) -> Tensor:
        """Put the largest value around, over several distances, in front of the features."""
        size = y.shape[2:]
        planes = [
            interpolate(self.pyramid(max_pool2d(y, pool)), size, mode="bilinear", align_corners=False)
            for pool in _POOLS
        ]
        return torch.cat([*planes, y], 1)


class _Halving(nn.Module):
    """The residual block of ResNet that halves the size."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = convolution(inputs, outputs, stride=2, normalise=True)
        self.second = convolution(outputs, outputs, normalise=True)
        self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, 2, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.second(torch.relu(self.first(x)))
        return torch.relu(self.shortcut(x) + y)


def _stage(inputs: int, outputs: int, depth: int) -> nn.Sequential:
    first = ResidualBlock(outputs, normalise=True) if inputs == outputs else _Halving(inputs, outputs)
    return nn.Sequential(first, *(ResidualBlock(outputs, normalise=True) for _ in range(depth - 1)))


class _Context(nn.Module):
    """Dilated convolutions in cascades of one to three, which share their weights."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.dilated = nn.ModuleList(nn.Conv2d(channels, channels, 3, 1, d, d) for d in (1, 3, 5))
        self.mix = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        near, middle, far = self.dilated
        direct, cascade = middle(x), middle(near(x))
        parts = [near(x), self.mix(direct), self.mix(cascade), self.mix(far(cascade))]
        return x + sum(torch.relu(part) for part in parts)


def _rise(inputs: int, outputs: int) -> nn.Sequential:
    """Double the size through a bottleneck of a quarter of the channels."""
    narrow = inputs // 4
    return nn.Sequential(
        nn.Conv2d(inputs, narrow, 1), nn.BatchNorm2d(narrow), nn.ReLU(),
        nn.ConvTranspose2d(narrow, narrow, 3, 2, 1, 1), nn.BatchNorm2d(narrow), nn.ReLU(),
        nn.Conv2d(narrow, outputs, 1), nn.BatchNorm2d(outputs), nn.ReLU(),
    )  # fmt: skip
