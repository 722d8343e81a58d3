"""The training loop: steps, checkpoints, validation, a log. A killed run goes on from its last checkpoint."""

from __future__ import annotations

import copy
import logging
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, SequentialSampler, Subset

from cofenet.errors import ModelError
from cofenet.training.objective import Batch, Objective
from cofenet.training.objectives import objective
from cofenet.training.photographs import count_sources
from cofenet.training.recipe import Recipe
from cofenet.training.run import Row, Run

_log = logging.getLogger(__name__)


@dataclass
class _State:
    """All that a checkpoint holds."""

    network: nn.Module
    average: nn.Module
    optimizer: torch.optim.Optimizer
    step: int = 0

    def content(self) -> dict[str, Any]:
        """What a checkpoint holds."""
        parts = {name: getattr(self, name).state_dict() for name in ("network", "average", "optimizer")}
        return parts | {"step": self.step}

    def restore(self, content: dict[str, Any]) -> None:
        """Take the state of a checkpoint."""
        for name in ("network", "average", "optimizer"):
            getattr(self, name).load_state_dict(content[name])
        self.step = content["step"]


def train(
    recipe: Recipe,
    manifest: Path,
    folder: Path,
    threads: int = 0,
    *,
    start: Path | None = None,
    save_every: float = 120.0,
) -> nn.Module:
    """Train as the recipe says, or go on where the run folder's checkpoint stands.

    Args:
        recipe: what to do.
        manifest: the photographs, see `photographs.listed`.
        folder: where checkpoint, log, recipe and sources are kept, see `run`.
        threads: processor threads; 0 leaves PyTorch's choice.
        start: a run of the same network whose weights to begin with, instead of fresh ones.
        save_every: seconds between checkpoints: what a kill may cost.

    Returns:
        The averaged network, in evaluation mode.

    Raises:
        UsageError: the folder holds a run of another recipe, or the manifest gives no photographs.
        ModelError: the folder's checkpoint is damaged, or the loss is no longer a finite number.
    """
    run = Run(folder)
    run.begin(recipe)
    torch.manual_seed(recipe.seed)
    if threads:
        torch.set_num_threads(threads)
    goal = objective(recipe)
    network = goal.network().to(memory_format=goal.layout)  # type: ignore[call-overload]
    state = _State(
        network, copy.deepcopy(network),
        torch.optim.AdamW(network.parameters(), recipe.rate, betas=recipe.betas, weight_decay=recipe.decay),
    )  # fmt: skip
    if run.checkpoint.exists():
        state.restore(run.load())
    elif start:
        state.restore(Run(start).load() | {"step": 0})
    run.rewind(state.step)
    data = {split: goal.data(manifest, split, folder.parent / "cache") for split in ("train", "val")}
    run.note_sources(count_sources(manifest, data["train"].paths))
    validation = goal.examples(data["val"], goal.validation, 1, goal.validated)
    examples = goal.examples(data["train"], recipe.mixture, recipe.seed, recipe.steps * recipe.batch)
    saved, started, first = time.monotonic(), time.monotonic(), state.step
    recent: list[float] = []
    for batch in _batches(examples, recipe, state.step):
        recent.append(_step(goal, state, batch))
        if state.step % recipe.validate_every == 0 or state.step == recipe.steps:
            rate = (state.step - first) * recipe.batch / (time.monotonic() - started)
            _report(run, goal, state, validation, sum(recent) / len(recent), rate)
            recent.clear()
        if time.monotonic() - saved > save_every or state.step == recipe.steps:
            run.save(state.content())
            saved = time.monotonic()
    return state.average.eval()


def learning_rate(recipe: Recipe, step: int) -> float:
    """Linear warm-up, then a cosine to a hundredth of the highest rate, or a straight line from the middle to 0."""
    if step < recipe.warmup:
        return recipe.rate * (step + 1) / recipe.warmup
    if recipe.schedule == "linear":
        return recipe.rate * min(1.0, 2 * (1 - step / recipe.steps))
    progress = (step - recipe.warmup) / max(1, recipe.steps - recipe.warmup)
    return recipe.rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))


def _step(goal: Objective, state: _State, batch: Batch) -> float:
    recipe = goal.recipe
    for group in state.optimizer.param_groups:
        group["lr"] = learning_rate(recipe, state.step)
    state.network.train()
    loss = goal.loss(state.network, batch)
    if not loss.isfinite():
        raise ModelError(f"step {state.step}: the loss is {loss.item()}; a lower rate may help")
    state.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    if recipe.clip:
        nn.utils.clip_grad_norm_(state.network.parameters(), recipe.clip)
    state.optimizer.step()
    state.step += 1
    _average(state, min(recipe.averaging, (state.step + 1) / (state.step + 10)))
    return loss.item()


@torch.no_grad()
def _average(state: _State, decay: float) -> None:
    ours, theirs = state.average.state_dict(), state.network.state_dict()
    for name, value in ours.items():
        if value.dtype.is_floating_point:
            value.lerp_(theirs[name], 1 - decay)
        else:
            value.copy_(theirs[name])


@torch.no_grad()
def _report(run: Run, goal: Objective, state: _State, examples: Dataset[Batch], loss: float, rate: float) -> None:
    loader = DataLoader(examples, goal.recipe.batch, collate_fn=_collate)
    network = state.average.eval()
    found = [goal.figures(network, batch) for batch in loader]
    means = {name: torch.cat([batch[name] for batch in found]).mean().item() for name in found[0]}
    row: Row = {"step": state.step, "loss": round(loss, 5), **{name: round(mean, 4) for name, mean in means.items()}}
    row["photographs_per_second"] = round(rate, 2)
    _log.info("%s", row)
    run.add(row)


def _batches(examples: Dataset[Batch], recipe: Recipe, done: int) -> Iterator[Batch]:
    rest = Subset(examples, range(done * recipe.batch, recipe.steps * recipe.batch))
    yield from DataLoader(rest, recipe.batch, sampler=SequentialSampler(rest), collate_fn=_collate)


def _collate(items: list[Batch]) -> Batch:
    """Stack examples; those that hold several patches are laid end to end."""
    stacked = {name: torch.stack([item[name] for item in items]) for name in items[0]}
    return {name: _channels_last(value.flatten(0, -4)) for name, value in stacked.items()}


def _channels_last(value: Tensor) -> Tensor:
    return value.contiguous(memory_format=torch.channels_last)
