"""The layers that several networks are built from."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate


class ResidualBlock(nn.Module):
    """Two 3 × 3 convolutions around a skip: relu(x + conv(relu(conv(x)))).

    Args:
        channels: of input and output.
        normalise: put batch normalisation after each convolution; it is folded into them on export. Without, the
            block starts as relu(x).
    """

    def __init__(self, channels: int, *, normalise: bool) -> None:
        super().__init__()
        self.first = convolution(channels, channels, normalise=normalise)
        self.second = convolution(channels, channels, normalise=normalise)
        if not normalise:
            nn.init.zeros_(self.second[0].weight)  # type: ignore[arg-type]
            nn.init.zeros_(self.second[0].bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same."""
        y: Tensor = self.second(torch.relu(self.first(x)))
        return torch.relu(x + y)


def convolution(inputs: int, outputs: int, *, stride: int = 1, normalise: bool = False) -> nn.Sequential:
    """A 3 × 3 convolution that keeps the size (or divides it by `stride`), with or without batch normalisation."""
    layer = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=not normalise)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs)) if normalise else nn.Sequential(layer)


def double(x: Tensor) -> Tensor:
    """(B, C, H, W) to (B, C, 2 H, 2 W), bilinearly."""
    return interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def doubling(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    """A transposed convolution that doubles the size, as the reference network has it."""
    return nn.ConvTranspose2d(inputs, outputs, 4, 2, 1)


def shuffled(x: Tensor) -> Tensor:
    """(B, 4 C, H, W) to (B, C, 2 H, 2 W), as `torch.nn.functional.pixel_shuffle` does (Shi et al., CVPR 2016).

    By two transpositions, which onnxruntime does in a third of the time of its own operator for it.
    """
    batch, channels, height, width = x.shape
    rows = x.view(batch, channels // 4, 2, 2, height, width).permute(0, 1, 2, 4, 5, 3)
    rows = rows.reshape(batch, channels // 4, 2, height, 2 * width)
    return rows.transpose(2, 3).reshape(batch, channels // 4, 2 * height, 2 * width)
