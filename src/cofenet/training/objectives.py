"""What each network is trained for: its examples, its loss and the figure it is validated by."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d
from torch.utils.data import Dataset

from cofenet.networks.detail import Detail
from cofenet.networks.field import IlluminationField, apply_field
from cofenet.networks.reference import Answer, Reference, Variant
from cofenet.networks.segmentation import Segmenter
from cofenet.networks.sharpening import Sharpening
from cofenet.tasks.segmentation import Structure
from cofenet.training import losses
from cofenet.training.assessing import QualityFusionObjective, QualityObjective
from cofenet.training.examples import DetailExamples, FieldExamples, ReferenceExamples, SharpeningExamples
from cofenet.training.fine import CoarseObjective, FineObjective
from cofenet.training.labelled import Labelled, load_labelled
from cofenet.training.objective import Batch, Data, Objective
from cofenet.training.photographs import Photographs
from cofenet.training.recipe import Mixture, Recipe
from cofenet.training.restoration import PICTURE, PatchRestoration, Restoration
from cofenet.training.structures import DiscExamples, PatchExamples, StructureExamples, WholeExamples
from cofenet.training.taught import TAUGHT, teach


class FieldObjective(Restoration):
    """Undo the light: the field, predicted from the degraded photograph, turns the lit one into the clean one."""

    def network(self) -> nn.Module:
        """See base."""
        widths = cast("tuple[int, int, int, int]", self.recipe.widths)
        return IlluminationField(widths) if widths else IlluminationField()

    def examples(self, data: Data, mixture: Mixture, seed: int, count: int) -> Dataset[Batch]:
        """See base."""
        return FieldExamples(cast("Photographs", data), mixture, seed, self.recipe.size, count)

    def restore(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """See base."""
        return apply_field(network(batch["input"]), batch["lit"]), batch["clean"], {}


class DetailObjective(PatchRestoration):
    """Undo spots and blur: the residual turns the degraded patch into the same patch in the wrong light only."""

    seen = DetailExamples

    def network(self) -> nn.Module:
        """See base."""
        widths = cast("tuple[int, int, int]", self.recipe.widths)
        return Detail(widths) if widths else Detail()

    def restore(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """See base."""
        degraded, target = batch["input"][:, :3], batch["lit"]
        residual, gate = network(batch["input"])
        own = {"activation": losses.activation(gate, target - degraded, batch["mask"])}
        return degraded + residual, target, own


class SharpeningObjective(PatchRestoration):
    """Undo blur, whatever the light, and leave spots alone."""

    seen = SharpeningExamples

    def network(self) -> nn.Module:
        """See base."""
        return Sharpening(*self.recipe.widths)

    def restore(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """See base."""
        return network(batch["input"]), batch["sharp"], {}


class ReferenceObjective(Restoration):
    """Turn the degraded photograph into the clean one, at each scale; know its vessels, and where it is degraded."""

    layout = torch.contiguous_format
    """With channels last, PyTorch 2.13 writes beyond its arrays in this network's backward pass, and is aborted."""

    def network(self) -> nn.Module:
        """See base."""
        shape = self.recipe.reference
        scales: Literal["two", "single"] = "two" if shape.scales == 2 else "single"
        variant = Variant(scales, structure=shape.rsa, activation="added" if shape.lqa else "none")
        return Reference(variant, shape.width)

    def data(self, manifest: Path, split: str, cache: Path) -> Photographs:
        """See base; with the structures that the losses compare."""
        photographs = super().data(manifest, split, cache)
        return teach(photographs, cache) if self._taught else photographs

    def examples(self, data: Data, mixture: Mixture, seed: int, count: int) -> Dataset[Batch]:
        """See base."""
        kind = ReferenceExamples if self._taught else FieldExamples
        return kind(cast("Photographs", data), mixture, seed, self.recipe.size, count)

    @property
    def _taught(self) -> bool:
        return not self.recipe.losses.keys().isdisjoint(TAUGHT)

    def restore(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """See base; all losses are of the network's own, since it is judged at each of its scales."""
        answer = network(batch["input"][:, :3].contiguous())
        return answer.image, batch["clean"], {name: _reference_loss(name, answer, batch) for name in self.recipe.losses}


def _reference_loss(name: str, answer: Answer, batch: Batch) -> Tensor:
    mask = batch["mask"]
    if name == "activation":
        return losses.unbounded_activation(
            cast("Tensor", answer.activation), batch["lit"] - batch["input"][:, :3], mask
        )
    if name == "vessels":
        return losses.vessels(cast("Tensor", answer.vessels), batch["structures"][:, :1], mask)
    total = torch.zeros((), device=mask.device)
    for factor, image in enumerate((answer.image, answer.coarse), 1):
        if image is not None:
            target, seen = (avg_pool2d(batch[layer], factor) for layer in ("clean", "mask"))
            if name == "disc":
                total = total + losses.disc(image, target, seen, avg_pool2d(batch["structures"][:, 1:], factor))
            else:
                total = total + PICTURE[name](image, target, seen)
    return total


class Segmentation(Objective):
    """Say of each pixel how likely it belongs to a structure."""

    structures: tuple[Structure, ...]
    widths: tuple[int, ...]
    seen: type[StructureExamples]

    def network(self) -> nn.Module:
        """See base."""
        return Segmenter(len(self.structures), self.recipe.widths or self.widths)

    def data(self, manifest: Path, split: str, cache: Path) -> Labelled:
        """See base."""
        drawn, taught = (
            [task for source in self.recipe.sources if source.taught is by_networks for task in source.tasks]
            for by_networks in (False, True)
        )
        return load_labelled(manifest, split, drawn, self.structures, self.recipe.canvas, cache, taught)

    def examples(self, data: Data, mixture: Mixture, seed: int, count: int) -> Dataset[Batch]:
        """See base."""
        recipe = self.recipe
        return self.seen(cast("Labelled", data), mixture, seed, recipe.size, count, recipe.patches)

    @property
    def validation(self) -> Mixture:
        """Good and low-quality photographs, half and half."""
        return Mixture(kinds={"000": 0.5, "111": 0.5}, presets={"published": 1.0}, scale=self.recipe.mixture.scale)

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """See base."""
        logits, weight = network(batch["input"]), batch["mask"] * batch["known"]
        total = torch.zeros((), device=logits.device)
        for name, share in self.recipe.losses.items():
            total = total + share * _STRUCTURE[name](logits, batch["target"], weight)
        return total

    def figures(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Dice of each structure where it is drawn, with a threshold of a half."""
        weight = batch["mask"] * batch["known"]
        found, drawn = ((x > 0.5).float() * weight for x in (torch.sigmoid(network(batch["input"])), batch["target"]))
        sizes = found.sum((2, 3)) + drawn.sum((2, 3))
        dice = 2 * (found * drawn).sum((2, 3)) / sizes.clamp_min(1)
        there = drawn.sum((2, 3)) > 0
        return {f"dice_{name}": dice[there[:, k], k] for k, name in enumerate(self.structures)}


_STRUCTURE = {"cross_entropy": losses.cross_entropy, "overlap": losses.overlap}


class VesselsObjective(Segmentation):
    """Vessels, at any scale from 500 pixels a field of view upwards."""

    structures, widths, seen = ("vessels",), (24, 48, 96, 128), PatchExamples


class DiscFinderObjective(Segmentation):
    """Where the disc is, seen from afar."""

    structures, widths, seen = ("disc",), (16, 32, 64, 128), WholeExamples


class DiscObjective(Segmentation):
    """Disc and cup, seen from near."""

    structures, widths, seen = ("disc", "cup"), (16, 32, 64, 96, 128), DiscExamples


_OBJECTIVES: dict[str, type[Objective]] = {
    "field": FieldObjective,
    "detail": DetailObjective,
    "sharpening": SharpeningObjective,
    "coarse": CoarseObjective,
    "fine": FineObjective,
    "reference": ReferenceObjective,
    "vessels": VesselsObjective,
    "disc-finder": DiscFinderObjective,
    "disc": DiscObjective,
    "quality": QualityObjective,
    "quality-fusion": QualityFusionObjective,
}


def objective(recipe: Recipe) -> Objective:
    """The objective that a recipe names."""
    return _OBJECTIVES[recipe.network](recipe)
