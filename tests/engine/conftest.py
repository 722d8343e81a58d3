"""A small model: weights and card."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

SHAPE = [1, 4, 8, 8]


def weights(count: int | str = 1) -> bytes:
    """Two inputs, of the second so many pictures; each comes back rectified under another name."""
    names, shapes = {"whole": "field", "local": "residual"}, (SHAPE, [count, *SHAPE[1:]])
    inputs, outputs = (
        [helper.make_tensor_value_info(*value) for value in zip(kind, [TensorProto.FLOAT] * 2, shapes, strict=True)]
        for kind in (names, names.values())
    )
    nodes = [helper.make_node("Relu", [source], [target]) for source, target in names.items()]
    graph = helper.make_graph(nodes, "small", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


@pytest.fixture
def make_model(tmp_path: Path) -> Callable[..., str]:
    """`make_model(field=value, …)`: write the model with these fields of the card; gives its name."""

    def make(content: bytes | None = None, **changes: object) -> str:
        content = weights() if content is None else content
        tensor = {"shape": SHAPE, "meaning": "anything"}
        card = {
            "name": "small", "file": "small.onnx", "sha256": hashlib.sha256(content).hexdigest(),
            "description": "Rectifies.",
            "inputs": {"whole": tensor, "local": tensor}, "outputs": {"field": tensor, "residual": tensor},
            "data": [], "training": {}, "parameters": 0, "licence": "CC0-1.0", "figures": {},
        }  # fmt: skip
        (tmp_path / "small.onnx").write_bytes(content)
        (tmp_path / "small.json").write_text(json.dumps(card | changes))
        return str(tmp_path / "small.onnx")

    return make
