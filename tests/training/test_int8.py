"""Layers in integers: the model answers nearly as before, keeps its weights, and is refused if it does not."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto
from torch import nn
from typer.testing import CliRunner

from cofenet.cli import app
from cofenet.engine.session import Session
from cofenet.errors import ModelError, UsageError
from cofenet.networks.detail import Detail
from cofenet.networks.field import IlluminationField
from cofenet.networks.fine import Fine
from cofenet.networks.segmentation import Segmenter
from cofenet.networks.sharpening import Sharpening
from cofenet.training import int8
from cofenet.training.export import export as export_model
from cofenet.training.half import widened
from cofenet.training.pretrained import begin_with
from cofenet.training.recipe import Recipe
from cofenet.training.run import Run

SHAPES = {"whole": (1, 4, 128, 128), "local": (1, 4, 64, 64), "large": (1, 7, 128, 128)}
WIDTHS = {"field": (4, 4, 6, 6), "detail": (4, 4, 6), "sharpening": (4,), "coarse": (4, 1), "fine": (4, 1)}


def networks() -> dict[str, nn.Module]:
    """Small networks, of which every layer says something, and no two the same."""
    torch.manual_seed(0)
    field, detail, sharpening = IlluminationField(WIDTHS["field"]), Detail(WIDTHS["detail"]), Sharpening(4)  # type: ignore[arg-type]
    parts = {"field": field, "detail": detail, "sharpening": sharpening, "coarse": Fine(4, 1), "fine": Fine(4, 1)}
    for part in (field.head, detail, parts["coarse"], parts["fine"]):
        for weight in part.parameters():
            nn.init.normal_(weight, std=0.1)
    nn.init.normal_(sharpening.last.bias, std=2)  # type: ignore[arg-type]
    return {name: part.eval() for name, part in parts.items()}


@pytest.fixture
def runs(tmp_path: Path, recipes: dict[str, Recipe]) -> list[str]:
    """Run folders in which `networks()` were trained."""
    (tmp_path / "terms.toml").write_text('meadow = "Ask the shepherd."')
    for name, network in networks().items():
        run = Run(tmp_path / name)
        run.begin(recipes[name].model_copy(update={"widths": WIDTHS[name]}))
        run.note_sources({"meadow": 3})
        run.save({"average": network.state_dict(), "step": 6})
    return [str(tmp_path / name) for name in WIDTHS]


@pytest.fixture
def enough(manifest: Path) -> Path:
    """A manifest with as many rows to learn from as are asked for, beside the photographs."""
    header, *rows = manifest.read_text("utf-8").splitlines()
    path = manifest.with_name("enough.csv")
    path.write_text("\n".join([header, *(4 * rows)]), "utf-8")
    return path


def export(runs: list[str], path: Path, *options: str) -> Path:
    terms = str(Path(runs[0]).with_name("terms.toml"))
    arguments = ["export", *runs, "-o", str(path), "--terms", terms, *options]
    assert CliRunner().invoke(app, arguments, catch_exceptions=False).exit_code == 0
    return path


def test_scenes_are_what_the_model_sees(enough: Path) -> None:
    found = int8.scenes(enough, SHAPES)
    assert len(found) == 80
    for inputs in found:
        assert {name: array.shape for name, array in inputs.items()} == SHAPES | {"large": (0, 7, 128, 128)}
        assert all(array.dtype == np.float32 for array in inputs.values())
        assert all(0 <= inputs[name].min() <= inputs[name].max() <= 1 for name in ("whole", "local"))
        assert set(np.unique(inputs["local"][0, 3])) == {0, 1}
        assert abs(inputs["whole"].mean() - inputs["local"].mean()) < 0.01
    assert "large" not in int8.scenes(enough, {name: SHAPES[name] for name in ("whole", "local")})[0]


def test_photographs_to_learn_from_are_asked_for(enough: Path, tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text(enough.read_text("utf-8").replace("train", "test"), "utf-8")
    with pytest.raises(UsageError, match=r"test\.csv: fewer than 10 good photographs of split train"):
        int8.scenes(tmp_path / "test.csv", SHAPES)


@pytest.mark.slow
def test_a_model_in_integers_answers_nearly_as_before(
    runs: list[str], enough: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cofenet.training.half._WORTH", 16)  # these networks are small
    floats, wanted = export(runs, tmp_path / "floats.onnx"), ("--int8", str(enough))
    integers = export(runs, tmp_path / "integers.onnx", *wanted)
    half = export(runs, tmp_path / "half.onnx", "--half", *wanted)

    bottom = {name for name, _ in networks()["detail"].named_parameters() if name.startswith("bottom.")}
    for path in (integers, half):
        graph = onnx.load(path).graph
        stored = {tensor.name: tensor for tensor in graph.initializer}
        rounded = {
            node.input[0]: [stored[name] for name in node.input[1:]]
            for node in graph.node
            if node.op_type == "QuantizeLinear" and node.input[0].endswith(".weight")
        }
        assert rounded.keys() == {f"detail.{name}" for name in bottom if name.endswith(".weight")}
        assert all(zero.data_type == TensorProto.INT8 and list(scale.dims) == [6] for scale, zero in rounded.values())
        assert not graph.metadata_props

    inputs = int8.scenes(enough, SHAPES)[0] | {"large": np.full(SHAPES["large"], 0.5, np.float32)}
    inputs["local"][:, 3] = 1  # of a small field of view the spectrum is not looked at
    expected = Session(str(floats), threads=1).run(**inputs)
    for path, same in ((integers, 0.0), (half, 4e-3)):
        for name, array in Session(str(path), threads=1).run(**inputs).items():
            assert expected[name].any()
            np.testing.assert_allclose(array, expected[name], rtol=0, atol=0.01 if name in int8.ROUNDED else same)
            assert name not in int8.ROUNDED or not np.array_equal(array, expected[name])


@pytest.mark.slow
def test_training_goes_on_from_the_weights_as_they_were(runs: list[str], enough: Path, tmp_path: Path) -> None:
    path = export(runs[:2], tmp_path / "integers.onnx", "--int8", str(enough))
    detail = Detail(WIDTHS["detail"])  # type: ignore[arg-type]
    begin_with(str(path), detail, lambda: None, "detail")
    for name, weight in networks()["detail"].state_dict().items():
        torch.testing.assert_close(detail.state_dict()[name], weight, rtol=0, atol=0)
        assert f"detail.{name}" in widened(onnx.load(path).graph)


@pytest.mark.slow
def test_a_model_that_would_answer_otherwise_is_refused(
    runs: list[str], enough: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(int8, "_TOLERANCE", 1e-6)
    with pytest.raises(ModelError, match=r"in integers the (residual|activation) is another: by 0\.\d+"):
        export(runs[:2], tmp_path / "out" / "integers.onnx", "--int8", str(enough))
    assert not any((tmp_path / "out").iterdir())


def test_a_file_without_such_layers_is_refused(tmp_path: Path) -> None:
    empty = onnx.helper.make_model(onnx.helper.make_graph([], "none", [], []))
    onnx.save(empty, tmp_path / "other.onnx")
    with pytest.raises(ModelError, match=r"other\.onnx: no layers of detail\.bottom"):
        int8.quantise(tmp_path / "other.onnx", [])


def test_only_models_for_correction_have_such_layers(runs: list[str], recipes: dict[str, Recipe], enough: Path) -> None:
    run = Run(Path(runs[0]).with_name("vessels"))
    run.begin(recipes["vessels"])
    run.note_sources({"meadow": 3})
    run.save({"average": Segmenter(1, (4, 4)).state_dict(), "step": 6})
    with pytest.raises(UsageError, match="only a model for correction"):
        export([str(run.folder)], run.folder / "vessels.onnx", "--int8", str(enough))


@pytest.mark.slow
def test_a_model_that_is_exported_anew_loses_its_integers_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("cofenet.training.export.write", lambda *_, **__: None)
    again = partial(export_model, ["light"], tmp_path / "mine.onnx", Path(__file__).parents[2] / "recipes/terms.toml")
    again()
    assert "ranges of integers are not kept, but taken anew (--int8)" in caplog.text
    caplog.clear()
    monkeypatch.setattr(int8, "scenes", lambda *_: [{}])
    again(integers=tmp_path / "any.csv")
    assert "integers" not in caplog.text
