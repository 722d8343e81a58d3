"""Training examples for quality assessment: photographs that people graded, and good ones degraded by known factors.

Example number i is a pure function of (recipe, seed, i), as in `examples`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from cofenet.degradation import Parameters, sample, simulate
from cofenet.degradation.defocus import Defocus
from cofenet.degradation.haze import Haze
from cofenet.degradation.preset import load_preset
from cofenet.geometry import resize
from cofenet.metrics import severity
from cofenet.training.examples import filled, turned, vary, weighted
from cofenet.training.photographs import Photographs, load, rows_of
from cofenet.training.recipe import Mixture

_GRADES = 3

_CLEAN = 0.2
"""Share of graded examples drawn from the clean photographs, which come from more cameras than the graded ones."""

_NOT_GOOD = np.array([0.15, 0.3, 0.12, 0.4], np.float32)
"""What illumination, veil, artifacts and blur must have taken that a photograph is surely not good.

More than the quality network finds in 95 of 100 photographs that people called good (0.126, 0.263, 0.108, 0.366 of 100
drawn from the training split).
"""

_STRONG, _RADII = 0.3, (0.005, 0.06)
"""Share of blurs that are a defocus of up to five times what any preset has, and its radii, of the field of view: what
was seen of mild ones alone says nothing of these."""

_WHOLE = 0.5
"""Share of pairs of which the first picture has nothing of the factor that differs, and the second all of it."""

_REDUCED = 0.5
"""Share of photographs that are made smaller, as those of a set of thumbnails are."""

_SMALLEST = 110
"""Pixels across the smallest field of view among the graded photographs."""


@dataclass(frozen=True)
class Graded:
    """Photographs, of which some were graded, and some may be degraded.

    Attributes:
        photographs: all of them.
        grades: int64 (N,): 0 good, 1 usable, 2 reject.
        good: bool (N,): good enough that a degradation is all that is wrong with them.
        sets: str (N,): the set in which people graded it; empty if nobody did.
    """

    photographs: Photographs
    grades: NDArray[np.int64]
    good: NDArray[np.bool_]
    sets: NDArray[np.str_]

    @property
    def paths(self) -> tuple[Path, ...]:
        """The file each came from."""
        return self.photographs.paths


def load_graded(manifest: Path, split: str, tasks: Sequence[str], size: int, cache: Path | None) -> Graded:
    """Read graded and clean photographs; unreadable ones are named in the log and skipped.

    Args:
        manifest: a CSV as `photographs.listed` reads it; the label of the task "quality" is a grade, 0 to 2.
        split: "train", "val" or "test".
        tasks: "quality" and "clean", whose photographs count as good.
        size: pixels a side.
        cache: a folder in which the result is kept for the next time.

    Raises:
        UsageError: the manifest cannot be read, or gives no photographs.
    """
    grades: dict[Path, int] = {}
    clean: set[Path] = set()
    sets: dict[Path, str] = {}
    for row in rows_of(manifest):
        if row["split"] != split or row["task"] not in tasks:
            continue
        path = manifest.parent / row["path"]
        if row["task"] == "clean":
            clean.add(path)
            grades.setdefault(path, 0)
        else:
            grades[path] = int(row["label"])
            sets[path] = row["source"]
    photographs = load(list(grades), size, cache)
    return Graded(
        photographs,
        np.array([grades[path] for path in photographs.paths]),
        np.array([path in clean for path in photographs.paths]),
        np.array([sets.get(path, "") for path in photographs.paths]),
    )


class GradedExamples(Dataset[dict[str, Tensor]]):
    """Whole photographs: as people graded them, as often as the mixture says "000", else degraded by known factors.

    Each set is as likely as any other: what tells them apart, such as their size, must not tell the grade.
    """

    def __init__(self, graded: Graded, mixture: Mixture, seed: int, size: int, count: int) -> None:
        self.graded, self.mixture, self.seed, self.size, self.count = graded, mixture, seed, size, count
        self._good = np.flatnonzero(graded.good)
        self._sets = [np.flatnonzero(graded.sets == name) for name in sorted({*graded.sets.tolist()} - {""})]

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Tensors (C, 1, 1) but for `input`, (4, size, size) in [0, 1]; of a pair, two of each, stacked.

        `grade`: 1 for each of three that it may be, all 0 if nothing is known; `severity`: of the four factors, and
        `known`, 1 if so.
        """
        first = self._picture(index, second=False)
        if not self.mixture.pairs:
            return first
        second = self._picture(index, second=True)
        return {name: torch.stack([value, second[name]]) for name, value in first.items()}

    def _picture(self, index: int, *, second: bool) -> dict[str, Tensor]:
        rng = np.random.default_rng([self.seed, index])
        as_graded = weighted(self.mixture.kinds, rng) == "000" or len(self._good) == 0
        if as_graded and second:
            rng = np.random.default_rng([self.seed, index, 1])
        clean = not as_graded or not self._sets or (len(self._good) > 0 and rng.uniform() < _CLEAN)
        chosen = int(rng.choice(self._good if clean else self._sets[int(rng.integers(len(self._sets)))]))
        source = self.graded.photographs
        image, mask = turned(rng, source.images[chosen], source.masks[chosen])
        image, mask = vary(image, mask, self.mixture, rng)
        found = np.zeros(4, np.float32)
        if not as_graded:
            image, found = self._degraded(image, mask, index, second=second)
        image = _reduced(image, rng)
        shape = (self.size, self.size)
        planes = [*np.moveaxis(resize(image, shape), 2, 0) / np.float32(255), resize(mask.astype(np.float32), shape)]
        grade = np.zeros(_GRADES, np.float32)
        if as_graded:
            grade[self.graded.grades[chosen]] = 1
        elif (found > _NOT_GOOD).any():
            grade[1:] = 1
        numbers = {"grade": grade, "severity": found, "known": np.array([not as_graded], np.float32)}
        return {"input": torch.from_numpy(np.stack(planes))} | {
            name: torch.from_numpy(value)[:, None, None] for name, value in numbers.items()
        }

    def _degraded(
        self, image: NDArray[np.uint8], mask: NDArray[np.bool_], index: int, *, second: bool
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """The photograph after factor upon factor, and how much each took."""
        found = []
        for parameters, measure in self._steps(index, second=second):
            after = np.asarray(simulate(image, parameters, filled(mask)), np.uint8)
            found.append(measure(_floats(image), _floats(after), mask))
            image = after
        return image, np.array(found, np.float32)

    def _steps(self, index: int, *, second: bool) -> Iterator[tuple[Parameters, Callable[..., float]]]:
        """The second picture of a pair has another severity of one factor, or all of it, and all else alike."""
        steps = (
            (self._light, severity.illumination),
            (_veil, severity.contrast),
            (self._artifacts, severity.artifact),
            (self._blur, severity.blur),
        )
        other = np.random.default_rng([self.seed, index, 2])
        changed, anew = int(other.integers(len(steps))), float(other.uniform())
        whole = other.uniform() < _WHOLE
        crowd = np.random.default_rng([self.seed, index, 4]).uniform()  # one factor alone is as likely as all of them
        for number, (draw, measure) in enumerate(steps):
            rng = np.random.default_rng([self.seed, index, 3, number])
            strength, present = float(rng.uniform()), rng.uniform() < crowd
            if self.mixture.pairs and number == changed and (second or whole):
                strength, present = (1.0 if whole else anew), second
            yield (draw(rng).scaled(strength) if present else Parameters()), measure

    def _light(self, rng: np.random.Generator) -> Parameters:
        drawn = sample(rng, "001", 1.0, weighted(self.mixture.presets, rng))
        return Parameters(factors=tuple(factor for factor in drawn.factors if not isinstance(factor, Haze)))

    def _artifacts(self, rng: np.random.Generator) -> Parameters:
        return sample(rng, "010", 1.0, weighted(self.mixture.presets, rng))

    def _blur(self, rng: np.random.Generator) -> Parameters:
        if rng.uniform() < _STRONG:
            return Parameters(factors=(Defocus(radius=float(np.exp(rng.uniform(*np.log(_RADII))))),))
        return sample(rng, "100", 1.0, weighted(self.mixture.presets, rng))


def _veil(rng: np.random.Generator) -> Parameters:
    """Haze that scatters nothing: what scatters also blurs."""
    haze = next(part for part in load_preset("clinical").ranges if part.factor is Haze)
    return Parameters(factors=(haze.draw(rng).model_copy(update={"scatter": 0.0}),))


def _reduced(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    side = round(rng.uniform(min(_SMALLEST, len(image)), len(image))) if rng.uniform() < _REDUCED else len(image)
    return resize(resize(image, (side, side)), (len(image), len(image)))


def _floats(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    return image.astype(np.float32) / np.float32(255)
