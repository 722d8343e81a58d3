"""Calibration: probabilities that were distorted come back; what is right already stays."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cofenet.metrics.agreement import calibration_error
from cofenet.training.calibration import fit


@pytest.mark.parametrize(("scale", "shift"), [(1.0, (0, 0, 0)), (3.0, (0, 0, 0)), (0.5, (1.5, -1.0, 0))])
def test_a_known_distortion_is_undone(scale: float, shift: tuple[float, ...]) -> None:
    rng = torch.Generator().manual_seed(0)
    true = 1.5 * torch.randn(6000, 3, generator=rng)
    grades = torch.multinomial(torch.softmax(true, 1), 1, generator=rng)[:, 0]
    distorted = scale * true + torch.tensor(shift)
    with torch.no_grad():
        found = torch.softmax(fit(distorted, grades)(distorted), 1)
    assert calibration_error(grades.numpy(), found.double().numpy()) < 0.02
    assert float((found - torch.softmax(true, 1)).abs().mean()) < 0.02


def test_a_grade_that_is_missing_stays_possible() -> None:
    logits = torch.from_numpy(np.random.default_rng(0).normal(size=(50, 3))).float()
    calibration = fit(logits, torch.zeros(50, dtype=torch.int64))
    assert torch.isfinite(calibration.shift).all()
    assert torch.isfinite(calibration.scale).all()
