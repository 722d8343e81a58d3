"""Several processes: together they train what one does."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from cofenet.errors import UsageError
from cofenet.training.machine import Machine
from cofenet.training.objectives import objective
from cofenet.training.recipe import Recipe
from cofenet.training.run import Run

PROGRAM = """
from cofenet.cli import main
from cofenet.training.objective import Objective

Objective.validated = 4
main()
"""


@pytest.mark.parametrize(("devices", "nodes", "batch"), [(3, 1, 16), (2, 3, 8), (5, 1, 4)])
def test_shares_must_be_equal(devices: int, nodes: int, batch: int) -> None:
    with pytest.raises(UsageError, match=f"a batch of {batch} cannot be shared equally among {devices * nodes}"):
        Machine(devices, nodes).check(batch)


def test_more_devices_than_there_are_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    Machine(2).check(8)
    with pytest.raises(UsageError, match="4 devices were asked for, and there are 2"):
        Machine(4).check(8)


@pytest.mark.parametrize(("precision", "expected"), [("auto", "32-true"), ("32", "32-true"), ("bf16", "bf16-mixed")])
def test_precision_on_a_processor(monkeypatch: pytest.MonkeyPatch, precision: str, expected: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert Machine(precision=precision).launch().strategy.precision.precision == expected


def train(folder: Path, recipe: Recipe, manifest: Path, name: str, *options: str, **environment: str) -> Path:
    """Run `cofenet train` as a program of its own: a run folder."""
    (folder / "program.py").write_text(PROGRAM)
    (folder / "recipe.json").write_text(recipe.model_dump_json())
    words: Sequence[str | Path] = (folder / "recipe.json", "--data", manifest, "--run", folder / name, "--threads", "1")
    command = [sys.executable, folder / "program.py", "train", *words, *options]
    # Gloo asks for the address of the machine's name, which a container may not know.
    addresses = {"MASTER_ADDR": "127.0.0.1", "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, env={**os.environ, **addresses, **environment}, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return folder / name


def difference(first: Path, second: Path, part: str) -> float:
    ours, theirs = (Run(folder).load()[part] for folder in (first, second))
    assert ours.keys() == theirs.keys()
    return max(float((ours[name] - theirs[name]).abs().max()) for name in ours)


@pytest.mark.slow
def test_two_processes_train_what_one_does(manifest: Path, recipes: dict[str, Recipe], tmp_path: Path) -> None:
    recipe = recipes["detail"].model_copy(update={"batch": 4, "steps": 4})
    one = train(tmp_path, recipe, manifest, "one")
    two = train(tmp_path, recipe, manifest, "two", "--devices", "2")
    for part in ("network", "average"):
        assert difference(one, two, part) < 1e-5
    untrained = objective(recipe).network().state_dict()
    assert max(float((Run(one).load()["network"][name] - untrained[name]).abs().max()) for name in untrained) > 1e-3
    rows = [[(row["step"], row["psnr"]) for row in Run(folder).rows()] for folder in (one, two)]
    assert [step for step, _ in rows[1]] == ["2", "4"]
    for (_, ours), (_, theirs) in zip(*rows, strict=True):
        assert float(ours) == pytest.approx(float(theirs), abs=1e-3)


@pytest.mark.slow
def test_two_machines_train_what_one_does(manifest: Path, recipes: dict[str, Recipe], tmp_path: Path) -> None:
    """The second sees neither folder nor checkpoint of the first."""
    recipe = recipes["detail"].model_copy(update={"batch": 4, "steps": 4})
    one = train(tmp_path, recipe, manifest, "one")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])

    def node(rank: int) -> Path:
        folder = tmp_path / f"node{rank}"
        folder.mkdir()
        return train(folder, recipe, manifest, "run", "--nodes", "2", NODE_RANK=str(rank), MASTER_PORT=port)

    with ThreadPoolExecutor(2) as both:
        first, second = both.map(node, range(2))
    assert difference(one, first, "network") < 1e-5
    assert not (second / "checkpoint.pt").exists()


@pytest.mark.slow
def test_two_processes_do_not_wait_for_what_no_loss_asks_for(
    manifest: Path, recipes: dict[str, Recipe], tmp_path: Path
) -> None:
    """Without the loss of vessels, the last layers of the structure activation have no gradient."""
    update = {"losses": {"absolute": 1.0}, "steps": 3, "validate_every": 3}
    run = train(tmp_path, recipes["reference"].model_copy(update=update), manifest, "run", "--devices", "2")
    assert Run(run).load()["step"] == 3
