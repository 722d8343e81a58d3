"""Writing: the file says what the network says, the card what the file is; or nothing is left behind."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from cofenet.engine.card import load_card
from cofenet.engine.session import Session
from cofenet.errors import ModelError, UsageError
from cofenet.networks.light import Light
from cofenet.training.export import light
from cofenet.training.onnx_file import write

from .conftest import DATA, networks

pytestmark = pytest.mark.slow


def test_card_describes_the_weights(exported: Path) -> None:
    card = load_card(str(exported))
    assert card.name == "light"
    assert card.sha256 == hashlib.sha256(exported.read_bytes()).hexdigest()
    assert card.parameters == sum(value.numel() for part in networks() for value in part.parameters())
    assert card.data == DATA
    assert card.training == {"field_recipe": "mine", "field_steps": 6}
    assert (card.whole_size, card.working_size) == (128, 64)
    assert sorted(path.name for path in exported.parent.iterdir()) == ["light.json", "light.onnx"]


def test_weights_give_what_the_networks_give(exported: Path) -> None:
    random = np.random.default_rng(1)
    whole, local = (random.random((1, 4, size, size), np.float32) for size in (128, 64))
    found = Session(str(exported), threads=1).run(whole=whole, local=local)
    with torch.no_grad():
        expected = Light(*networks())(torch.from_numpy(whole), torch.from_numpy(local))
    assert list(found) == ["field", "residual", "activation"]
    for array, tensor in zip(found.values(), expected, strict=True):
        assert array.any()
        np.testing.assert_allclose(array, tensor.numpy(), atol=1e-5)


@pytest.mark.usefixtures("no_export")
def test_disagreement_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="PyTorch and ONNX disagree in field"):
        write(light(*networks(seed=1), size=64), tmp_path / "light.onnx", DATA, {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_export")
def test_disagreement_keeps_the_model_before(exported: Path, tmp_path: Path) -> None:
    write(light(*networks(), size=64), tmp_path / "light.onnx", DATA, {})
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ModelError, match="disagree"):
        write(light(*networks(seed=1), size=64), tmp_path / "light.onnx", DATA, {})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_failed_export_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(network: object, example: object, path: Path, **options: object) -> None:
        path.write_bytes(b"half")
        raise RuntimeError("unsupported operator")

    monkeypatch.setattr(torch.onnx, "export", fail)
    with pytest.raises(RuntimeError, match="unsupported operator"):
        write(light(*networks(), size=64), tmp_path / "light.onnx", DATA, {})
    assert list(tmp_path.iterdir()) == []


def test_name_must_end_in_onnx(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"must end in \.onnx"):
        write(light(*networks(), size=64), tmp_path / "light.bin", DATA, {})
