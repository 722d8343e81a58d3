"""The low-quality activation module (LQA) of the reference network: a map of where the photograph is degraded."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from cofenet.networks.blocks import convolution, doubling


class LowQualityActivation(nn.Module):
    """An encoder and decoder that know nothing of the rest of the network.

    Args:
        width: of the network it belongs to; 32 as published.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        w1, w2, w3 = 2 * width, 4 * width, 8 * width
        self.encoders = nn.ModuleList([convolution(3, w1), convolution(w1, w2), convolution(w2, w3)])
        self.decoders = nn.ModuleList(
            nn.Sequential(convolution(a, b), nn.ReLU(), doubling(b, b), nn.ReLU())
            for a, b in ((w3, w3), (w3, w2), (w2, w1))
        )
        self.head = nn.Conv2d(w1, 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W), RGB in [0, 1], to the activation (B, 1, H/2, W/2), which has no bounds."""
        y = max_pool2d(image, 2)  # B, 3, H/2, W/2
        for encoder in self.encoders:
            y = max_pool2d(torch.relu(encoder(y)), 2)  # in the end B, 8 width, H/16, W/16
        for decoder in self.decoders:
            y = decoder(y)  # in the end B, 2 width, H/2, W/2
        activation: Tensor = self.head(y)
        return activation
