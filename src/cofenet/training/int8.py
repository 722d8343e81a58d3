"""The deepest layers of a detail in 8-bit integers: a correction hardly differs, and takes less time."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from torch import nn

from cofenet.engine.session import Session
from cofenet.errors import ModelError
from cofenet.geometry import resize
from cofenet.training.examples import make
from cofenet.training.photographs import Photographs, listed, load
from cofenet.training.recipe import Mixture

ROUNDED = {"residual", "activation"}
"""Outputs of a model for correction that depend on these layers."""

LAYERS = "detail.bottom."
"""What the names of their weights begin with: those at an eighth of the resolution.

On 39 photographs of the validation split, `light` loses 0.03 dB by it with spots alone, and nothing after kind 111 or
blur; the root mean square difference is 0.05 grey levels. All layers but the first and the last would lose 0.14 dB.
"""

_TOLERANCE = 0.25 / 255
"""Largest root mean square difference between PyTorch and integers that is let through."""

_SCENES, _COMPARED = 72, 8
"""Photographs on which the range of each layer's values is taken, and those on which the answers are compared."""

_MIXTURE = Mixture(kinds={"111": 0.4, "010": 0.3, "001": 0.1, "100": 0.1, "000": 0.1})

Inputs = dict[str, NDArray[np.float32]]


def scenes(manifest: Path, shapes: dict[str, tuple[int, ...]]) -> list[Inputs]:
    """What a model for correction typically sees: good photographs of a manifest's split "train", degraded.

    Args:
        manifest: as `cofenet.training.photographs.listed` reads it.
        shapes: of the model's inputs, by name; `large` stays empty if it is one.

    Raises:
        UsageError: the manifest cannot be read, or gives no photographs.
    """
    paths = listed(manifest, "train")
    photographs = load(paths[:: max(1, len(paths) // _SCENES)], shapes["local"][-1])
    return [_inputs(photographs, index, shapes) for index in range(_SCENES)]


def _inputs(photographs: Photographs, index: int, shapes: dict[str, tuple[int, ...]]) -> Inputs:
    example = make(photographs, _MIXTURE, 0, index)
    planes = np.stack([*np.moveaxis(example.degraded / np.float32(255), 2, 0), example.mask.astype(np.float32)])
    side = shapes["whole"][-1]
    whole = np.stack([resize(plane, (side, side)) for plane in planes])
    empty = {name: np.zeros(shape, np.float32) for name, shape in shapes.items() if name == "large"}
    return {"whole": whole[None], "local": planes[None], **empty}


def quantise(weights: Path, seen: Sequence[Inputs]) -> None:
    """Have the deepest layers of a model's detail calculated in integers, 8 bits of values and 7 of weights.

    Seven, for sums of products of eight bits by eight overflow on processors that lack instructions for them. The file
    keeps weights as they are, and onnxruntime rounds them on loading: a training that begins with them loses nothing.

    Args:
        weights: the ONNX file, which is changed.
        seen: inputs from which the ranges of values are taken.
    """
    graph = onnx.load(weights).graph
    layers = [node.name for node in graph.node if node.op_type == "Conv" and node.input[1].startswith(LAYERS)]
    root = logging.getLogger()
    root.addFilter(_unasked)
    try:
        quantize_static(
            weights, weights, _Reader(seen), quant_format=QuantFormat.QDQ, op_types_to_quantize=["Conv"],
            nodes_to_quantize=layers, per_channel=True, reduce_range=True, activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8, extra_options={"AddQDQPairToWeight": True, "QuantizeBias": False},
        )  # fmt: skip
    finally:
        root.removeFilter(_unasked)
    model = onnx.load(weights)
    model.ClearField("metadata_props")
    onnx.save(model, weights)


@torch.no_grad()
def compare(network: nn.Module, weights: Path, seen: Sequence[Inputs]) -> None:
    """See that a model in integers answers nearly as the network does.

    Raises:
        ModelError: it does not.
    """
    session, changes = Session(str(weights)), []
    for inputs in seen[:_COMPARED]:
        ours = network(*map(torch.from_numpy, inputs.values()))
        theirs = session.run(**inputs)
        pairs = zip(ours, theirs.items(), strict=True)
        changes += [np.square(own.numpy() - other).mean() for own, (name, other) in pairs if name in ROUNDED]
    changed = float(np.sqrt(np.mean(changes)))
    if not changed <= _TOLERANCE:
        raise ModelError(f"in integers the model answers otherwise, by {255 * changed:.2f} grey levels")


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    """Gives inputs one by one, as the library asks for them."""

    def __init__(self, seen: Sequence[Inputs]) -> None:
        self._seen = iter(seen)

    def get_next(self) -> Inputs | None:
        return next(self._seen, None)


def _unasked(record: logging.LogRecord) -> bool:
    """Whether to let a record through: the library advises everybody to simplify the graph, which the exporter did."""
    return "pre-processing" not in record.getMessage()
