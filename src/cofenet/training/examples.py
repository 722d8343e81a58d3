"""Training examples made on the fly: a photograph, changed at random, degraded by drawn parameters.

Example number i is a pure function of (recipe, seed, i), so that a resumed run sees what an undisturbed one would.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from cofenet.degradation import Parameters, sample, simulate
from cofenet.fov import FieldOfView
from cofenet.geometry import Circle, resize
from cofenet.networks.light import RIM
from cofenet.training.photographs import Photographs
from cofenet.training.recipe import Mixture

Name = TypeVar("Name", bound=str)


@dataclass(frozen=True)
class Example:
    """One photograph at three stages, uint8 (S, S, 3) each, its field of view, bool (S, S), and its structures.

    The structures are uint8 (S, S, K), how much of each pixel each covers; K is 0 where none are known. The parameters
    are those of the degradation.
    """

    clean: NDArray[np.uint8]
    lit: NDArray[np.uint8]
    degraded: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    structures: NDArray[np.uint8]
    parameters: Parameters

    def before_blur(self) -> NDArray[np.uint8]:
        """The photograph in the wrong light and with its spots, uint8 (S, S, 3)."""
        return np.asarray(simulate(self.lit, self.parameters.only("artifact"), filled(self.mask)), np.uint8)


def make(photographs: Photographs, mixture: Mixture, seed: int, index: int) -> Example:
    """Make example number `index`. `lit` is the photograph in the wrong light only, before spots and blur."""
    rng = np.random.default_rng([seed, index])
    chosen = int(rng.integers(len(photographs)))
    image, seen, *known = turned(rng, *photographs.layers(chosen))
    clean, mask = vary(image, seen, mixture, rng)
    return degraded(clean, mask, draw(mixture, rng), *known)


def degraded(
    clean: NDArray[np.uint8], mask: NDArray[np.bool_], parameters: Parameters, *known: NDArray[np.uint8]
) -> Example:
    """A photograph (S, S, 3) with its field of view (S, S), and its structures if any are known, degraded."""
    fov = filled(mask)
    lit = np.asarray(simulate(clean, parameters.only("illumination"), fov), np.uint8)
    changed = np.asarray(simulate(lit, parameters.only("artifact", "blur"), fov), np.uint8)
    structures = known[0] if known else np.empty((*mask.shape, 0), np.uint8)
    return Example(clean, lit, changed, mask, structures, parameters)


def filled(mask: NDArray[np.bool_]) -> FieldOfView:
    """The field of view of a square that it touches: `mask`, bool (S, S)."""
    half = len(mask) / 2
    return FieldOfView(mask, Circle(half, half, half), 1.0)


def draw(mixture: Mixture, rng: np.random.Generator) -> Parameters:
    """Draw parameters from a mixture of kinds and presets."""
    kind = weighted(mixture.kinds, rng)
    preset = weighted(mixture.presets, rng)
    severity = float(rng.uniform()) if rng.uniform() < mixture.partial else 1.0
    return Parameters() if kind == "000" else sample(rng, kind, severity, preset)


def turned(rng: np.random.Generator, *arrays: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """Squares (S, S, ...), all turned by the same quarters of a circle and mirrored or not; copies."""
    turns, flip = int(rng.integers(4)), bool(rng.integers(2))
    return tuple(np.rot90(array, turns)[:, :: -1 if flip else 1].copy() for array in arrays)


def vary(
    image: NDArray[np.uint8], mask: NDArray[np.bool_], mixture: Mixture, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Another camera's colours, and cuts at top and bottom, as often as the mixture says. May change its input."""
    if rng.uniform() < mixture.recolor:
        contrast = mixture.spread if mixture.contrast is None else mixture.contrast
        image = _recolor(image, rng, mixture.spread, contrast)
    if rng.uniform() < mixture.cut:
        edge = int(rng.uniform(0.02, 0.15) * len(mask))
        mask[:edge] = mask[len(mask) - edge :] = False
        image[~mask] = 0
    return image, mask


class FieldExamples(Dataset[dict[str, Tensor]]):
    """Whole photographs at the size the illumination field looks at, degraded at twice that size."""

    def __init__(self, photographs: Photographs, mixture: Mixture, seed: int, size: int, count: int) -> None:
        self.photographs, self.mixture, self.seed, self.size, self.count = photographs, mixture, seed, size, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Tensors (C, size, size) in [0, 1]: `input` of 4 channels, `lit` and `clean` of 3, `mask` of 1."""
        return self._stages(make(self.photographs, self.mixture, self.seed, index))

    def _stages(self, example: Example) -> dict[str, Tensor]:
        mask = resize(example.mask.astype(np.float32), (self.size, self.size))[..., None]
        degraded, lit, clean = (self._seen(image) for image in (example.degraded, example.lit, example.clean))
        stages = {"input": np.concatenate([degraded, mask], 2), "lit": lit, "clean": clean, "mask": mask}
        return {name: _tensor(array) for name, array in stages.items()}

    def _seen(self, planes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Planes (S, S, K) as the network sees them, float32 (size, size, K) in [0, 1]."""
        shape = (self.size, self.size, planes.shape[2])
        return resize(planes, shape[:2]).reshape(shape).astype(np.float32) / np.float32(255)


class ReferenceExamples(FieldExamples):
    """Whole photographs at the size the reference looks at, with the structures that are known of them."""

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Tensors (C, size, size) in [0, 1]: those of `FieldExamples`, and `structures` of K channels."""
        example = make(self.photographs, self.mixture, self.seed, index)
        return self._stages(example) | {"structures": _tensor(self._seen(example.structures))}


class PatchedExamples(Dataset[dict[str, Tensor]]):
    """`count` examples, each of several patches of `size` pixels, from one degraded photograph."""

    def __init__(
        self, photographs: Photographs, mixture: Mixture, seed: int, size: int, count: int, patches: int
    ) -> None:
        self.photographs, self.mixture, self.seed, self.size = photographs, mixture, seed, size
        self.count, self.patches = count, patches

    def __len__(self) -> int:
        return self.count


class DetailExamples(PatchedExamples):
    """Patches at working resolution, several from each degraded photograph."""

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Tensors (patches, C, size, size) in [0, 1]: `input` of 4 channels, `lit` of 3, `mask` of 1."""
        example = make(self.photographs, self.mixture, self.seed, index)
        rng = np.random.default_rng([self.seed, index, 1])
        stages = np.concatenate([example.degraded, example.mask[..., None] * np.uint8(255), example.lit], 2)
        changed = np.abs(example.degraded.astype(np.int16) - example.lit).max(2).astype(np.int32)
        white = (example.lit.min(2) * example.mask).astype(np.int32) ** 2
        corners = [_corner((changed, white), self.size, rng) for _ in range(self.patches)]
        cut = np.stack([stages[y : y + self.size, x : x + self.size] for y, x in corners])
        batch = torch.from_numpy(cut.transpose(0, 3, 1, 2).astype(np.float32) / 255)
        return {"input": batch[:, :4], "lit": batch[:, 4:], "mask": batch[:, 3:4]}


class SharpeningExamples(PatchedExamples):
    """Whole photographs, or patches anywhere on them, as they are and before they were blurred."""

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Tensors (patches, C, size, size) in [0, 1]: `input` of 4 channels, `sharp` of 3, `mask` of 1.

        The mask leaves out the rim that the black outside was blurred into, where `light` sharpens nothing.
        """
        example = make(self.photographs, self.mixture, self.seed, index)
        rng = np.random.default_rng([self.seed, index, 1])
        mask = example.mask.astype(np.uint8)
        inner = cv2.erode(mask, np.ones((2 * RIM + 1,) * 2, np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0)
        planes = (example.degraded, mask[..., None] * 255, example.before_blur(), inner[..., None] * 255)
        stages, room = np.concatenate(planes, 2), len(mask) - self.size
        corners = rng.integers(room + 1, size=(self.patches, 2))
        cut = np.stack([stages[y : y + self.size, x : x + self.size] for y, x in corners])
        batch = torch.from_numpy(cut.transpose(0, 3, 1, 2).astype(np.float32) / 255)
        return {"input": batch[:, :4], "sharp": batch[:, 4:7], "mask": batch[:, 7:]}


def _corner(marks: tuple[NDArray[np.int32], ...], size: int, rng: np.random.Generator) -> tuple[int, int]:
    """Where to cut a patch: anywhere, or, as often, around a pixel of one of the marks, (S, S), (chance ∝ mark²).

    Marked is what was much changed, and what is white though nobody changed it: cups and lesions that are no spots.
    """
    room = marks[0].shape[0] - size
    mark = marks[int(rng.integers(len(marks)))]
    if rng.uniform() < 0.5 or not mark.any():
        return int(rng.integers(room + 1)), int(rng.integers(room + 1))
    weights = np.cumsum(mark.astype(np.float64).ravel() ** 2)
    row, column = divmod(int(np.searchsorted(weights, rng.uniform() * weights[-1])), mark.shape[1])
    y, x = np.clip(np.array([row, column]) - rng.integers(size, size=2), 0, room)
    return int(y), int(x)


def _recolor(image: NDArray[np.uint8], rng: np.random.Generator, spread: float, contrast: float) -> NDArray[np.uint8]:
    """Change gamma and gain of each channel as between cameras: a little, `spread` times; of all, `contrast` times."""
    levels = np.linspace(0, 1, 256)[:, None]
    gamma = np.exp(contrast * rng.normal(0, 0.12) + spread * rng.normal(0, 0.06, 3))
    gain = np.exp(spread * rng.normal(0, 0.06, 3))
    table = np.clip(np.rint(255 * gain * levels**gamma), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table[:, None, :]), np.uint8)


def weighted(weights: Mapping[Name, float], rng: np.random.Generator) -> Name:
    """One of the names, each as likely as its weight."""
    names, values = list(weights), np.array(list(weights.values()))
    return names[int(rng.choice(len(names), p=values / values.sum()))]


def _tensor(array: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))
