"""Batches of examples, in the order of their numbers, and shared out among the processes that train."""

from __future__ import annotations

from collections.abc import Iterator
from multiprocessing import get_all_start_methods

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, SequentialSampler, Subset

from cofenet.engine.threads import limit_threads
from cofenet.training.objective import Batch
from cofenet.training.recipe import Recipe


def batches(
    examples: Dataset[Batch], recipe: Recipe, done: int, rank: int = 0, world: int = 1, workers: int = 0
) -> Iterator[Batch]:
    """What process `rank` of `world` sees from step `done` on: its share of each batch.

    All shares of a step, in the order of the processes, are the batch that a single process would see, and it does not
    matter how many workers make the examples.
    """
    rest = Subset(examples, numbers(recipe, done, rank, world))
    yield from DataLoader(
        rest, recipe.batch // world, sampler=SequentialSampler(rest), collate_fn=collate, num_workers=workers,
        worker_init_fn=_alone, multiprocessing_context=_START if workers else None,
    )  # fmt: skip


_START = "fork" if "fork" in get_all_start_methods() else None
"""Workers share the photographs in memory where they can."""


def _alone(_: int) -> None:
    """A worker is one thread: of those that OpenCV had in the process it was forked from, none is left."""
    limit_threads(1)


def numbers(recipe: Recipe, done: int, rank: int, world: int) -> list[int]:
    """The numbers of the examples that process `rank` of `world` sees from step `done` to the end."""
    batch, share = recipe.batch, recipe.batch // world
    return [number for number in range(done * batch, recipe.steps * batch) if number % batch // share == rank]


def collate(items: list[Batch]) -> Batch:
    """Stack examples; those that hold several patches are laid end to end."""
    stacked = {name: torch.stack([item[name] for item in items]) for name in items[0]}
    return {name: _channels_last(value.flatten(0, -4)) for name, value in stacked.items()}


def _channels_last(value: Tensor) -> Tensor:
    return value.contiguous(memory_format=torch.channels_last)
