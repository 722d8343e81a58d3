"""Export: what comes out is what was trained, or nothing."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import cast

import numpy as np
import onnx
import pytest
import torch
from typer.testing import CliRunner

from cofenet.cli import app
from cofenet.engine.card import Card, Data, load_card
from cofenet.engine.session import Session
from cofenet.errors import UsageError
from cofenet.networks.detail import Detail
from cofenet.networks.field import IlluminationField
from cofenet.networks.fine import Fine
from cofenet.networks.light import Light
from cofenet.networks.sharpening import Sharpening
from cofenet.training import own
from cofenet.training.export import _mean, export
from cofenet.training.half import graphs
from cofenet.training.onnx_file import Exported
from cofenet.training.recipe import Recipe
from cofenet.training.run import Run

from .conftest import DATA, networks

pytestmark = pytest.mark.slow

TERMS = 'meadow = "Ask the shepherd."\nharbour = "Ask the pilot."\n'


@pytest.fixture
def runs(tmp_path: Path, recipes: dict[str, Recipe]) -> list[Path]:
    """Run folders in which `networks()` were trained."""
    counts = {"field": {"meadow": 3, "harbour": 9}, "detail": {"meadow": 5}}
    for name, network in zip(("field", "detail"), networks(), strict=True):
        run = Run(tmp_path / name)
        run.begin(recipes[name].model_copy(update={"name": f"small-{name}"}))
        run.note_sources(counts[name])
        run.save({"average": network.state_dict(), "step": 6})
        run.add({"step": 2, "psnr_input": 20.0, "psnr": 21.0})
        run.add({"step": 6, "psnr_input": 20.0, "psnr": 24.5})
    (tmp_path / "terms.toml").write_text(TERMS)
    return [tmp_path / "field", tmp_path / "detail"]


def test_sharpening_is_a_part_if_it_is_given(runs: list[Path], recipes: dict[str, Recipe], tmp_path: Path) -> None:
    sharpening = Sharpening(4).eval()
    torch.nn.init.normal_(sharpening.last.bias, std=0.2)  # type: ignore[arg-type]
    run = Run(tmp_path / "sharpening")
    run.begin(recipes["sharpening"])
    run.note_sources({"harbour": 11})
    run.save({"average": sharpening.state_dict(), "step": 4})
    card = export([*runs, run.folder], tmp_path / "out/light.onnx", tmp_path / "terms.toml")
    assert card.training["sharpening_steps"] == 4
    assert {part.source: part.photographs for part in card.data} == {"harbour": 11, "meadow": 5}
    random = np.random.default_rng(1)
    whole, local = (random.random((1, 4, size, size), np.float32) for size in (128, 64))
    found = Session(str(tmp_path / "out/light.onnx"), threads=1).run(whole=whole, local=local)
    with torch.no_grad():
        expected = Light(*networks(), sharpening)(torch.from_numpy(whole), torch.from_numpy(local))
    assert list(found) == ["field", "residual", "activation", "sharpened", "filters"]
    for array, tensor in zip(found.values(), expected, strict=True):
        np.testing.assert_allclose(array, tensor.numpy(), atol=1e-4)


def test_coarse_and_fine_structures_are_parts_beside_sharpening(
    runs: list[Path], recipes: dict[str, Recipe], tmp_path: Path
) -> None:
    sharpening, coarse, fine = Sharpening(4).eval(), Fine(4, 1).eval(), Fine(4, 1).eval()
    torch.nn.init.normal_(sharpening.last.bias, std=2)  # type: ignore[arg-type]
    torch.nn.init.normal_(coarse.last.weight, std=0.1)
    torch.nn.init.normal_(fine.last.weight, std=0.1)
    for name, network, widths in (("sharpening", sharpening, (4,)), ("coarse", coarse, (4, 1)), ("fine", fine, (4, 1))):
        run = Run(tmp_path / name)
        run.begin(recipes["sharpening"].model_copy(update={"network": name, "widths": widths}))
        run.note_sources({"harbour": 11})
        run.save({"average": network.state_dict(), "step": 4})
    every = [*runs, *(tmp_path / name for name in ("sharpening", "coarse", "fine"))]
    for part in every[-2:]:
        with pytest.raises(UsageError, match="make no model"):
            export([*runs, part], tmp_path / "out/light.onnx", tmp_path / "terms.toml")
    random, shapes = np.random.default_rng(1), ((4, 128, 128), (4, 64, 64), (7, 128, 128))
    whole, local, large = (random.random((1, *shape), np.float32) for shape in shapes)
    local[:, 3] = 1
    light = Light(*networks(), sharpening, coarse, fine)
    expected = [answer.detach().numpy() for answer in light(*map(torch.from_numpy, (whole, local, large)))]
    for half, tolerance in ((False, 1e-4), (True, 4e-3)):
        path = tmp_path / f"half-{half}.onnx"
        assert export(every, path, tmp_path / "terms.toml", half=half).training["coarse_steps"] == 4
        network = Session(str(path), threads=1)
        for array, answer in zip(network.run(whole=whole, local=local, large=large).values(), expected, strict=True):
            assert answer.any()
            np.testing.assert_allclose(array, answer, atol=tolerance)
        without = network.run(whole=whole, local=local, large=large[:0])
        assert without.pop("fine").shape == (0, 3, 128, 128)
        for array, answer in zip(without.values(), expected, strict=False):
            np.testing.assert_allclose(array, answer, atol=tolerance)
        assert b"site-packages" not in path.read_bytes()
        stored = [{tensor.name for tensor in graph.initializer} for graph in graphs(onnx.load(path).graph)]
        for weight, branch in (("coarse.last.weight", 1), ("fine.last.weight", 0)):  # where it is used, and only there
            assert [number for number, names in enumerate(stored) if weight in names] == [branch]


@pytest.mark.parametrize("canvas", [512, 256])
def test_structures_stay_with_the_sharpening_and_the_size_they_learned_from(
    canvas: int, recipes: dict[str, Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    (tmp_path / "terms.toml").write_text(TERMS)
    made: list[Exported] = []
    monkeypatch.setattr("cofenet.training.export.write", lambda exported, *_, **__: made.append(exported))
    detail = Run(tmp_path / "detail")
    detail.begin(recipes["detail"].model_copy(update={"widths": (), "canvas": canvas}))
    detail.note_sources({"harbour": 11})
    detail.save({"average": Detail().state_dict(), "step": 4})
    export([detail.folder, "light"], tmp_path / "mine.onnx", tmp_path / "terms.toml")
    sharpening = Run(tmp_path / "sharpening")
    sharpening.begin(recipes["sharpening"].model_copy(update={"widths": ()}))
    sharpening.note_sources({"harbour": 11})
    sharpening.save({"average": Sharpening().state_dict(), "step": 4})
    export([sharpening.folder, "light"], tmp_path / "mine.onnx", tmp_path / "terms.toml")
    for part in ("coarse", "fine"):
        assert [part in one.outputs for one in made] == [canvas == 512, False]
        assert caplog.text.count(f"{part} is left out") == 2 - (canvas == 512)


def test_card_names_what_a_run_had_begun_with(exported: Path, runs: list[Path], tmp_path: Path) -> None:
    Run(runs[0]).note_sources({own.SOURCE: 12})
    Run(runs[1]).note_sources({own.SOURCE: 15})
    Run(runs[0]).note_begun(load_card(str(exported)))
    card = export(runs, tmp_path / "out.onnx")
    assert card.data == (*DATA, Data(source=own.SOURCE, photographs=15, terms=own.TERMS))
    assert card.licence != own.LICENCE
    assert card.training["field_begun_with"] == f"light {load_card(str(exported)).sha256[:12]}"


def test_half_precision_is_half_the_size_and_answers_alike(
    runs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cofenet.training.half._WORTH", 16)  # these networks are small
    (tmp_path / "terms.toml").write_text('harbour = "Ask first."\nmeadow = "Free to all."')
    paths = [tmp_path / name for name in ("whole.onnx", "half.onnx")]
    cards = [export(runs, path, tmp_path / "terms.toml", half=path == paths[1]) for path in paths]
    assert cards[0].parameters == cards[1].parameters
    whole, half = (sum(one.ByteSize() for one in onnx.load(path).graph.initializer) for path in paths)
    assert half < 0.7 * whole
    seen = np.random.default_rng(1).random((1, 4, 128, 128), np.float32)
    first, second = (Session(str(path), threads=1).run(whole=seen, local=seen[..., :64, :64]) for path in paths)
    for name, array in first.items():
        np.testing.assert_allclose(second[name], array, atol=4e-3)
    assert any(not np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.usefixtures("no_export")
def test_runs_are_exported_with_what_they_learned_from(runs: list[Path], tmp_path: Path) -> None:
    card = export(runs, tmp_path / "out" / "light.onnx", tmp_path / "terms.toml")
    assert card.data == (
        Data(source="harbour", photographs=9, terms="Ask the pilot."),
        Data(source="meadow", photographs=5, terms="Ask the shepherd."),
    )
    assert card.training == {
        "field_recipe": "small-field", "field_steps": 6, "field_psnr_input": 20.0, "field_psnr": 24.5,
        "detail_recipe": "small-detail", "detail_steps": 6, "detail_psnr_input": 20.0, "detail_psnr": 24.5,
    }  # fmt: skip
    assert Card.model_validate(json.loads((tmp_path / "out" / "light.json").read_text())) == card


@pytest.mark.usefixtures("no_export")
def test_command_says_what_it_wrote(runs: list[Path], tmp_path: Path) -> None:
    weights, terms = tmp_path / "light.onnx", tmp_path / "terms.toml"
    arguments = ["export", *map(str, runs), "-o", str(weights), "--terms", str(terms)]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    assert result.stdout.split() == [str(weights), hashlib.sha256(weights.read_bytes()).hexdigest()]


@pytest.mark.usefixtures("no_export")
def test_the_order_of_runs_does_not_matter(runs: list[Path], tmp_path: Path) -> None:
    cards = [
        export(order, tmp_path / f"{name}" / "light.onnx", tmp_path / "terms.toml")
        for name, order in (("a", runs), ("b", runs[::-1]))
    ]
    assert cards[0].inputs == cards[1].inputs
    assert cards[0].data == cards[1].data


@pytest.mark.parametrize("count", [1, 3])
def test_runs_that_make_no_model_are_named(runs: list[Path], tmp_path: Path, count: int) -> None:
    with pytest.raises(UsageError, match="field: runs of field make no model; give those of field and detail"):
        export(runs[:1] * count, tmp_path / "light.onnx", tmp_path / "terms.toml")


def test_source_without_terms_is_named(runs: list[Path], tmp_path: Path) -> None:
    (tmp_path / "terms.toml").write_text('meadow = "Ask."')
    with pytest.raises(UsageError, match=r"terms\.toml: no terms for harbour"):
        export(runs, tmp_path / "light.onnx", tmp_path / "terms.toml")
    with pytest.raises(UsageError, match=r"none\.toml"):
        export(runs, tmp_path / "light.onnx", tmp_path / "none.toml")


def test_every_source_of_the_shipped_terms_has_a_sentence() -> None:
    import tomllib

    path = Path(__file__).parents[2] / "recipes" / "terms.toml"
    terms = cast("dict[str, str]", tomllib.loads(path.read_text("utf-8")))
    assert {"eyepacs1024", "eyepacs200", "srahim", "heimed", "hrf", "chase", "disc_hemo"} <= terms.keys()
    assert all(len(text) > 10 for text in terms.values())


def test_runs_of_one_network_are_averaged() -> None:
    (one, _), (other, _) = networks(0), networks(1)
    expected = {name: (one.state_dict()[name] + value) / 2 for name, value in other.state_dict().items()}
    mean = _mean([one, other]).state_dict()
    for name, value in expected.items():
        torch.testing.assert_close(mean[name], value.to(mean[name].dtype))
    with pytest.raises(UsageError, match="differ in shape"):
        _mean([one, IlluminationField((4, 4, 6, 8))])
