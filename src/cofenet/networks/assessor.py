"""Quality assessment: the grade of EyeQ and the severity of each factor, from one look at the whole photograph."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cofenet.networks.encoder import FEATURES, Encoder

GRADES = ("good", "usable", "reject")
"""Of EyeQ (Fu et al. 2019), in the order of its labels 0, 1, 2."""

FACTORS = ("illumination", "contrast", "artifact", "blur")
"""Of `cofenet.metrics.severity`, in the order in which they are answered."""


class Assessor(nn.Module):
    """One trunk, one answer."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.grade = nn.Sequential(nn.Dropout(0.2), nn.Linear(FEATURES, len(GRADES)))
        self.severity = nn.Linear(FEATURES, len(FACTORS))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 4, H, W), RGB and field of view in [0, 1], to logits of the grade (B, 1, 3) and the severities (B, 4)."""
        features = self.encoder(x[:, :3])
        return self.grade(features)[:, None], self.severity(features)


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
