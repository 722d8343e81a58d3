"""Write a network as an ONNX file with its card, and see that it says there what it says here."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn
from torch.nn.functional import avg_pool2d

from cofenet.engine.card import Card, Data, Tensor
from cofenet.engine.session import Session
from cofenet.errors import ModelError, UsageError
from cofenet.training import int8, own
from cofenet.training.half import graphs, halve
from cofenet.training.origin import Training

_LICENCE = "Research use only: the training photographs' terms forbid more."

_TOLERANCE = 1e-4
"""Largest difference between PyTorch and ONNX that is let through, of values about 1."""

_HALF_TOLERANCE = 1 / 255
"""The same for weights in half precision: a grey level."""

_OPEN = {0: torch.export.Dim("pictures", min=0, max=2)}
"""How many pictures an input has is left open; PyTorch does not leave it so where it sees none or one."""


@dataclass(frozen=True)
class Exported:
    """What goes into one ONNX file: a network of named inputs and outputs.

    Attributes:
        network: what is trained.
        description: what it does.
        inputs: what it takes, in order.
        outputs: what it gives, in order.
        spared: inputs that it can do without: of none, or of one picture.
    """

    network: nn.Module
    description: str
    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]
    spared: Set[str] = frozenset()


def write(
    exported: Exported,
    destination: Path,
    data: tuple[Data, ...],
    training: Training,
    *,
    half: bool = False,
    scenes: Sequence[int8.Inputs] = (),
) -> Card:
    """Write a model as ONNX with its card beside it.

    Args:
        exported: the trained network.
        destination: the ONNX file; the card gets the ending .json.
        data: what was learned from.
        training: how.
        half: store the weights in half precision, see `half`.
        scenes: what a model for correction typically sees: if given, its detail is calculated in integers, see `int8`.

    Raises:
        UsageError: the destination does not end in .onnx.
        ModelError: PyTorch and onnxruntime disagree; nothing is left behind.
    """
    if destination.suffix != ".onnx":
        raise UsageError(f"{destination}: the name must end in .onnx")
    network = exported.network.eval()
    example = _example(exported.inputs)
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".cofenet-", dir=destination.parent) as folder:
        weights = Path(folder, "as-trained", destination.name)
        weights.parent.mkdir()
        torch.onnx.export(
            *_traced(exported, network, example), weights,
            input_names=list(exported.inputs), output_names=list(exported.outputs),
            opset_version=18, dynamo=True, external_data=False, optimize=True, verbose=False,
        )  # fmt: skip
        _tidy(weights)
        card = _describe(exported, weights, data, training)
        _compare(network, weights, example, exported.outputs.keys(), _TOLERANCE)
        if half or scenes:
            weights = _reduced(weights, Path(folder, destination.name), scenes, half=half)
            card = _describe(exported, weights, data, training)
            exact = exported.outputs.keys() - (int8.ROUNDED if scenes else set())
            _compare(network, weights, example, exact, _HALF_TOLERANCE if half else _TOLERANCE)
        if scenes:
            int8.compare(network, weights, scenes)
        for made in (weights, weights.with_suffix(".json")):
            made.replace(destination.with_name(made.name))
    return card


def _reduced(weights: Path, destination: Path, scenes: Sequence[int8.Inputs], *, half: bool) -> Path:
    """The same model at another place, in integers where it may be, and in half precision if wanted."""
    shutil.copyfile(weights, destination)
    if scenes:
        int8.quantise(destination, scenes)
    if half:
        model = onnx.load(destination)
        halve(model)
        onnx.save(model, destination)
    return destination


def _example(inputs: dict[str, Tensor]) -> dict[str, torch.Tensor]:
    """Pictures of which all is seen, blurred: else some parts of a network had nothing to do, and to be compared by."""
    generator = torch.Generator().manual_seed(0)
    example = {}
    for name, tensor in inputs.items():
        picture = avg_pool2d(torch.rand(tensor.shape, generator=generator), 5, 1, 2)
        picture[:, 3:4] = 1  # the field of view
        example[name] = picture
    return example


def _traced(
    exported: Exported, network: nn.Module, example: dict[str, torch.Tensor]
) -> tuple[nn.Module | torch.export.ExportedProgram, tuple[torch.Tensor, ...]]:
    """What PyTorch's exporter is given: the network and its inputs, or, where one of them may be none, its graph.

    That is traced strictly: else what is done in some cases alone would allow for no open numbers.
    """
    if not exported.spared:
        return network, tuple(example.values())
    twice = tuple(tensor.repeat(2, 1, 1, 1) if name in exported.spared else tensor for name, tensor in example.items())
    shapes = tuple(_OPEN if name in exported.spared else None for name in exported.inputs)
    return torch.export.export(network, twice, dynamic_shapes=shapes, strict=True), ()


def _describe(exported: Exported, weights: Path, data: tuple[Data, ...], training: Training) -> Card:
    """The card of the weights, which is put beside them."""
    card = Card(
        name=weights.stem, file=weights.name, sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
        description=exported.description, inputs=exported.inputs, outputs=exported.outputs,
        data=data, training=training, parameters=sum(p.numel() for p in exported.network.parameters()),
        licence=_LICENCE if {part.source for part in data} != {own.SOURCE} else own.LICENCE, figures={},
    )  # fmt: skip
    weights.with_suffix(".json").write_text(json.dumps(card.model_dump(), indent=2) + "\n", "utf-8")
    return card


def _tidy(weights: Path) -> None:
    """Remove what the exporter notes of the machine it ran on, stack traces with paths, and what nobody uses."""
    model = onnx.load(weights)
    parts = list(graphs(model.graph))
    for graph in parts:
        for part in (model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
            part.ClearField("metadata_props")
            part.ClearField("doc_string")
    _settle(*parts)
    onnx.save(model, weights)


def _settle(whole: onnx.GraphProto, *branches: onnx.GraphProto) -> None:
    """Put what a graph stores where it is used, and nothing that is not: onnxruntime warns of what is left over.

    What only one branch uses goes into it: onnxruntime lays out convolutions anew only where their weights are their
    own graph's, and then does them in 0.6 of the time.

    Args:
        whole: the graph; what it stores is changed.
        branches: those inside it.
    """
    used, *used_there = (_names(graph) for graph in (whole, *branches))
    kept = []
    for tensor in whole.initializer:
        users = [branch for branch, names in zip(branches, used_there, strict=True) if tensor.name in names]
        if tensor.name in used or len(users) > 1:
            kept.append(tensor)
        elif users:
            users[0].initializer.append(tensor)
    del whole.initializer[:]
    whole.initializer.extend(kept)


def _names(graph: onnx.GraphProto) -> set[str]:
    """What a graph's own nodes take, and what it gives."""
    return {name for node in graph.node for name in node.input} | {value.name for value in graph.output}


@torch.no_grad()
def _compare(
    network: nn.Module, weights: Path, example: dict[str, torch.Tensor], exact: Set[str], tolerance: float
) -> None:
    ours = network(*example.values())
    theirs = Session(str(weights)).run(**{name: tensor.numpy() for name, tensor in example.items()})
    for tensor, (name, array) in zip(ours if isinstance(ours, tuple) else (ours,), theirs.items(), strict=True):
        difference = float(np.abs(tensor.numpy() - array).max())
        if name in exact and not difference <= tolerance:
            raise ModelError(f"PyTorch and ONNX disagree in {name}: {difference:.2e}")
