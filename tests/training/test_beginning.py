"""What a training begins with: another run's weights, a shipped model's, or the mean of several."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from cofenet.engine.card import Data, load_card, verified_weights
from cofenet.errors import ModelError
from cofenet.training.loop import train
from cofenet.training.objective import Objective
from cofenet.training.objectives import objective
from cofenet.training.pretrained import parts_of
from cofenet.training.recipe import Recipe
from cofenet.training.run import Run


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch, one_thread: None) -> None:
    monkeypatch.setattr(Objective, "validated", 4)


def once(recipe: Recipe) -> Recipe:
    """One step of it."""
    return recipe.model_copy(update={"steps": 1})


def test_a_run_may_begin_with_another_ones_weights(manifest: Path, recipes: dict[str, Recipe], tmp_path: Path) -> None:
    first = train(recipes["field"], manifest, tmp_path / "first")
    train(once(recipes["field"]), manifest, tmp_path / "second", start=[str(tmp_path / "first")])
    second = Run(tmp_path / "second")
    assert second.load()["step"] == 1
    distance = [
        sum(float((a - b).detach().abs().sum()) for a, b in zip(net.parameters(), first.parameters(), strict=True))
        for net in (second.averaged(), objective(recipes["field"]).network())
    ]
    assert distance[0] < 0.1 * distance[1]


def test_a_run_may_begin_with_the_mean_of_several(manifest: Path, recipes: dict[str, Recipe], tmp_path: Path) -> None:
    recipe = recipes["detail"].model_copy(update={"rate": 1e-6})
    starts = [tmp_path / "first", tmp_path / "second"]
    for number, folder in enumerate(starts):
        train(recipe.model_copy(update={"seed": number}), manifest, folder)
    train(once(recipe), manifest, tmp_path / "mean", start=[str(folder) for folder in starts])
    first, second = (Run(folder).averaged().state_dict() for folder in starts)
    for name, value in Run(tmp_path / "mean").averaged().state_dict().items():
        torch.testing.assert_close(value, (first[name] + second[name]) / 2, atol=1e-4, rtol=0)


def test_a_mean_has_learned_from_what_each_had(manifest: Path, recipes: dict[str, Recipe], tmp_path: Path) -> None:
    recipe = recipes["detail"].model_copy(update={"widths": ()})
    card, other = load_card("light"), Data(source="another", photographs=3, terms="its own")
    (tmp_path / "mine.onnx").write_bytes(verified_weights("light"))
    mine = card.model_copy(update={"name": "mine", "file": "mine.onnx", "data": (other,)})
    (tmp_path / "mine.json").write_text(mine.model_dump_json())
    train(once(recipe), manifest, tmp_path / "mean", start=["light", str(tmp_path / "mine.onnx")])
    begun = Run(tmp_path / "mean").begun()
    assert begun is not None
    assert set(begun.data) == {*card.data, other}


def test_other_networks_have_no_mean(manifest: Path, recipes: dict[str, Recipe], tmp_path: Path) -> None:
    recipe = recipes["detail"]
    wider = recipe.model_copy(update={"widths": tuple(2 * width for width in recipe.widths)})
    starts = [str(tmp_path / "first"), str(tmp_path / "second")]
    for plan, folder in zip((recipe, wider), starts, strict=True):
        train(plan, manifest, Path(folder))
    with pytest.raises(ModelError, match="differ in shape"):
        train(recipe, manifest, tmp_path / "mean", start=starts)


def test_a_run_may_begin_with_a_shipped_model(manifest: Path, recipes: dict[str, Recipe], tmp_path: Path) -> None:
    recipe = recipes["detail"].model_copy(update={"widths": (), "rate": 1e-6})
    train(once(recipe), manifest, tmp_path / "run", start=["light"])
    run = Run(tmp_path / "run")
    assert run.begun() == load_card("light")
    shipped = parts_of("light")["detail"].state_dict()
    assert all(torch.allclose(value, shipped[name], atol=1e-4) for name, value in run.averaged().state_dict().items())
    train(recipe, manifest, tmp_path / "run", start=["light"])  # goes on, and does not begin anew
    assert [row["step"] for row in run.rows()] == ["1", "2", "4", "6"]
    train(once(recipe), manifest, tmp_path / "next", start=[str(tmp_path / "run")])
    assert Run(tmp_path / "next").begun() == load_card("light")  # it, too, has learned from those photographs
