"""The reference network, from a recipe to a corrected photograph."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from cofenet.cli import app
from cofenet.engine.card import load_card
from cofenet.engine.session import Session
from cofenet.io import Photograph, read_photograph, write_photograph
from cofenet.training import loop
from cofenet.training.loop import train
from cofenet.training.objective import Objective
from cofenet.training.recipe import Recipe
from cofenet.training.run import Run

pytestmark = pytest.mark.slow


class StoppedError(Exception):
    """Raised in place of a kill."""


@pytest.mark.usefixtures("one_thread")
def test_reference_trains_resumes_exports_and_corrects(
    manifest: Path,
    recipes: dict[str, Recipe],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    draw: Callable[..., np.ndarray],
) -> None:
    monkeypatch.setattr(Objective, "validated", 2)
    recipe, step = recipes["reference"], loop._step
    whole = train(recipe, manifest, tmp_path / "whole").state_dict()

    def stop(goal: loop.Objective, state: loop._State, batch: loop.Batch) -> float:
        if state.step == 2:
            raise StoppedError
        return step(goal, state, batch)

    monkeypatch.setattr(loop, "_step", stop)
    with pytest.raises(StoppedError):
        train(recipe, manifest, tmp_path / "run", save_every=0)
    monkeypatch.setattr(loop, "_step", step)
    resumed = train(recipe, manifest, tmp_path / "run").state_dict()
    assert [name for name in whole if not torch.equal(whole[name], resumed[name])] == []
    assert [row["step"] for row in Run(tmp_path / "run").rows()] == ["2", "4"]

    (tmp_path / "terms.toml").write_text('meadow = "Ask the shepherd."\nharbour = "Ask the pilot."\n')
    model, photograph, out = tmp_path / "reference.onnx", tmp_path / "eye.png", tmp_path / "out"
    command = ["export", str(tmp_path / "run"), "-o", str(model), "--terms", str(tmp_path / "terms.toml")]
    assert CliRunner().invoke(app, command, catch_exceptions=False).exit_code == 0
    card = load_card(str(model))
    assert (card.working_size, card.training["recipe"], card.training["steps"]) == (192, recipe.name, 4)
    write_photograph(photograph, Photograph(draw(0, 300, 320)))
    command = ["correct", str(photograph), "-o", str(out), "--model", str(model)]
    before = read_photograph(photograph).pixels
    for force, changed in (([], False), (["--force", "--overwrite"], True)):  # it has hardly learned, and does harm
        assert CliRunner().invoke(app, command + force, catch_exceptions=False).exit_code == 0
        after = read_photograph(out / "eye.png").pixels
        assert after.shape == before.shape
        assert np.array_equal(after, before) != changed

    local = np.random.default_rng(0).random((1, 4, 192, 192), np.float32)
    found = Session(str(model), threads=1).run(whole=np.zeros((1, 4, 128, 128), np.float32), local=local)
    with torch.no_grad():
        image = torch.from_numpy(local[:, :3])
        expected = (Run(tmp_path / "run").averaged()(image).image - image) * torch.from_numpy(local[:, 3:])
    np.testing.assert_allclose(found["residual"], expected.numpy(), atol=1e-4)
    assert not found["field"].any()
