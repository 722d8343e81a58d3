"""What the networks for quality assessment are trained for."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from cofenet.networks.assessor import Assessor
from cofenet.networks.fusion import Fusion
from cofenet.training import losses
from cofenet.training.grades import Graded, GradedExamples, load_graded
from cofenet.training.objective import Batch, Data, Objective
from cofenet.training.recipe import Mixture


class QualityObjective(Objective):
    """Grade as people do, and tell how much each factor took."""

    validated = 400

    def network(self) -> nn.Module:
        """See base."""
        return Assessor()

    def data(self, manifest: Path, split: str, cache: Path) -> Graded:
        """See base."""
        tasks = [task for source in self.recipe.sources for task in source.tasks]
        return load_graded(manifest, split, tasks, self.recipe.canvas, cache)

    def examples(self, data: Data, mixture: Mixture, seed: int, count: int) -> Dataset[Batch]:
        """See base."""
        return GradedExamples(cast("Graded", data), mixture, seed, self.recipe.size, count)

    @property
    def validation(self) -> Mixture:
        """Mostly photographs as they were graded."""
        return Mixture(kinds={"000": 0.8, "111": 0.2}, presets={"published": 1.0})

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """See base."""
        logits, severity = network(batch["input"])
        truth, known = batch["severity"].flatten(1), batch["known"].flatten(1)
        found = {
            "grade": lambda: losses.grade(logits, batch["grade"].flatten(1)),
            "severity": lambda: losses.severity(severity, truth, known),
            "change": lambda: losses.change(severity, truth, known),
        }
        return torch.stack([weight * found[name]() for name, weight in self.recipe.losses.items()]).sum()

    def figures(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Share graded as people did, and mean absolute error of the severities."""
        logits, severity = network(batch["input"])
        grade, known = batch["grade"].flatten(1), batch["known"].flatten() > 0
        right = logits[:, -1].argmax(1) == grade.argmax(1)
        error = (torch.sigmoid(severity) - batch["severity"].flatten(1)).abs().mean(1)
        return {"accuracy": right[grade.sum(1) > 0].float(), "severity_error": error[known]}


class QualityFusionObjective(QualityObjective):
    """The same by multi-colour-space fusion."""

    def network(self) -> nn.Module:
        """See base."""
        return Fusion()
