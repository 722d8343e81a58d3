"""Cards: what is missing or damaged is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cofenet.engine import card as module
from cofenet.engine.card import card_path, load_card, shipped, verified_weights
from cofenet.errors import ModelError

MakeModel = Callable[..., str]


def test_card_is_found_by_either_file(make_model: MakeModel) -> None:
    weights = make_model()
    assert load_card(weights) == load_card(str(Path(weights).with_suffix(".json")))
    assert (load_card(weights).whole_size, load_card(weights).working_size) == (8, 8)
    assert verified_weights(weights) == Path(weights).read_bytes()


def test_name_is_of_a_shipped_model() -> None:
    assert card_path("light").parts[-3:] == ("cofenet", "weights", "light.json")


@pytest.mark.parametrize("name", ["no such model", "", "nowhere/light.onnx"])
def test_missing_card_is_named(name: str) -> None:
    with pytest.raises(ModelError, match=f"no model '{name}': .*shipped models: "):
        load_card(name)


def test_package_without_weights_ships_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.resources, "files", lambda package: tmp_path)
    assert shipped() == ()


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "\0\xff", '{"name": "small"}'])
def test_damaged_card_is_named(make_model: MakeModel, content: str) -> None:
    path = Path(make_model()).with_suffix(".json")
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(ModelError, match=r"small\.json: damaged card: "):
        load_card(str(path))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("parameters", "many"),
        ("sha256", "abc"),
        ("file", "../other.onnx"),
        ("colour", "green"),
        ("data", [{"source": "x"}]),
    ],
)
def test_wrong_field_is_named(make_model: MakeModel, field: str, value: object) -> None:
    with pytest.raises(ModelError, match=rf"small\.json: damaged card: {field}"):
        load_card(make_model(**{field: value}))


def test_card_that_cannot_be_read_is_named(make_model: MakeModel) -> None:
    path = Path(make_model()).with_suffix(".json")
    path.unlink()
    path.mkdir()
    with pytest.raises(ModelError, match=r"small\.json: cannot read the card: Is a directory"):
        load_card(str(path))


def test_missing_weights_are_named(make_model: MakeModel) -> None:
    weights = make_model()
    Path(weights).unlink()
    with pytest.raises(ModelError, match=r"small\.onnx: cannot read the weights: No such file"):
        verified_weights(weights)


def test_changed_weights_are_named(make_model: MakeModel) -> None:
    weights = make_model()
    content = bytearray(Path(weights).read_bytes())
    content[-1] ^= 1
    Path(weights).write_bytes(content)
    with pytest.raises(ModelError, match=r"small\.onnx: the weights are damaged"):
        verified_weights(weights)
