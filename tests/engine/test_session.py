"""Sessions: what the card promises is what runs, and nothing else does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cofenet.engine.card import shipped
from cofenet.engine.session import Session, session
from cofenet.errors import ModelError

from .conftest import weights

MakeModel = Callable[..., str]
SHAPE = (1, 4, 8, 8)


def picture(*shape: int, dtype: type = np.float32) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape or SHAPE).astype(dtype)


def test_named_outputs_of_named_inputs(make_model: MakeModel) -> None:
    whole, local = picture(), -picture()
    outputs = Session(make_model(), threads=1).run(local=local, whole=whole)
    assert list(outputs) == ["field", "residual"]
    np.testing.assert_array_equal(outputs["field"], np.maximum(whole, 0))
    np.testing.assert_array_equal(outputs["residual"], np.maximum(local, 0))


@pytest.mark.parametrize(
    "inputs",
    [
        {"whole": picture()},
        {"whole": picture(), "local": picture(), "more": picture()},
        {"whole": picture(), "locale": picture()},
        {"whole": picture(), "local": picture(1, 4, 8, 9)},
        {"whole": picture(), "local": picture(4, 8, 8)},
        {"whole": picture(), "local": picture(dtype=np.float64)},
    ],
)
def test_other_inputs_are_refused(make_model: MakeModel, inputs: dict[str, np.ndarray]) -> None:
    with pytest.raises(ModelError, match="small expects"):
        Session(make_model()).run(**inputs)


def test_damaged_weights_with_their_right_hash_are_named(make_model: MakeModel) -> None:
    name = make_model(b"not a network")
    with pytest.raises(ModelError, match=re.escape(f"{name}: onnxruntime cannot load the weights")):
        Session(name)


@pytest.mark.parametrize("kind", ["inputs", "outputs"])
@pytest.mark.parametrize(("name", "shape"), [("other", SHAPE), ("whole", (1, 4, 8, 16))])
def test_weights_that_do_not_fit_their_card_are_named(
    make_model: MakeModel, kind: str, name: str, shape: tuple[int, ...]
) -> None:
    model = make_model(**{kind: {name: {"shape": shape, "meaning": "anything"}}})
    with pytest.raises(ModelError, match=rf"small\.onnx: the weights do not fit their card: their {kind}"):
        Session(model)


def test_an_input_of_open_number_may_be_none(make_model: MakeModel) -> None:
    model = Session(make_model(weights("pictures")))
    assert model.nothing("local").shape == (0, *SHAPE[1:])
    outputs = model.run(whole=picture(), local=model.nothing("local"))
    assert outputs["residual"].shape == (0, *SHAPE[1:])
    np.testing.assert_array_equal(outputs["field"], np.maximum(picture(), 0))
    np.testing.assert_array_equal(model.run(whole=picture(), local=picture())["residual"], np.maximum(picture(), 0))
    for inputs in ({"whole": picture()[:0], "local": picture()}, {"whole": picture(), "local": picture(2, *SHAPE[1:])}):
        with pytest.raises(ModelError, match="small expects"):
            model.run(**inputs)


def test_nothing_is_black_where_there_must_be_something(make_model: MakeModel) -> None:
    model = Session(make_model())
    assert model.nothing("whole").shape == SHAPE
    assert not model.run(whole=model.nothing("whole"), local=picture())["field"].any()


def test_session_is_kept(make_model: MakeModel) -> None:
    name = make_model()
    assert session(name, 1) is session(name, 1)


@pytest.mark.parametrize("name", shipped())
def test_shipped_model_loads_and_runs(name: str) -> None:
    loaded = Session(name, threads=1)
    assert loaded.card.name == name
    assert loaded.card.data
    outputs = loaded.run(**{key: np.zeros(tensor.shape, np.float32) for key, tensor in loaded.card.inputs.items()})
    assert {key: array.shape for key, array in outputs.items()} == {
        key: tensor.shape for key, tensor in loaded.card.outputs.items()
    }
    assert all(np.isfinite(array).all() for array in outputs.values())


@pytest.mark.parametrize("before", ["", "import cofenet.training.finish; "])
def test_nothing_is_kept_or_told_of_who_runs_it(before: str, tmp_path: Path) -> None:
    """onnxruntime keeps a device number and a queue of events below the home folder, unless it is told not to."""
    code = f"{before}from cofenet.engine.session import session; session('light')"
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert list(tmp_path.iterdir()) == []
