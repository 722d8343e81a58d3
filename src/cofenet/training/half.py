"""Weights in half precision: a model file of half the size, which calculates as before."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

_WORTH = 1024
"""Values from which a tensor is worth a cast."""

_LOST = 1e-3
"""Part of a tensor's norm that rounding may take: values of half precision have 11 bits, unless they are below 6e-5."""


def halve(model: onnx.ModelProto) -> None:
    """Store weights in half precision, and cast them when the model is loaded: sums stay float32.

    Tensors that are too large or too small for half precision stay as they are.
    """
    for graph in graphs(model.graph):  # one by one: the nodes of a graph are new ones once it is halved
        _halve(graph)


def _halve(graph: onnx.GraphProto) -> None:
    casts = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < _WORTH:
            continue
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if not _survives(values, half):
            continue
        stored, name = f"{tensor.name}_half", tensor.name
        tensor.CopyFrom(numpy_helper.from_array(half, stored))
        casts.append(helper.make_node("Cast", [stored], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def widened(graph: onnx.GraphProto) -> dict[str, np.ndarray]:
    """What a graph, with those inside it, stores, by the names that nodes use; half precision as float32."""
    parts = list(graphs(graph))
    stored = {item.name: numpy_helper.to_array(item) for part in parts for item in part.initializer}
    for node in (node for part in parts for node in part.node):
        if node.op_type == "Cast" and stored.get(node.input[0], np.empty(0)).dtype == np.float16:
            stored[node.output[0]] = stored.pop(node.input[0]).astype(np.float32)
    return stored


def graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """A graph and those inside its nodes."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from graphs(attribute.g)


def _survives(values: NDArray[np.float32], half: NDArray[np.float16]) -> bool:
    lost = np.linalg.norm((values - half.astype(np.float32)).ravel())
    return bool(lost <= _LOST * np.linalg.norm(values.ravel()))
