"""Training examples for segmentation: labelled photographs, good and degraded, whole, in patches or around the disc.

Example number i is a pure function of (recipe, seed, i), as in `examples`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from cofenet.degradation import simulate
from cofenet.geometry import Circle, Crop, resize
from cofenet.tasks.correction import correct
from cofenet.training.examples import draw, filled, turned, vary
from cofenet.training.labelled import Labelled, disc_box
from cofenet.training.recipe import Mixture

_WHOLE = 0.6
"""Share of photographs that the search for the disc sees whole; of the others, it sees a part."""


@dataclass(frozen=True)
class Marked:
    """A photograph, its field of view and its structures: uint8 (S, S, 3), bool (S, S), uint8 (S, S, K)."""

    image: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    labels: NDArray[np.uint8]

    def seen(self, crop: Crop) -> NDArray[np.float32]:
        """The crop with all its layers, float32 (size, size, 4 + K) in [0, 1]; what lies beyond is black."""
        parts = (self.image, self.mask * np.uint8(255), self.labels)  # OpenCV resizes at most four channels at once
        return np.dstack([crop.take(part) for part in parts]).astype(np.float32) / np.float32(255)


class StructureExamples(Dataset[dict[str, Tensor]]):
    """What all of them share: choosing a photograph, varying and degrading it."""

    def __init__(self, labelled: Labelled, mixture: Mixture, seed: int, size: int, count: int, patches: int) -> None:
        self.labelled, self.mixture, self.seed, self.size = labelled, mixture, seed, size
        self.count, self.patches = count, patches

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Tensors in [0, 1]: `input` (P, 4, size, size), `target` (P, K, size, size), `known` (P, K, 1, 1), `mask`."""
        rng = np.random.default_rng([self.seed, index])
        chosen = self._chosen(rng)
        marked = self._marked(chosen, rng)
        cuts = np.stack([marked.seen(crop) for crop in self._crops(marked, rng)])  # P, size, size, 4 + K
        batch = torch.from_numpy(np.ascontiguousarray(cuts.transpose(0, 3, 1, 2)))
        known = torch.from_numpy(self.labelled.known[chosen].astype(np.float32))
        return {
            "input": batch[:, :4], "target": batch[:, 4:], "mask": batch[:, 3:4],
            "known": known[None, :, None, None].repeat(len(batch), 1, 1, 1),
        }  # fmt: skip

    def _chosen(self, rng: np.random.Generator) -> int:
        taught = self.labelled.taught
        if not taught.any():
            return int(rng.integers(len(taught)))
        return int(rng.choice(np.flatnonzero(taught == (rng.uniform() < self.mixture.taught))))

    def _marked(self, chosen: int, rng: np.random.Generator) -> Marked:
        source = self.labelled
        image, mask, labels = turned(rng, source.images[chosen], source.masks[chosen], source.labels[chosen])
        image, mask = vary(image, mask, self.mixture, rng)
        side = round(len(image) * rng.uniform(*self.mixture.scale))
        image, labels = resize(image, (side, side)), resize(labels, (side, side)).reshape(side, side, -1)
        mask = resize(mask.astype(np.uint8), (side, side)).astype(np.bool_)
        seen = np.asarray(simulate(image, draw(self.mixture, rng), filled(mask)), np.uint8)
        if self.mixture.corrected and rng.uniform() < self.mixture.corrected:
            seen = np.asarray(correct(seen, fov=filled(mask), judged=False).image, np.uint8)
        return Marked(seen, mask, labels)

    @abstractmethod
    def _crops(self, marked: Marked, rng: np.random.Generator) -> Iterator[Crop]:
        """Where to look."""


class PatchExamples(StructureExamples):
    """Patches at the photograph's scale, anywhere on the retina."""

    def _crops(self, marked: Marked, rng: np.random.Generator) -> Iterator[Crop]:
        seen = np.flatnonzero(marked.mask)
        for _ in range(self.patches):
            y, x = divmod(int(seen[rng.integers(len(seen))]), len(marked.mask))
            top, left = np.clip(np.array([y, x]) - self.size // 2, 0, max(0, len(marked.mask) - self.size))
            yield Crop(int(left), int(top), self.size, self.size)


class WholeExamples(StructureExamples):
    """Whole photographs, small, and parts of them, on which a structure may be missing."""

    def _crops(self, marked: Marked, rng: np.random.Generator) -> Iterator[Crop]:
        full = len(marked.mask)
        side = full if rng.uniform() < _WHOLE else round(full * rng.uniform(0.5, 1.1))
        left, top = (round(rng.uniform(min(0, full - side), max(0, full - side))) for _ in range(2))
        yield Crop(left, top, side, self.size)


class DiscExamples(StructureExamples):
    """The disc, not quite in the middle, and what is around it."""

    def _crops(self, marked: Marked, rng: np.random.Generator) -> Iterator[Crop]:
        x, y, diameter = disc_box(marked.labels[..., 0])
        diameter = diameter or 0.15 * len(marked.mask)
        x, y = np.array([x, y]) + rng.normal(0, 0.18, 2) * diameter
        yield Crop.around(Circle(float(x), float(y), diameter * rng.uniform(0.85, 1.7)), self.size)
