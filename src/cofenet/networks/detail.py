"""Local detail: what blur and spots changed, as a bounded residual, and a map of where the photograph is degraded.

The map is the low-quality activation: it is learned from the true map that the simulator knows. It does not gate the
residual: gated, both sink to zero early in training and stay there.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cofenet.networks.blocks import ResidualBlock, convolution, double, shuffled

MULTIPLE = 8
"""Sides of the input must be multiples of this."""

BOUND = 0.5
"""Largest change of an intensity: the brightest spot of the published training loader adds 0.35."""

_CLOSED = -3.0
"""Logit at which the activation starts: 0.05, the usual share of a photograph that is degraded."""


class Detail(nn.Module):
    """From a photograph at working resolution to a residual, and the activation that says where it is degraded.

    Args:
        widths: channels at a half, a quarter and an eighth of the resolution.
    """

    def __init__(self, widths: tuple[int, int, int] = (16, 32, 80)) -> None:
        super().__init__()
        w1, w2, w3 = widths
        self.stem = nn.Conv2d(4, w1, 6, stride=2, padding=2)
        self.encoder1 = ResidualBlock(w1, normalise=False)
        self.down2 = convolution(w1, w2, stride=2)
        self.encoder2 = ResidualBlock(w2, normalise=False)
        self.down3 = convolution(w2, w3, stride=2)
        self.bottom = nn.Sequential(*(ResidualBlock(w3, normalise=False) for _ in range(3)))
        self.narrow2 = nn.Conv2d(w3, w2, 1)
        self.decoder2 = ResidualBlock(w2, normalise=False)
        self.narrow1 = nn.Conv2d(w2, w1, 1)
        self.decoder1 = ResidualBlock(w1, normalise=False)
        self.head = nn.Conv2d(w1, 16, 3, 1, 1)
        self._start()

    def _start(self) -> None:
        """Start as no change, with the activation nearly closed.

        A residual of noise is quickest undone by features that die, and an open activation by one that saturates:
        both were seen, and neither comes back. Weights as of He et al. 2015 (eq. 10), for there is no normalisation.
        """
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d) and layer.weight.any():  # a residual block's second ones stay zero
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]
        with torch.no_grad():
            self.head.bias[12:] = _CLOSED  # type: ignore[index]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 4, H, W), RGB and field of view in [0, 1], to the residual (B, 3, H, W) and activation (B, 1, H, W)."""
        e1 = self.encoder1(torch.relu(self.stem(x)))  # B, w1, H/2, W/2
        e2 = self.encoder2(torch.relu(self.down2(e1)))  # B, w2, H/4, W/4
        y = self.bottom(torch.relu(self.down3(e2)))  # B, w3, H/8, W/8
        y = self.decoder2(torch.relu(e2 + double(self.narrow2(y))))  # B, w2, H/4, W/4
        y = self.decoder1(torch.relu(e1 + double(self.narrow1(y))))  # B, w1, H/2, W/2
        y = shuffled(self.head(y))  # B, 4, H, W
        activation = torch.sigmoid(y[:, 3:]) * x[:, 3:]
        residual: Tensor = BOUND * torch.tanh(y[:, :3] / BOUND) * x[:, 3:]
        return residual, activation
