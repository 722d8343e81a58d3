"""A run's folder."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import pytest
import torch

from cofenet.errors import ModelError, UsageError
from cofenet.training.objectives import objective
from cofenet.training.recipe import Recipe
from cofenet.training.run import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "run")


@pytest.mark.parametrize("name", ["field", "detail"])
def test_folder_gives_back_what_it_keeps(run: Run, recipes: dict[str, Recipe], name: str) -> None:
    network = objective(recipes[name]).network()
    run.begin(recipes[name])
    run.note_sources({"harbour": 3, "meadow": 4})
    run.save({"average": network.state_dict(), "step": 5})
    assert run.recipe() == recipes[name]
    assert run.sources() == {"harbour": 3, "meadow": 4}
    assert run.load()["step"] == 5
    averaged = run.averaged()
    assert not averaged.training
    assert all(torch.equal(value, network.state_dict()[key]) for key, value in averaged.state_dict().items())
    assert sorted(path.name for path in run.folder.iterdir()) == ["checkpoint.pt", "recipe.json", "sources.json"]


def test_another_recipe_is_refused(run: Run, recipes: dict[str, Recipe]) -> None:
    run.begin(recipes["field"])
    run.begin(recipes["field"])
    with pytest.raises(UsageError, match=r"another recipe \(rate, seed differ\)"):
        run.begin(recipes["field"].model_copy(update={"rate": 0.5, "seed": 9}))
    assert run.recipe() == recipes["field"]


def test_presets_go_with_the_folder(run: Run, recipes: dict[str, Recipe], tmp_path: Path) -> None:
    preset = tmp_path / "haze.toml"
    preset.write_bytes(resources.files("cofenet").joinpath("degradation/presets/clinical.toml").read_bytes())
    mixture = recipes["field"].mixture.model_copy(update={"presets": {"published": 1.0, str(preset): 2.0}})
    recipe = recipes["field"].model_copy(update={"mixture": mixture})
    run.begin(recipe)
    run.begin(recipe)
    preset.write_bytes(preset.read_bytes() + b"\n")
    with pytest.raises(UsageError, match=r"another preset haze\.toml"):
        run.begin(recipe)
    preset.unlink()
    moved = Run(run.folder.rename(tmp_path / "elsewhere"))
    assert moved.recipe().mixture.presets == {"published": 1.0, str(moved.folder / "presets/haze.toml"): 2.0}


@pytest.mark.parametrize("content", [None, b"", b"not a checkpoint", b"PK\x03\x04 cut off"])
def test_bad_checkpoint_is_named(run: Run, recipes: dict[str, Recipe], content: bytes | None) -> None:
    run.begin(recipes["field"])
    if content is not None:
        run.checkpoint.write_bytes(content)
    with pytest.raises(ModelError, match=r"checkpoint\.pt: cannot read"):
        run.averaged()


def test_checkpoint_of_another_network_is_named(run: Run, recipes: dict[str, Recipe]) -> None:
    run.begin(recipes["field"])
    run.save({"average": objective(recipes["detail"]).network().state_dict(), "step": 1})
    with pytest.raises(ModelError, match=r"checkpoint\.pt: the checkpoint does not fit"):
        run.averaged()


@pytest.mark.parametrize("content", [None, b"{", b"[1]"])
def test_bad_sources_are_named(run: Run, content: bytes | None) -> None:
    run.folder.mkdir()
    if content is not None:
        (run.folder / "sources.json").write_bytes(content)
    with pytest.raises(UsageError, match=r"sources\.json"):
        run.sources()


def test_folder_without_a_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"recipe\.json"):
        Run(tmp_path).averaged()


def test_log_is_rewound(run: Run) -> None:
    run.folder.mkdir()
    assert run.rows() == []
    run.rewind(0)
    for step in (2, 4, 6):
        run.add({"step": step, "psnr": 20.5 + step})
    run.rewind(6)
    assert [row["step"] for row in run.rows()] == ["2", "4", "6"]
    run.rewind(5)
    run.add({"step": 6, "psnr": 30})
    assert run.rows() == [
        {"step": "2", "psnr": "22.5"},
        {"step": "4", "psnr": "24.5"},
        {"step": "6", "psnr": "30"},
    ]


def test_a_changed_environment_is_added(run: Run) -> None:
    run.note_environment(0, {"torch": "2.13.0"})
    run.note_environment(4, {"torch": "2.13.0"})
    run.note_environment(8, {"torch": "2.14.0"})
    kept = json.loads((run.folder / "environment.json").read_text())
    assert kept == [{"step": 0, "torch": "2.13.0"}, {"step": 8, "torch": "2.14.0"}]


@pytest.mark.parametrize("content", ["{", '{"torch": 1}', "[1]"])
def test_damaged_environment_is_named(run: Run, content: str) -> None:
    run.folder.mkdir()
    (run.folder / "environment.json").write_text(content)
    with pytest.raises(UsageError, match=r"environment\.json"):
        run.note_environment(0, {"torch": "2.13.0"})
