"""The loop: a run that was stopped ends where an undisturbed one does."""

from __future__ import annotations

import json
import platform
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

from cofenet.errors import ModelError, UsageError
from cofenet.io import read_photograph
from cofenet.training import loop, validation
from cofenet.training.loop import Progress, learning_rate, train
from cofenet.training.objective import Objective
from cofenet.training.objectives import FieldObjective, Restoration
from cofenet.training.recipe import Recipe
from cofenet.training.run import Run

VICTIM = """
import sys, time
from pathlib import Path
import torch
from cofenet.io import read_photograph
from cofenet.training import loop, validation
from cofenet.training.objective import Objective
from cofenet.training.recipe import load_recipe

torch.set_num_threads(1)
Objective.validated = 4
step = loop._step

def stall(goal, state, batch):
    if state.step == 3:
        print("three steps done", flush=True)
        time.sleep(600)
    return step(goal, state, batch)

loop._step = stall
recipe, manifest, folder = map(Path, sys.argv[1:])
loop.train(load_recipe(recipe), manifest, folder, save_every=0)
"""


class StoppedError(Exception):
    """Raised in place of a kill."""


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch, one_thread: None) -> None:
    monkeypatch.setattr(Objective, "validated", 4)


@pytest.fixture
def stop_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """Stop before the step that is set in it."""
    limit: dict[str, int] = {}
    step = loop._step

    def limited(goal: loop.Objective, state: loop._State, batch: loop.Batch) -> float:
        if state.step == limit.get("step"):
            raise StoppedError
        return step(goal, state, batch)

    monkeypatch.setattr(loop, "_step", limited)
    return limit


def assert_equal(first: nn.Module, second: nn.Module) -> None:
    ours, theirs = first.state_dict(), second.state_dict()
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []


def figures(run: Path) -> list[tuple[str, ...]]:
    return [(row["step"], row["psnr_input"], row["psnr"]) for row in Run(run).rows()]


def test_dropout_is_the_same_after_a_stop(
    manifest: Path, recipes: dict[str, Recipe], tmp_path: Path, stop_at: dict[str, int]
) -> None:
    recipe = recipes["field"].model_copy(update={"steps": 4})
    network = FieldObjective.network
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FieldObjective, "network", lambda self: nn.Sequential(nn.Dropout(0.2), network(self)))
        whole = train(recipe, manifest, tmp_path / "whole")
        stop_at["step"] = 2
        with pytest.raises(StoppedError):
            train(recipe, manifest, tmp_path / "stopped", save_every=0)
        stop_at.clear()
        assert_equal(train(recipe, manifest, tmp_path / "stopped"), whole)


def test_a_frozen_part_stays_as_it_began(manifest: Path, recipes: dict[str, Recipe], tmp_path: Path) -> None:
    train(recipes["field"].model_copy(update={"steps": 2}), manifest, tmp_path / "first")
    recipe = recipes["field"].model_copy(update={"frozen": ("encoder1",), "seed": 1})
    train(recipe, manifest, tmp_path / "second", start=[str(tmp_path / "first")])
    network = Run(tmp_path / "first").load()["network"]
    for name, value in Run(tmp_path / "second").load()["network"].items():
        assert torch.equal(value, network[name]) == name.startswith("encoder1."), name


def test_a_part_that_is_not_there_cannot_be_frozen(manifest: Path, recipes: dict[str, Recipe], tmp_path: Path) -> None:
    recipe = recipes["field"].model_copy(update={"frozen": ("wheel",)})
    with pytest.raises(UsageError, match=r"frozen: field has no such part: .*wheel"):
        train(recipe, manifest, tmp_path / "run")


@pytest.mark.parametrize("name", ["field", "detail"])
@pytest.mark.parametrize("save_every", [0.0, 1000.0])
def test_stopped_run_ends_like_an_undisturbed_one(
    manifest: Path, recipes: dict[str, Recipe], tmp_path: Path, stop_at: dict[str, int], name: str, save_every: float
) -> None:
    whole = train(recipes[name], manifest, tmp_path / "whole")
    stop_at["step"] = 3
    with pytest.raises(StoppedError):
        train(recipes[name], manifest, tmp_path / "stopped", save_every=save_every)
    assert (tmp_path / "stopped" / "checkpoint.pt").exists() == (save_every == 0)
    stop_at.clear()
    resumed = train(recipes[name], manifest, tmp_path / "stopped", save_every=save_every)
    assert_equal(resumed, whole)
    assert_equal(Run(tmp_path / "stopped").averaged(), whole)
    assert figures(tmp_path / "stopped") == figures(tmp_path / "whole")
    assert [row[0] for row in figures(tmp_path / "whole")] == ["2", "4", "6"]


@pytest.mark.slow
def test_killed_run_ends_like_an_undisturbed_one(manifest: Path, recipes: dict[str, Recipe], tmp_path: Path) -> None:
    whole = train(recipes["field"], manifest, tmp_path / "whole")
    (tmp_path / "recipe.json").write_text(recipes["field"].model_dump_json())
    command = [sys.executable, "-c", VICTIM, tmp_path / "recipe.json", manifest, tmp_path / "killed"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdout
        assert victim.stdout.readline() == "three steps done\n"
        victim.send_signal(signal.SIGKILL)
        victim.wait()
    assert Run(tmp_path / "killed").load()["step"] == 3
    assert_equal(train(recipes["field"], manifest, tmp_path / "killed"), whole)
    assert figures(tmp_path / "killed") == figures(tmp_path / "whole")


def test_finished_run_is_left_as_it_is(manifest: Path, recipes: dict[str, Recipe], tmp_path: Path) -> None:
    first = train(recipes["field"], manifest, tmp_path / "run")
    checkpoint, log = (tmp_path / "run" / "checkpoint.pt").read_bytes(), figures(tmp_path / "run")
    assert_equal(train(recipes["field"], manifest, tmp_path / "run"), first)
    assert (tmp_path / "run" / "checkpoint.pt").read_bytes() == checkpoint
    assert figures(tmp_path / "run") == log


def test_run_learns_something(manifest: Path, recipes: dict[str, Recipe], tmp_path: Path) -> None:
    recipe = recipes["field"].model_copy(update={"steps": 60, "rate": 1e-2, "validate_every": 60})
    train(recipe, manifest, tmp_path / "run")
    ((_, before, after),) = figures(tmp_path / "run")
    assert float(after) > float(before) + 0.5


def test_folder_says_what_was_done(manifest: Path, recipes: dict[str, Recipe], tmp_path: Path) -> None:
    sources = [{"tasks": ["clean"]}, {"tasks": ["quality"], "labels": ["0"]}]
    recipe = Recipe.model_validate(recipes["field"].model_dump() | {"sources": sources, "steps": 1})
    train(recipe, manifest, tmp_path / "run")
    assert Run(tmp_path / "run").recipe() == recipe
    assert json.loads((tmp_path / "run" / "sources.json").read_text()) == {"harbour": 2, "meadow": 2}


def test_run_keeps_what_it_was_made_with_and_what_it_looks_like(
    manifest: Path, recipes: dict[str, Recipe], tmp_path: Path, stop_at: dict[str, int]
) -> None:
    run, told = tmp_path / "run", list[Progress]()
    stop_at["step"] = 3
    with pytest.raises(StoppedError):
        train(recipes["field"], manifest, run, save_every=0)
    stop_at.clear()
    train(recipes["field"], manifest, run, stepped=told.append)
    assert [(progress.step, progress.steps) for progress in told] == [(4, 6), (5, 6), (6, 6)]
    assert told[-1].left == 0 < told[0].left
    (made_with,) = json.loads((run / "environment.json").read_text())
    assert (made_with["step"], made_with["torch"], made_with["processes"]) == (0, torch.__version__, 1)
    assert platform.node() not in (run / "environment.json").read_text()
    assert read_photograph(run / "samples.png").pixels.shape == (2 * 32, 3 * 32, 3)
    log = EventAccumulator(str(run / "tensorboard")).Reload()
    assert [event.step for event in log.Scalars("psnr")] == [2, 4, 6]
    assert [event.step for event in log.Images("samples")][-1] == 6
    assert [event.value for event in log.Scalars("psnr")] == pytest.approx([float(row[2]) for row in figures(run)])


def test_without_tensorboard_it_is_said_once(
    manifest: Path,
    recipes: dict[str, Recipe],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(validation, "find_spec", lambda name: None)
    with caplog.at_level("INFO"):
        train(recipes["field"], manifest, tmp_path / "run")
    assert sum("TensorBoard" in record.getMessage() for record in caplog.records) == 1
    assert not (tmp_path / "run" / "tensorboard").exists()
    assert len(figures(tmp_path / "run")) == 3


def test_another_recipe_is_refused_before_anything_is_done(
    manifest: Path, recipes: dict[str, Recipe], tmp_path: Path
) -> None:
    Run(tmp_path).begin(recipes["field"])
    with pytest.raises(UsageError, match="network, widths, patches, losses differ"):
        train(recipes["detail"], manifest, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.json"]


def test_diverging_run_stops_before_its_checkpoint_is_spoilt(
    manifest: Path, recipes: dict[str, Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss = Restoration.loss
    monkeypatch.setattr(Restoration, "loss", lambda *args: loss(*args) * float("nan"))
    with pytest.raises(ModelError, match="step 0: the loss is nan"):
        train(recipes["field"], manifest, tmp_path / "run", save_every=0)
    assert not (tmp_path / "run" / "checkpoint.pt").exists()


@given(steps=st.integers(2, 400))
def test_linear_schedule_is_level_then_falls_to_nothing(steps: int) -> None:
    recipe = Recipe(network="field", steps=steps, warmup=0, schedule="linear", rate=1e-4, losses={"absolute": 1.0})
    rates = [learning_rate(recipe, step) for step in range(steps + 1)]
    assert rates[: steps // 2 + 1] == pytest.approx([1e-4] * (steps // 2 + 1))
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == 0.0


@given(steps=st.integers(1, 400), warmup=st.integers(0, 400), rate=st.floats(1e-5, 1e-1))
def test_learning_rate_rises_then_falls_to_a_hundredth(steps: int, warmup: int, rate: float) -> None:
    recipe = Recipe(network="field", steps=steps, warmup=warmup, rate=rate, losses={"absolute": 1.0})
    rates = [learning_rate(recipe, step) for step in range(steps)]
    assert all(0 < value <= rate * (1 + 1e-9) for value in rates)
    rising, falling = rates[:warmup], rates[warmup:]
    assert rising == pytest.approx([rate * (step + 1) / warmup for step in range(len(rising))])
    assert falling == sorted(falling, reverse=True)
    if falling:
        assert falling[0] == pytest.approx(rate)
        assert learning_rate(recipe, steps) == pytest.approx(rate / 100)
        assert learning_rate(recipe, warmup + (steps - warmup) // 2) >= 0.505 * rate * (1 - 1e-9)
