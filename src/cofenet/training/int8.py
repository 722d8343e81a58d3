"""The deepest layers of a detail in 8-bit integers: a correction hardly differs, and takes less time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import nn

from cofenet.engine.session import Session, runtime
from cofenet.errors import ModelError, UsageError
from cofenet.geometry import resize
from cofenet.training.examples import make
from cofenet.training.photographs import Photographs, listed, load
from cofenet.training.recipe import Mixture

ROUNDED = {"residual", "activation"}
"""Outputs of a model for correction that depend on these layers."""

LAYERS = "detail.bottom."
"""What the names of their weights begin with: those at an eighth of the resolution.

On 39 photographs of the validation split, `light` loses 0.005 dB by it with spots alone, nothing after kind 111, and
changes by four grey levels at most. Those at a quarter and at a half, too: 0.08 dB, ten grey levels, and no time.
"""

_TOLERANCE = 0.25 / 255
"""Largest root mean square difference between PyTorch and integers that is let through, of values from 0 to 1."""

_DRAWN, _COMPARED = 80, 8
"""Scenes that are drawn; of these the last are compared, the others give the range of each layer's values."""

_FEW = 10
"""Photographs of which fewer tell no range: as few as are refused in training."""

_MIXTURE = Mixture(kinds={"111": 0.4, "010": 0.3, "001": 0.1, "100": 0.1, "000": 0.1})

Inputs = dict[str, NDArray[np.float32]]


def scenes(manifest: Path, shapes: dict[str, tuple[int, ...]]) -> list[Inputs]:
    """What a model for correction typically sees: drawn of good photographs of a manifest's split "train", degraded.

    Args:
        manifest: as `cofenet.training.photographs.listed` reads it.
        shapes: of the model's inputs, by name; `large` stays empty if it is one.

    Raises:
        UsageError: the manifest cannot be read, or has fewer than ten photographs.
    """
    paths = listed(manifest, "train")
    if len(paths) < _FEW:
        raise UsageError(f"{manifest}: fewer than {_FEW} good photographs of split train: too few to tell ranges from")
    photographs = load(paths[:: -(-len(paths) // _DRAWN)], shapes["local"][-1])
    empty = {name: np.empty((0, *shape[1:]), np.float32) for name, shape in shapes.items() if name == "large"}
    return [_inputs(photographs, index, shapes["whole"][-1]) | empty for index in range(_DRAWN)]


def _inputs(photographs: Photographs, index: int, side: int) -> Inputs:
    example = make(photographs, _MIXTURE, 0, index)
    planes = np.stack([*np.moveaxis(example.degraded / np.float32(255), 2, 0), example.mask.astype(np.float32)])
    whole = np.stack([resize(plane, (side, side)) for plane in planes])
    return {"whole": whole[None], "local": planes[None]}


def quantise(weights: Path, seen: Sequence[Inputs]) -> None:
    """Have the deepest layers of a model's detail calculated in integers, 8 bits of values and 7 of weights.

    Seven, for sums of products of eight bits by eight overflow on processors that lack instructions for them. The file
    keeps weights as they are, and onnxruntime rounds them on loading: a training that begins with them loses nothing.

    Args:
        weights: the ONNX file, which is changed.
        seen: inputs from which the ranges of values are taken.

    Raises:
        ModelError: the file has no such layers.
    """
    runtime()
    from onnxruntime import quantization  # noqa: PLC0415

    model = onnx.load(weights)
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    layers = [node.name for node in convolutions if node.input[1].startswith(LAYERS)]
    if not layers:
        raise ModelError(f"{weights.name}: no layers of {LAYERS}* that may be in integers")
    # The library advises everybody to simplify the graph first, as the exporter did, unless it is told so.
    model.metadata_props.add(key="onnx.quant.pre_process", value="onnxruntime.quant")
    onnx.save(model, weights)
    quantization.quantize_static(
        weights, weights, _Reader(seen[:-_COMPARED]), quant_format=quantization.QuantFormat.QDQ,
        op_types_to_quantize=["Conv"], nodes_to_quantize=layers, per_channel=True, reduce_range=True,
        activation_type=quantization.QuantType.QUInt8, weight_type=quantization.QuantType.QInt8,
        extra_options={"AddQDQPairToWeight": True, "QuantizeBias": False},
    )  # fmt: skip
    model = onnx.load(weights)
    model.ClearField("metadata_props")
    onnx.save(model, weights)


@torch.no_grad()
def compare(network: nn.Module, weights: Path, seen: Sequence[Inputs]) -> None:
    """See that a model in integers answers nearly as the network does where no range was taken from.

    Raises:
        ModelError: it does not.
    """
    session = Session(str(weights))
    changes: dict[str, list[float]] = {name: [] for name in ROUNDED}
    for inputs in seen[-_COMPARED:]:
        ours, theirs = network(*map(torch.from_numpy, inputs.values())), session.run(**inputs)
        for tensor, (name, array) in zip(ours, theirs.items(), strict=True):
            if name in ROUNDED:
                changes[name].append(float(np.square(tensor.numpy() - array).mean()))
    for name, squares in changes.items():
        changed = float(np.sqrt(np.mean(squares)))
        if not changed <= _TOLERANCE:
            raise ModelError(f"in integers the {name} is another: by {changed:.4f}, root mean square")


class _Reader:
    """Gives inputs one by one, as the library asks for them."""

    def __init__(self, seen: Sequence[Inputs]) -> None:
        self._seen: Iterator[Inputs] = iter(seen)

    def get_next(self) -> Inputs | None:
        return next(self._seen, None)
