"""Probabilities that mean what they say.

A network's answers are scaled and shifted until they do, on photographs that it did not learn from.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from cofenet.geometry import resize
from cofenet.networks.assessor import Calibration
from cofenet.training.grades import Graded, load_graded

_SPLIT = "val"
_ROUNDS = 200
_DECAY = 1e-3
"""Of squared shifts: keeps a grade that is missing from going to minus infinity."""


def calibrate(network: nn.Module, manifest: Path, size: int, cache: Path) -> Calibration:
    """Calibrate the grades on what people graded of the validation split.

    Args:
        network: from (B, 4, S, S) to logits (B, A, 3) and severities; in evaluation mode. The last answer counts.
        manifest: as `cofenet.training.grades.load_graded` reads it.
        size: pixels a side of what the network looks at, S.
        cache: a folder in which the photographs are kept for the next time.

    Raises:
        UsageError: the manifest cannot be read, or gives no photographs.
    """
    graded = load_graded(manifest, _SPLIT, ["quality"], size, cache)
    return fit(_logits(network, graded, size), torch.from_numpy(graded.grades))


def fit(logits: Tensor, grades: Tensor) -> Calibration:
    """The calibration of logits (N, 3) with the highest likelihood of grades, int64 (N,).

    One scale for all (temperature, Guo et al., ICML 2017, section 4.2) and a shift for each grade, since grades need
    not be as frequent among the photographs as among the examples that the network learned from.
    """
    calibration = Calibration()
    optimiser = torch.optim.LBFGS(calibration.parameters(), max_iter=_ROUNDS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        value = cross_entropy(calibration(logits), grades) + _DECAY * calibration.shift.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    return calibration.requires_grad_(False)


@torch.no_grad()
def _logits(network: nn.Module, graded: Graded, size: int) -> Tensor:
    found = []
    for image, mask in zip(graded.photographs.images, graded.photographs.masks, strict=True):
        planes = [*np.moveaxis(resize(image, (size, size)), 2, 0) / np.float32(255)]
        planes.append(resize(mask.astype(np.float32), (size, size)))
        found.append(cast("Tensor", network(torch.from_numpy(np.stack(planes))[None])[0])[:, -1])
    return torch.cat(found)
