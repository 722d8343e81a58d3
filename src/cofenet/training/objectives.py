"""What each network is trained for: its examples, its loss and the figure it is validated by."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import cast

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from cofenet.networks.detail import Detail
from cofenet.networks.field import IlluminationField, apply_field
from cofenet.training import losses
from cofenet.training.examples import DetailExamples, FieldExamples
from cofenet.training.photographs import Photographs
from cofenet.training.recipe import Mixture, Recipe

Batch = dict[str, Tensor]


class Objective(ABC):
    """A network and what is asked of it."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe

    @abstractmethod
    def network(self) -> nn.Module:
        """A fresh network."""

    @abstractmethod
    def examples(self, photographs: Photographs, mixture: Mixture, seed: int, count: int) -> Dataset[Batch]:
        """`count` examples; a batch is a dict of tensors."""

    @abstractmethod
    def restore(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """The network's picture, what it should be, and losses of the network's own."""

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """The weighted sum of the recipe's losses."""
        image, target, own = self.restore(network, batch)
        mask = batch["mask"]
        total = torch.zeros((), device=image.device)
        for name, weight in self.recipe.losses.items():
            total = total + weight * (own[name] if name in own else _PICTURE[name](image, target, mask))
        return total

    def psnr(self, network: nn.Module, batch: Batch) -> Tensor:
        """PSNR inside the field of view, dB, of input and restored picture: (2, n), n <= B of them show any of it."""
        image, target, _ = self.restore(network, batch)
        pair = (batch["input"][:, :3], image.clamp(0, 1))
        errors = [losses.masked_mean((x - target) ** 2, batch["mask"]) for x in pair]
        seen = batch["mask"].amax(dim=(1, 2, 3)) > 0
        return -10 * torch.log10(torch.stack(errors)[:, seen] + 1e-6)


_PICTURE = {
    "absolute": losses.absolute,
    "root_mean_square": losses.root_mean_square,
    "gradient": losses.gradient,
    "structure": losses.structure,
}


class FieldObjective(Objective):
    """Undo the light: the field, predicted from the degraded photograph, turns the lit one into the clean one."""

    def network(self) -> nn.Module:
        """See base."""
        widths = cast("tuple[int, int, int, int]", self.recipe.widths)
        return IlluminationField(widths) if widths else IlluminationField()

    def examples(self, photographs: Photographs, mixture: Mixture, seed: int, count: int) -> Dataset[Batch]:
        """See base."""
        return FieldExamples(photographs, mixture, seed, self.recipe.size, count)

    def restore(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """See base."""
        return apply_field(network(batch["input"]), batch["lit"]), batch["clean"], {}


class DetailObjective(Objective):
    """Undo spots and blur: the residual turns the degraded patch into the same patch in the wrong light only."""

    def network(self) -> nn.Module:
        """See base."""
        widths = cast("tuple[int, int, int]", self.recipe.widths)
        return Detail(widths) if widths else Detail()

    def examples(self, photographs: Photographs, mixture: Mixture, seed: int, count: int) -> Dataset[Batch]:
        """See base."""
        return DetailExamples(photographs, mixture, seed, self.recipe.size, count, self.recipe.patches)

    def restore(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """See base."""
        degraded, target = batch["input"][:, :3], batch["lit"]
        residual, gate = network(batch["input"])
        own = {"activation": losses.activation(gate, target - degraded, batch["mask"])}
        return degraded + residual, target, own


def objective(recipe: Recipe) -> Objective:
    """The objective that a recipe names."""
    return {"field": FieldObjective, "detail": DetailObjective}[recipe.network](recipe)
