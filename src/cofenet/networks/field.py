"""The illumination field: one look at the whole photograph, one smooth map of local colour transforms.

Uneven light, veil and colour casts vary slowly over the retina and act on all colours of a place alike. Their inverse
is a 3 × 4 affine colour transform that varies slowly too. This network sees the whole photograph at 128 pixels and
answers with such transforms on a grid of 32 × 32, far too coarse to draw a vessel.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from cofenet.networks.blocks import ResidualBlock, convolution, double

INPUT = 128
"""Pixels a side of what the network sees."""

GRID = 32
"""Transforms a side."""


class IlluminationField(nn.Module):
    """From a whole photograph to a grid of colour transforms, as differences from the identity.

    Args:
        widths: channels at 64, 32, 16 and 8 pixels a side.
    """

    def __init__(self, widths: tuple[int, int, int, int] = (16, 48, 96, 128)) -> None:
        super().__init__()
        w1, w2, w3, w4 = widths
        self.encoder1 = _stage(4, w1, blocks=1)
        self.encoder2 = _stage(w1, w2, blocks=2)
        self.encoder3 = _stage(w2, w3, blocks=2)
        self.encoder4 = _stage(w3, w4, blocks=2)
        self.whole = nn.Sequential(nn.Linear(w4, w4), nn.ReLU(), nn.Linear(w4, w4))
        self.bottom = ResidualBlock(w4, normalise=True)
        self.narrow3 = nn.Conv2d(w4, w3, 1)
        self.decoder3 = ResidualBlock(w3, normalise=True)
        self.narrow2 = nn.Conv2d(w3, w2, 1)
        self.decoder2 = ResidualBlock(w2, normalise=True)
        self.head = nn.Conv2d(w2, 12, 3, 1, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """(B, 4, 128, 128), RGB and field of view in [0, 1], to the field (B, 12, 32, 32)."""
        e1 = self.encoder1(x)  # B, w1, 64, 64
        e2 = self.encoder2(e1)  # B, w2, 32, 32
        e3 = self.encoder3(e2)  # B, w3, 16, 16
        e4 = self.encoder4(e3)  # B, w4, 8, 8
        whole = self.whole(e4.mean(dim=(2, 3)))  # B, w4
        y = self.bottom(torch.relu(e4 + whole[:, :, None, None]))  # B, w4, 8, 8
        y = self.decoder3(torch.relu(e3 + double(self.narrow3(y))))  # B, w3, 16, 16
        y = self.decoder2(torch.relu(e2 + double(self.narrow2(y))))  # B, w2, 32, 32
        field: Tensor = self.head(y)  # B, 12, 32, 32
        return field


def apply_field(field: Tensor, image: Tensor) -> Tensor:
    """Apply a field (B, 12, G, G) to an image (B, 3, H, W): x + M x + b with M, b interpolated bicubically."""
    rows, columns = (_bicubic(field, length) for length in image.shape[2:])
    local = rows @ field @ columns.T  # B, 12, H, W
    matrix = local.view(-1, 3, 4, *image.shape[2:])  # B, 3, 4, H, W
    changed: Tensor = image + (matrix[:, :, :3] * image[:, None]).sum(2) + matrix[:, :, 3]
    return changed


def _bicubic(field: Tensor, length: int) -> Tensor:
    """The weights (length, G) of bicubic interpolation along one axis: as matrices, far faster to train through."""
    nodes = torch.eye(field.shape[-1], dtype=field.dtype, device=field.device)
    return interpolate(nodes[None, None], (length, len(nodes)), mode="bicubic", align_corners=False)[0, 0]


def _stage(inputs: int, outputs: int, *, blocks: int) -> nn.Sequential:
    """Halve the size, then refine."""
    refine = [ResidualBlock(outputs, normalise=True) for _ in range(blocks)]
    return nn.Sequential(convolution(inputs, outputs, stride=2, normalise=True), nn.ReLU(), *refine)
