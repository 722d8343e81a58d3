"""Multi-colour-space fusion after EyeQ: three trunks look at RGB, HSV and LAB, and are fused twice.

H. Fu et al., "Evaluation of Retinal Image Quality Assessment Networks in Different Color-Spaces", MICCAI 2019
(arXiv 1907.05345), with the trunk of `encoder` in place of DenseNet121, which makes it comparable with `assessor`.
Each trunk answers, their features together answer (feature-level fusion), and the four answers together give the last
one (prediction-level fusion). Unlike the released code, colours are scaled to [0, 1] in each space.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cofenet.networks.assessor import FACTORS, GRADES
from cofenet.networks.encoder import FEATURES, Encoder


class Fusion(nn.Module):
    """Three trunks, five answers, of which the last is the network's."""

    def __init__(self) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(Encoder() for _ in range(3))
        self.grades = nn.ModuleList(nn.Linear(FEATURES, len(GRADES)) for _ in range(3))
        self.features = nn.Linear(3 * FEATURES, len(GRADES))
        self.predictions = nn.Linear(4 * len(GRADES), len(GRADES))
        self.severity = nn.Linear(3 * FEATURES, len(FACTORS))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 4, H, W), RGB and field of view in [0, 1], to logits of the grade (B, 5, 3) and the severities (B, 4)."""
        rgb = x[:, :3]
        seen = [encoder(space) for encoder, space in zip(self.encoders, (rgb, hsv(rgb), lab(rgb)), strict=True)]
        together = torch.cat(seen, 1)  # B, 3 FEATURES
        answers = [grade(features) for grade, features in zip(self.grades, seen, strict=True)]
        answers.append(self.features(together))
        answers.append(self.predictions(torch.sigmoid(torch.cat(answers, 1))))
        return torch.stack(answers, 1), self.severity(together)


def hsv(rgb: Tensor) -> Tensor:
    """Hue, saturation and value in [0, 1] (A. R. Smith, SIGGRAPH 1978) of (B, 3, H, W) in [0, 1]."""
    value, low = rgb.amax(1), rgb.amin(1)
    span = value - low
    red, green, blue = (((value - plane) / span.clamp_min(1e-6)) for plane in rgb.unbind(1))
    hue = torch.where(rgb[:, 0] == value, blue - green, 4 + green - red)
    hue = torch.where((rgb[:, 1] == value) & (rgb[:, 0] != value), 2 + red - blue, hue)
    hue = torch.where(span > 0, (hue / 6) % 1, torch.zeros_like(hue))
    return torch.stack([hue, span / value.clamp_min(1e-6), value], 1)


def lab(rgb: Tensor) -> Tensor:
    """L* / 100 and a*, b* / 255 + 1 / 2 of sRGB (IEC 61966-2-1, CIE 15:2004; white D65), (B, 3, H, W) in [0, 1]."""
    linear = torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055).clamp_min(0) ** 2.4)
    xyz = torch.einsum("ij,bjhw->bihw", rgb.new_tensor(_XYZ), linear)
    cube = torch.where(xyz > 216 / 24389, xyz.clamp_min(1e-6) ** (1 / 3), (24389 / 27 * xyz + 16) / 116)
    x, y, z = cube.unbind(1)
    return torch.stack([1.16 * y - 0.16, 500 * (x - y) / 255 + 0.5, 200 * (y - z) / 255 + 0.5], 1)


_XYZ = (
    (0.4124564 / 0.95047, 0.3575761 / 0.95047, 0.1804375 / 0.95047),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339 / 1.08883, 0.1191920 / 1.08883, 0.9503041 / 1.08883),
)
"""From linear sRGB to X, Y, Z over those of white."""
