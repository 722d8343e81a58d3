"""Quality assessment: the grade of EyeQ and the severity of each factor, from one look at the whole photograph."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cofenet.networks.encoder import FEATURES, Encoder
from cofenet.networks.spectrum import SEGMENT, inner, spectra, waves

GRADES = ("good", "usable", "reject")
"""Of EyeQ (Fu et al. 2019), in the order of its labels 0, 1, 2."""

FACTORS = ("illumination", "contrast", "artifact", "blur")
"""Of `cofenet.metrics.severity`, in the order in which they are answered."""


_EDGE = 4
"""Pixels at the edge of the field of view that spectra do not look at: blur has carried the black outside there."""

_COARSE, _STEEP = 4, 3.0
"""Of a spectrum: the coarsest bins, with which all are compared, and by what the differences are divided."""


_LESS = 0.4
"""Share of what the spectrum tells of contrast that is believed.

With 1 strong veils, rounded to 8 bits, came out as no worse than weaker ones. With this they do not, and blur is told
from veils hardly less often.
"""


class Assessor(nn.Module):
    """One trunk, one answer; what of sharpness was lost is told by the spectrum, too."""

    LATER = ("spectral",)
    """Parts that older models lack, and that change nothing at first."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.grade = nn.Sequential(nn.Dropout(0.2), nn.Linear(FEATURES, len(GRADES)))
        self.severity = nn.Linear(FEATURES, len(FACTORS))
        self.spectral = Spectral()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 4, H, W), RGB and field of view in [0, 1], to logits of the grade (B, 1, 3) and the severities (B, 4)."""
        features = self.encoder(x[:, :3])
        return self.grade(features)[:, None], self.severity(features) + self.spectral(x, features)


class Spectral(nn.Module):
    """What the spectrum adds to the severities of contrast and of blur, in the light of what the trunk sees.

    A blur lowers the end of a spectrum's logarithm by what it always does, whatever the photograph shows: a difference
    between two pictures of one photograph that a trunk, which must tell it from those between photographs, hardly
    sees. A veil lowers all of it by the same; so it is the shape that is looked at.

    Args:
        width: of its layers.
    """

    waves: Tensor

    def __init__(self, width: int = 96) -> None:
        super().__init__()
        self.register_buffer("waves", waves(), persistent=False)
        self.first = nn.Linear(SEGMENT, width)
        self.seen = nn.Linear(FEATURES, width)
        self.second = nn.Linear(width, width)
        self.last = nn.Linear(width, 2)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, x: Tensor, features: Tensor) -> Tensor:
        """(B, 4, H, W) and (B, FEATURES) to what is added to the logits of `FACTORS`, (B, 4)."""
        told = spectra(x[:, 1], inner(x[:, 3:], _EDGE)[:, 0], self.waves)
        shapes = torch.cat([one - one[:, :_COARSE].mean(1, keepdim=True) for one in told], 1) / _STEEP
        y = torch.relu(self.first(shapes) + self.seen(features))
        contrast, blur = self.last(torch.relu(self.second(y))).split(1, 1)
        nothing = torch.zeros_like(blur)
        return torch.cat([nothing, _LESS * contrast, nothing, blur], 1)


class Calibration(nn.Module):
    """One scale for all logits and a shift for each grade; at first neither changes anything."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.shift = nn.Parameter(torch.zeros(len(GRADES)))

    def forward(self, logits: Tensor) -> Tensor:
        """(B, 3) to (B, 3)."""
        return logits * self.scale + self.shift


class Assessment(nn.Module):
    """An assessor for export: calibrated probabilities instead of logits, by the last answer."""

    def __init__(self, assessor: nn.Module, calibration: Calibration | None = None) -> None:
        super().__init__()
        self.assessor, self.calibration = assessor, calibration or Calibration()

    def forward(self, whole: Tensor) -> tuple[Tensor, Tensor]:
        """(1, 4, H, W) to probabilities of the grades (1, 3) and severities of the factors (1, 4), 0 to 1."""
        grade, severity = self.assessor(whole)
        return torch.softmax(self.calibration(grade[:, -1]), 1), torch.sigmoid(severity)
