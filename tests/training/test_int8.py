"""Layers in integers: the model answers nearly as before, keeps its weights, and is refused if it does not."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from typer.testing import CliRunner

from cofenet.cli import app
from cofenet.engine.session import Session
from cofenet.errors import ModelError, UsageError
from cofenet.networks.detail import Detail
from cofenet.networks.field import IlluminationField
from cofenet.networks.light import Light
from cofenet.networks.segmentation import Segmenter
from cofenet.training import int8
from cofenet.training.pretrained import begin_with
from cofenet.training.recipe import Recipe
from cofenet.training.run import Run

SHAPES = {"whole": (1, 4, 128, 128), "local": (1, 4, 64, 64), "large": (1, 7, 128, 128)}


def networks() -> tuple[IlluminationField, Detail]:
    """Small networks that say something; of the detail every layer does, and no two alike."""
    torch.manual_seed(0)
    field, detail = IlluminationField((4, 4, 6, 6)), Detail((4, 4, 6))
    for weight in (field.head.weight, *detail.parameters()):
        torch.nn.init.normal_(weight, std=0.1)
    return field.eval(), detail.eval()


@pytest.fixture
def runs(tmp_path: Path, recipes: dict[str, Recipe]) -> list[str]:
    """Run folders in which `networks()` were trained."""
    (tmp_path / "terms.toml").write_text('meadow = "Ask the shepherd."')
    for name, network in zip(("field", "detail"), networks(), strict=True):
        run = Run(tmp_path / name)
        run.begin(recipes[name])
        run.note_sources({"meadow": 3})
        run.save({"average": network.state_dict(), "step": 6})
    return [str(tmp_path / "field"), str(tmp_path / "detail")]


def export(runs: list[str], path: Path, *options: str) -> None:
    terms = str(Path(runs[0]).with_name("terms.toml"))
    arguments = ["export", *runs, "-o", str(path), "--terms", terms, *options]
    assert CliRunner().invoke(app, arguments, catch_exceptions=False).exit_code == 0


def test_scenes_are_what_the_model_sees(manifest: Path) -> None:
    found = int8.scenes(manifest, SHAPES)
    assert len(found) == 72
    for inputs in found:
        assert {name: array.shape for name, array in inputs.items()} == SHAPES
        assert all(array.dtype == np.float32 and 0 <= array.min() <= array.max() <= 1 for array in inputs.values())
        assert not inputs["large"].any()
        assert set(np.unique(inputs["local"][0, 3])) == {0, 1}
        assert abs(inputs["whole"].mean() - inputs["local"].mean()) < 0.01
    assert "large" not in int8.scenes(manifest, {name: SHAPES[name] for name in ("whole", "local")})[0]


def test_photographs_to_test_on_are_not_looked_at(manifest: Path, tmp_path: Path) -> None:
    lines = manifest.read_text("utf-8").splitlines()
    (tmp_path / "test.csv").write_text("\n".join([lines[0], lines[-1]]), "utf-8")
    with pytest.raises(UsageError, match="no photographs"):
        int8.scenes(tmp_path / "test.csv", SHAPES)


@pytest.mark.slow
def test_a_model_in_integers_answers_nearly_as_before(runs: list[str], manifest: Path, tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.onnx" for name in ("floats", "integers", "again")]
    export(runs, paths[0])
    for path in paths[1:]:
        export(runs, path, "--int8", str(manifest))
    assert len({hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}) == 2

    nodes = onnx.load(paths[1]).graph.node
    rounded = {node.input[0] for node in nodes if node.op_type == "QuantizeLinear"}
    weights = {name for name, _ in Light(*networks()).named_parameters() if name.endswith("weight")}
    assert rounded & weights == {name for name in weights if name.startswith("detail.bottom.")}

    inputs = int8.scenes(manifest, {name: SHAPES[name] for name in ("whole", "local")})[0]
    floats, integers = (Session(str(path), threads=1).run(**inputs) for path in paths[:2])
    np.testing.assert_array_equal(floats["field"], integers["field"])
    for name in int8.ROUNDED:
        assert 0 < np.abs(floats[name] - integers[name]).max() < 0.01 < np.abs(floats[name]).max()


@pytest.mark.slow
def test_training_goes_on_from_the_weights_as_they_were(runs: list[str], manifest: Path, tmp_path: Path) -> None:
    export(runs, tmp_path / "integers.onnx", "--int8", str(manifest))
    detail = Detail((4, 4, 6))
    begin_with(str(tmp_path / "integers.onnx"), detail, lambda: None, "detail")
    for name, weight in networks()[1].state_dict().items():
        torch.testing.assert_close(detail.state_dict()[name], weight, rtol=0, atol=0)


@pytest.mark.slow
def test_a_model_that_would_answer_otherwise_is_refused(
    runs: list[str], manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(int8, "_TOLERANCE", 1e-6)
    with pytest.raises(ModelError, match=r"in integers the model answers otherwise, by 0\.\d\d grey levels"):
        export(runs, tmp_path / "out" / "integers.onnx", "--int8", str(manifest))
    assert not any((tmp_path / "out").iterdir())


def test_only_models_for_correction_have_such_layers(
    runs: list[str], recipes: dict[str, Recipe], manifest: Path
) -> None:
    run = Run(Path(runs[0]).with_name("vessels"))
    run.begin(recipes["vessels"])
    run.note_sources({"meadow": 3})
    run.save({"average": Segmenter(1, (4, 4)).state_dict(), "step": 6})
    with pytest.raises(UsageError, match="only a model for correction"):
        export([str(run.folder)], run.folder / "vessels.onnx", "--int8", str(manifest))
