"""What the training of networks that give a picture has in common: photographs, losses, figures, a sheet to look at."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import Dataset

from cofenet.training import losses
from cofenet.training.evenness import evenly_lit
from cofenet.training.examples import PatchedExamples
from cofenet.training.objective import Batch, Data, Objective
from cofenet.training.photographs import Photographs, listed, load
from cofenet.training.recipe import Mixture

PICTURE = {
    "absolute": losses.absolute,
    "root_mean_square": losses.root_mean_square,
    "decibels": losses.decibels,
    "gradient": losses.gradient,
    "structure": losses.structure,
    "contrast": losses.contrast,
    "chromaticity": losses.chromaticity,
}
"""The losses that compare two pictures."""


class Restoration(Objective):
    """Networks that give a picture."""

    @abstractmethod
    def restore(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """The network's picture, what it should be, and losses of the network's own."""

    def data(self, manifest: Path, split: str, cache: Path) -> Photographs:
        """See base."""
        sources = self.recipe.sources
        paths = [path for source in sources for path in listed(manifest, split, source.tasks, source.labels)]
        photographs = load(list(dict.fromkeys(paths)), self.recipe.canvas, cache)
        if not self.recipe.even:
            return photographs
        pairs = zip(photographs.images, photographs.masks, strict=True)
        return photographs.chosen([evenly_lit(image, mask) for image, mask in pairs])

    @property
    def validation(self) -> Mixture:
        """The published recipe."""
        return Mixture(kinds={"111": 1.0}, presets={"published": 1.0})

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """See base."""
        image, target, own = self.restore(network, batch)
        image, target = self.compared(image, target, batch)
        mask = batch["mask"]
        total = torch.zeros((), device=image.device)
        for name, weight in self.recipe.losses.items():
            total = total + weight * (own[name] if name in own else PICTURE[name](image, target, mask))
        return total

    def compared(self, image: Tensor, target: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """What losses compare: the two as they are, if not told otherwise."""
        del batch
        return image, target

    def figures(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """PSNR inside the field of view, dB, of input and restored picture, and whether the latter is worse."""
        image, target, _ = self.restore(network, batch)
        pair = (batch["input"][:, :3], image.clamp(0, 1))
        errors = [losses.masked_mean((x - target) ** 2, batch["mask"]) for x in pair]
        seen = batch["mask"].amax(dim=(1, 2, 3)) > 0
        before, after = -10 * torch.log10(torch.stack(errors)[:, seen] + 1e-6)
        return {"psnr_input": before, "psnr": after, "worse": (after < before).float()}

    def sheet(self, network: nn.Module, batch: Batch) -> NDArray[np.uint8]:
        """A row a photograph (or patch): given, restored, truth; at most four, from all over the batch."""
        image, target, _ = self.restore(network, batch)
        stages = torch.stack([batch["input"][:, :3], image.clamp(0, 1), target], 1)  # B, 3, C, H, W
        chosen = torch.linspace(0, len(stages) - 1, min(4, len(stages))).long()
        rows = stages[chosen.to(stages.device)].permute(0, 3, 1, 4, 2)  # rows, H, 3, W, C
        sheet = rows.reshape(rows.shape[0] * rows.shape[1], -1, 3)
        return np.asarray((255 * sheet).round().byte().cpu().numpy(), np.uint8)


class PatchRestoration(Restoration):
    """Those that see patches.

    Attributes:
        seen: the examples.
    """

    seen: type[PatchedExamples]

    def examples(self, data: Data, mixture: Mixture, seed: int, count: int) -> Dataset[Batch]:
        """See base."""
        recipe = self.recipe
        return self.seen(cast("Photographs", data), mixture, seed, recipe.size, count, recipe.patches)
