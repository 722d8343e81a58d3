"""The training loop: steps, checkpoints, validation, a log. A killed run goes on from its last checkpoint."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.utils.data import Dataset

from cofenet.engine.card import Card
from cofenet.errors import ModelError, UsageError
from cofenet.training.batches import batches, collate
from cofenet.training.environment import environment
from cofenet.training.machine import Machine
from cofenet.training.objective import Batch, Objective
from cofenet.training.objectives import objective
from cofenet.training.photographs import count_sources
from cofenet.training.pretrained import begin_with, mean_of
from cofenet.training.recipe import Recipe
from cofenet.training.run import Run
from cofenet.training.validation import Validation

Content = dict[str, Any]
"""What a checkpoint holds, by name."""

_LOOKED_AT = 64
"""Examples on which the normalisations of an exported model are unfolded."""


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        step: steps done.
        steps: in all.
        loss: of the last step.
        rate: photographs a second since it was taken up.
        left: seconds to go at that rate.
    """

    step: int
    steps: int
    loss: float
    rate: float
    left: float


@dataclass
class _State:
    """All that a checkpoint holds, and how the processes that train see it.

    Attributes:
        network: what is trained.
        average: of its weights.
        optimizer: of its weights.
        fabric: the processes.
        shared: the network, whose gradients are the mean over the processes.
        step: steps done.
    """

    network: nn.Module
    average: nn.Module
    optimizer: torch.optim.Optimizer
    fabric: Fabric
    shared: nn.Module
    step: int = 0

    def content(self) -> Content:
        """What a checkpoint holds."""
        parts = {name: getattr(self, name).state_dict() for name in ("network", "average", "optimizer")}
        return parts | {"step": self.step}

    def restore(self, content: Content) -> None:
        """Take the state of a checkpoint, or of what there is of one."""
        for name in content.keys() - {"step"}:
            getattr(self, name).load_state_dict(content[name])
        self.step = content["step"]


def train(
    recipe: Recipe,
    manifest: Path,
    folder: Path,
    machine: Machine = Machine(),  # noqa: B008 - frozen
    *,
    start: Sequence[str] = (),
    save_every: float = 120.0,
    stepped: Callable[[Progress], None] = lambda _: None,
) -> nn.Module:
    """Train as the recipe says, or go on where the run folder's checkpoint stands.

    Of several processes, each comes back from here; the first alone writes to the run folder.

    Args:
        recipe: what to do.
        manifest: the photographs, see `photographs.listed`.
        folder: where checkpoint, logs, recipe and sources are kept, see `run`.
        machine: where to train.
        start: whose weights to begin with, instead of fresh ones: a run folder of the same network, or an exported
            model, see `pretrained.begin_with`; of several, their mean.
        save_every: seconds between checkpoints: what a kill may cost.
        stepped: is told of each step.

    Returns:
        The averaged network, in evaluation mode.

    Raises:
        UsageError: the folder holds a run of another recipe, the manifest gives no photographs, or the processes cannot
            share a batch.
        ModelError: the folder's checkpoint is damaged, what to begin with is another network, or the loss is no longer
            a finite number.
    """
    machine.check(recipe.batch)
    run, goal = Run(folder), objective(recipe)
    run.begin(recipe)
    data = {split: goal.data(manifest, split, folder.parent / "cache") for split in ("train", "val")}
    examples = goal.examples(data["train"], recipe.mixture, recipe.seed, recipe.steps * recipe.batch)
    kept = _kept(run, start, goal, examples)
    fabric = machine.launch()  # whatever can go wrong before it goes wrong in one process, with nobody waiting for it
    state = _begin(goal, fabric, kept)
    if fabric.is_global_zero:
        run.rewind(state.step)
        run.note_sources(count_sources(manifest, data["train"].paths))
        run.note_environment(state.step, environment(fabric))
    validation = Validation(run, goal, goal.examples(data["val"], goal.validation, 1, goal.validated), state.step)
    saved, started, first = time.monotonic(), time.monotonic(), state.step
    recent: list[float] = []
    for batch in batches(examples, recipe, state.step, fabric.global_rank, fabric.world_size, machine.makers()):
        recent.append(_step(goal, state, batch))
        if not fabric.is_global_zero:
            continue
        rate = (state.step - first) * recipe.batch / (time.monotonic() - started)
        left = (recipe.steps - state.step) * recipe.batch / rate
        stepped(Progress(state.step, recipe.steps, recent[-1], rate, left))
        if state.step % recipe.validate_every == 0 or state.step == recipe.steps:
            validation.look(fabric, state.average.eval(), state.step, sum(recent) / len(recent), rate)
            recent.clear()
        if time.monotonic() - saved > save_every or state.step == recipe.steps:
            run.save(state.content())
            saved = time.monotonic()
    validation.close()
    return state.average.eval()


def learning_rate(recipe: Recipe, step: int) -> float:
    """Linear warm-up, then a cosine to a hundredth of the highest rate, or a straight line from the middle to 0."""
    if step < recipe.warmup:
        return recipe.rate * (step + 1) / recipe.warmup
    if recipe.schedule == "linear":
        return recipe.rate * min(1.0, 2 * (1 - step / recipe.steps))
    progress = (step - recipe.warmup) / max(1, recipe.steps - recipe.warmup)
    return recipe.rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))


def _kept(run: Run, start: Sequence[str], goal: Objective, examples: Dataset[Batch]) -> Content | None:
    """The checkpoint to go on from, or the weights to begin with."""
    if run.checkpoint.exists():
        return run.load()
    begun = [_begun(Path(one), goal, examples) for one in start]
    if cards := [card for _, card in begun if card]:
        learned = {part.source: part for card in cards for part in card.data}
        run.note_begun(cards[0].model_copy(update={"data": tuple(learned.values())}))
    return _mean([content for content, _ in begun]) | {"step": 0} if begun else None


def _begun(start: Path, goal: Objective, examples: Dataset[Batch]) -> tuple[Content, Card | None]:
    """What a run or a model holds, and the model's card, or that of the model which the run began with."""
    if start.is_dir():
        before = Run(start)
        return before.load(), before.begun()
    torch.manual_seed(goal.recipe.seed)  # for parts that the model lacks
    network, count = goal.network(), min(_LOOKED_AT, goal.recipe.steps * goal.recipe.batch)
    batch = collate([examples[number] for number in range(count)])
    card = begin_with(str(start), network, lambda: goal.loss(network, batch), goal.recipe.network)
    return {"network": network.state_dict(), "average": network.state_dict()}, card


def _mean(contents: list[Content]) -> Content:
    """Of several, the mean of their averages; it leaves no optimizer to go on with."""
    if len(contents) == 1:
        return contents[0]
    try:
        mean = mean_of([content["average"] for content in contents])
    except (KeyError, RuntimeError) as error:
        raise ModelError("the networks to begin with differ in shape: they have no mean") from error
    return {"network": mean, "average": mean}


def _begin(goal: Objective, fabric: Fabric, kept: Content | None) -> _State:
    recipe = goal.recipe
    torch.manual_seed(recipe.seed)
    network = goal.network().to(memory_format=goal.layout)  # type: ignore[call-overload]
    average = copy.deepcopy(network).to(fabric.device)
    for part in _frozen(recipe, network):
        part.requires_grad_(requires_grad=False)
    shared = fabric.setup_module(network)
    optimizer = torch.optim.AdamW(network.parameters(), recipe.rate, betas=recipe.betas, weight_decay=recipe.decay)
    state = _State(network, average, optimizer, fabric, shared)
    kept = fabric.broadcast(kept)  # other machines may not see the first one's folder
    if kept:
        state.restore(kept)
    return state


def _step(goal: Objective, state: _State, batch: Batch) -> float:
    recipe, fabric = goal.recipe, state.fabric
    for group in state.optimizer.param_groups:
        group["lr"] = learning_rate(recipe, state.step)
    chance = np.random.SeedSequence([recipe.seed, state.step, fabric.global_rank])  # for dropout, also after a kill
    torch.manual_seed(int(chance.generate_state(1)[0]))
    state.shared.train()
    for part in _frozen(recipe, state.network):
        part.eval()
    loss = goal.loss(state.shared, fabric.to_device(batch))
    whole = cast("Tensor", fabric.all_reduce(loss.detach(), reduce_op="mean"))
    if not whole.isfinite():
        raise ModelError(f"step {state.step}: the loss is {whole.item()}; a lower rate may help")
    state.optimizer.zero_grad(set_to_none=True)
    fabric.backward(loss + _of_each(state.network) if fabric.world_size > 1 else loss)
    if recipe.clip:
        nn.utils.clip_grad_norm_(state.network.parameters(), recipe.clip)
    state.optimizer.step()
    state.step += 1
    _average(state, min(recipe.averaging, (state.step + 1) / (state.step + 10)))
    return whole.item()


def _frozen(recipe: Recipe, network: nn.Module) -> list[nn.Module]:
    """The parts of the network that the recipe freezes."""
    try:
        return [network.get_submodule(name) for name in recipe.frozen]
    except AttributeError as error:
        raise UsageError(f"frozen: {recipe.network} has no such part: {error}") from error


def _of_each(network: nn.Module) -> Tensor:
    """0, by way of each parameter that learns: the processes wait for all gradients, also of what no loss looks at."""
    return 0 * torch.stack([one.sum() for one in network.parameters() if one.requires_grad]).sum()


@torch.no_grad()
def _average(state: _State, decay: float) -> None:
    ours, theirs = state.average.state_dict(), state.network.state_dict()
    for name, value in ours.items():
        if value.dtype.is_floating_point:
            value.lerp_(theirs[name], 1 - decay)
        else:
            value.copy_(theirs[name])
