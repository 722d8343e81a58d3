"""Weights in half precision: what survives is halved, what does not stays, and all come back by their names."""

from __future__ import annotations

import numpy as np
import onnx
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from cofenet.training.half import graphs, halve, widened


def model(**stored: np.ndarray) -> onnx.ModelProto:
    """One that gives back its input."""
    shape = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    tensors = [numpy_helper.from_array(values, name) for name, values in stored.items()]
    node = helper.make_node("Identity", ["x"], ["y"])
    return helper.make_model(helper.make_graph([node], "one", shape[:1], shape[1:], tensors))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 100), scale=st.floats(1e-2, 1e3))
def test_weights_come_back_nearly_the_same_under_their_names(seed: int, scale: float) -> None:
    weight = (scale * np.random.default_rng(seed).normal(size=(40, 40))).astype(np.float32)
    made = model(weight=weight)
    halve(made)
    assert [item.data_type for item in made.graph.initializer] == [TensorProto.FLOAT16]
    found = widened(made.graph)
    assert list(found) == ["weight"]
    np.testing.assert_allclose(found["weight"], weight, rtol=1e-3, atol=1e-3 * scale)
    onnx.checker.check_model(made)


def test_what_half_precision_cannot_hold_stays() -> None:
    large, tiny = np.full((40, 40), 1e6, np.float32), np.full((40, 40), 1.23e-7, np.float32)
    few, counts = np.ones(8, np.float32), np.arange(2000)
    made = model(large=large, tiny=tiny, few=few, counts=counts)
    halve(made)
    assert [node.op_type for node in made.graph.node] == ["Identity"]
    for name, values in widened(made.graph).items():
        np.testing.assert_array_equal(values, {"large": large, "tiny": tiny, "few": few, "counts": counts}[name])


def test_so_it_is_with_what_a_branch_stores() -> None:
    weight = np.random.default_rng(0).normal(size=(40, 40)).astype(np.float32)
    value = helper.make_tensor_value_info("z", TensorProto.FLOAT, [40, 40])
    branches = [
        helper.make_graph(
            [helper.make_node("Identity", [f"weight_{name}"], ["z"])], name, [], [value],
            [numpy_helper.from_array(weight, f"weight_{name}")],
        )
        for name in ("then", "else")
    ]  # fmt: skip
    chosen = helper.make_tensor_value_info("chosen", TensorProto.BOOL, [])
    node = helper.make_node("If", ["chosen"], ["y"], then_branch=branches[0], else_branch=branches[1])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [40, 40])
    made = helper.make_model(helper.make_graph([node], "one", [chosen], [result]))
    halve(made)
    whole, *halved = graphs(made.graph)
    assert [item.data_type for part in halved for item in part.initializer] == 2 * [TensorProto.FLOAT16]
    found = widened(whole)
    assert sorted(found) == ["weight_else", "weight_then"]
    for values in found.values():
        np.testing.assert_allclose(values, weight, rtol=1e-3, atol=1e-3)
    onnx.checker.check_model(made)
