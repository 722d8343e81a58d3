"""The end of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from cofenet.training.finish import finish
from cofenet.training.objectives import objective
from cofenet.training.recipe import Recipe
from cofenet.training.run import Run


@pytest.mark.parametrize("name", ["field", "detail", "sharpening", "coarse", "fine"])
def test_a_part_says_how_it_becomes_a_model(
    name: str, recipes: dict[str, Recipe], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Run(tmp_path).begin(recipes[name])
    with caplog.at_level("INFO"):
        assert finish(tmp_path) is None
    assert "cofenet export FIELD-RUN DETAIL-RUN [SHARPENING-RUN [COARSE-RUN] [FINE-RUN]] -o FILE.onnx" in caplog.text
    assert f"cofenet export {tmp_path} light -o FILE.onnx" in caplog.text


def test_unknown_terms_leave_the_run_unexported_and_say_so(
    recipes: dict[str, Recipe], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = Run(tmp_path / "mine")
    run.begin(recipes["vessels"])
    run.note_sources({"meadow": 3})
    run.save({"average": objective(recipes["vessels"]).network().state_dict(), "step": 1})
    (tmp_path / "terms.toml").write_text('harbour = "Ask the pilot."\n')
    assert finish(run.folder, tmp_path / "terms.toml") is None
    assert "no terms for meadow" in caplog.text
    assert f"cofenet export {run.folder} -o {run.model}" in caplog.text
    assert not run.model.exists()
